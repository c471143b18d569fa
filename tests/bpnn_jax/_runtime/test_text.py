"""What comes from outside leaves no control character, whatever it is shown on."""

import unicodedata
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpnn_jax._runtime.text import one_line, plain

ANY = st.text(st.characters(exclude_categories=()), max_size=20)


@given(ANY)
def test_nothing_that_acts_is_left(text):
    shown = plain(text)
    acts = [c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") and c not in "\n\t"]
    assert acts == []
    assert not [
        c
        for c in shown
        if unicodedata.bidirectional(c) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    ]
    shown.encode()  # no surrogate
    element = ElementTree.Element("a", b=one_line(text))
    element.text = shown
    assert ElementTree.fromstring(ElementTree.tostring(element)).text in (shown, None if shown == "" else shown)
    assert "\n" not in one_line(text)


@pytest.mark.parametrize("text", ["tanh, 0.5", "θ δ η ½ °", "数据", "a_b-c.txt", "[bold]x", "\t|", "e\u0301"])
def test_what_people_write_stays(text):
    assert plain(text) == text

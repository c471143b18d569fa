"""The paragraph of methods says what was done in a study, whatever its state."""

import re

import pytest

from bpnn_jax.ablation import findings
from bpnn_jax.ablation.report import methods, words

PLACE = {"bpnn_jax": "0.3.0", "jax": "0.10.2", "backend": "cpu", "device": ""}
STATES = ("twelve", "grid", "one", "unsolved", "diverged", "one diverged", "partial", "one seed", "nothing", "many")


def said(state):
    results, summary = state
    return methods.paragraph(results, summary, findings.find(results, summary), PLACE)


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_a_paragraph(states, state):
    results, _ = states[state]
    text = said(states[state])
    assert not re.search(r"\b(None|nan|Mapping)\b|[{}]|\(\)", text), text
    assert text.startswith("Networks were trained on xor")
    assert words.command(results.study) in text
    assert "Software: bpnn-jax 0.3.0, JAX 0.10.2, backend cpu." in text  # and no device, which is not known
    assert ("is not finished" in text) == (not results.complete)
    assert ("The SHA-256 of the results is" in text) == results.complete


def test_what_was_varied_shared_and_compared(states):
    text = said(states["grid"])
    assert "The factors learning-rate (0.1, 0.5) and momentum (0, 0.9) were crossed in full: 4 arms." in text
    assert "from the same 12 seeds, for 100 epochs, or until every output" in text
    assert "activation sigmoid" in text
    assert "learning-rate 0.1," not in text.split("Common to all arms")[1].split(";")[0]  # it varies
    assert "compared with learning-rate=0.1, momentum=0, paired by seed" in text
    assert "Intervals are at 95%; p-values are two-sided and corrected by Holm's method" in text
    assert "There was one arm." in said(states["one"])


def test_before_the_first_look_nothing_is_said_of_tests(states):
    text = said(states["nothing"])
    assert "The study has no intervals yet." in text
    assert "0 of 48 runs" in text


def test_a_look_is_told(states):
    assert "The study was looked into" in said(states["partial"])


def test_held_out_patterns_are_counted(scored):
    text = said(scored)
    assert "70 patterns were trained on and 30 were tested on" in text
    assert "The outcome was test accuracy" in text

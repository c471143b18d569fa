"""The notebooks run, and show what they keep, but for numbers that hang on the machine."""

import json
import re

import pytest

from docs import notebooks

pytestmark = pytest.mark.quick_xla


def shown(content):
    """What each cell gave: kinds of output, and their text without numbers."""
    return [
        [
            (
                sorted(output.get("data", {})),
                re.sub(r"[\d.e+-]+", "#", "".join(output.get("data", {}).get("text/plain", output.get("text", "")))),
            )
            for output in cell["outputs"]
        ]
        for cell in content["cells"]
        if cell["cell_type"] == "code"
    ]


@pytest.mark.parametrize("name", notebooks.NOTEBOOKS)
def test_a_notebook_gives_what_it_shows(name):
    if "sklearn" in (text := (notebooks.DOCS / name).read_text("utf-8")):
        pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'bpnn-jax[sklearn]'")
    kept = json.loads(text)
    assert kept["nbformat"] == 4
    assert shown(notebooks.run(kept)) == shown(kept)
    assert sum("text/html" in kinds for cell in shown(kept) for kinds, _ in cell) >= 2  # results show themselves


def test_a_cell_that_fails_is_an_error():
    with pytest.raises(ZeroDivisionError):
        notebooks.run({"cells": [{"cell_type": "code", "source": ["1 / 0"]}]})

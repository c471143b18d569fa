"""Each promise of docs/studies.md names a test, and that test is there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_each_promise_names_a_test_that_is_there():
    page = (ROOT / "docs" / "studies.md").read_text("utf-8")
    named = re.findall(r"\| `(bpnn_jax/[\w/]+\.py)::(test_\w+)` \|", page)
    assert len(named) >= 20
    for file, test in named:
        assert f"\ndef {test}(" in (ROOT / "tests" / file).read_text("utf-8"), (file, test)

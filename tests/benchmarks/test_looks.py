"""The figures of docs/statistics.md about looks are those of the committed simulation, and it finds what it is for."""

import json
from pathlib import Path

from benchmarks import looks

ROOT = Path(__file__).parents[2]
FOUND = json.loads(looks.KEPT.read_text())


def test_the_page_has_the_figures_of_the_simulation():
    page = (ROOT / "docs" / "statistics.md").read_text()
    for name, one in FOUND["false_alarms"].items():
        cells = " | ".join(f"{100 * one[key]:.1f}%" for key in ("looks", "plain", "end"))
        assert f"| {name} | {cells} |" in page
    assert FOUND["studies"] == looks.STUDIES
    assert set(FOUND["false_alarms"]) == set(looks.LINES)


def test_four_looks_make_few_false_alarms_where_looks_that_are_not_counted_make_many():
    assert all(one["looks"] <= 0.055 < one["plain"] for one in FOUND["false_alarms"].values())
    few = looks.alarms(looks.LINES["normal, 20 seeds"], 150)
    assert few["looks"] <= few["plain"]  # of the same studies
    assert 0 < few["plain"] < 0.4

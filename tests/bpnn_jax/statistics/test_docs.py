"""docs/statistics.md prints what it says."""

import doctest
import json
import re
from pathlib import Path

from benchmarks import factors

PAGE = Path(__file__).parents[3] / "docs" / "statistics.md"


def test_the_worked_example():
    source = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL))
    example = doctest.DocTestParser().get_doctest(source, {}, PAGE.name, str(PAGE), 0)
    assert len(example.examples) > 10
    assert doctest.DocTestRunner().run(example).failed == 0


def test_the_table_of_factors_is_that_of_the_kept_simulations():
    kept = json.loads((PAGE.parents[1] / "benchmarks" / "results" / "coverage.json").read_text())
    assert "\n".join(factors.rows(kept["lines"])) in PAGE.read_text("utf-8")
    assert kept["studies"] == factors.STUDIES
    assert all(0.93 <= line["coverage"] <= 0.98 and (line["alarms"] or 0) <= 0.065 for line in kept["lines"])

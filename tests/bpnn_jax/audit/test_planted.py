"""Every planted mistake is caught, its leaf named and its cause where the numbers give it away; every correct twin passes."""

import pytest

from bpnn_jax import audit
from tests.bpnn_jax.audit import planted, planted_contract

pytestmark = pytest.mark.quick_xla

CASES = planted.CASES + planted_contract.CASES
IDS = [case.name for case in CASES]


@pytest.fixture(scope="module", autouse=True)
def compiled_once():
    with audit.reusing():
        yield


def test_there_are_as_many_as_promised():
    assert len({case.name for case in CASES}) == len(CASES) >= 25


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_planted_mistake_is_caught(case):
    report = case.audited(True)
    assert report.verdict == case.verdict, report
    finding = next((f for f in report.findings if f.code == case.code and f.leaf == case.leaf), None)
    assert finding, report
    assert case.cause in finding.cause, report


# Every other twin: rules that are right are the subject of test_reach.py, test_coincidences.py and test_real_rules.py too.
@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=[pytest.mark.deep] if k % 2 else []) for k, c in enumerate(CASES)], ids=IDS
)
def test_correct_twin_passes(case):
    report = case.audited(False)
    assert report.verdict == "correct", report

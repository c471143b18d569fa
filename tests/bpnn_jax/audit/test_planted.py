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


# Wrong numbers in one leaf, told by the judgement that tells those of the others: at length only.
AT_LENGTH = {
    "attention_softmax_backward_without_the_sum",
    "attention_scores_not_transposed_for_dk",
    "rotary_embedding_rotated_the_same_way_backwards",
    "layer_norm_without_the_mean_term",
    "layer_norm_variance_held_constant",
    "layer_norm_gain_gradient_from_the_raw_input",
    "rms_norm_cube_forgotten",
    "stop_gradient_on_the_norm",
    "convolution_bias_summed_over_the_wrong_axes",
    "square_weights_not_transposed",
    "reshaped_in_place_of_a_transpose",
    "cumulative_sum_not_reversed",
    "residual_connection_dropped",
    "input_gate_without_its_derivative",
    "gelu_without_the_inner_derivative",
    "label_smoothing_forgotten_backwards",
}


def marked(case, number=0):
    """Every other one of what has a number is for a run at length too."""
    return pytest.param(case, marks=[pytest.mark.deep] if number % 2 or case.name in AT_LENGTH else [])


def test_there_are_as_many_as_promised():
    assert len(set(IDS)) == len(IDS) >= 25 + len(AT_LENGTH)
    assert set(IDS) > AT_LENGTH


@pytest.mark.parametrize("case", [marked(case) for case in CASES], ids=IDS)
def test_planted_mistake_is_caught(case):
    report = case.audited(True)
    assert report.verdict == case.verdict, report
    finding = next((f for f in report.findings if f.code == case.code and f.leaf == case.leaf), None)
    assert finding, report
    assert case.cause in finding.cause, report


# Every other twin: rules that are right are the subject of test_reach.py, test_coincidences.py and test_real_rules.py too.
@pytest.mark.parametrize("case", [marked(case, number) for number, case in enumerate(CASES)], ids=IDS)
def test_correct_twin_passes(case):
    report = case.audited(False)
    assert report.verdict == "correct", report

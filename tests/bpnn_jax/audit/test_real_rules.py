"""Rules that no one here wrote: those of jax.nn and a few others, as benchmarks.auditor.real_rules audits all of them."""

import jax
import optax
import pytest

from benchmarks.auditor import real_rules
from bpnn_jax import audit

pytestmark = pytest.mark.quick_xla

RULES = dict(real_rules.rules())


@pytest.fixture(scope="module", autouse=True)
def compiled_once():
    with audit.reusing(), jax.numpy_dtype_promotion("standard"):
        yield


def test_every_rule_is_found():
    assert len(RULES) >= 30
    assert RULES["nn.relu"] is jax.nn.relu
    assert {"numpy._det", "scipy.xlogy", "lax.logaddexp", "optax._scale_gradient"} <= set(RULES)
    assert optax.__name__.split(".")[0] in {name.split(".")[0] for name in RULES}


@pytest.mark.parametrize(
    "name", ["lax.logaddexp", "nn.log1mexp", "nn.relu", "scipy.logit", "scipy.xlogy", "optax._scale_gradient"]
)
def test_rule_has_the_verdict_that_the_benchmark_found(name):
    example = real_rules.EXAMPLES[name]
    options = {"draws": 2, "ranges": example.ranges, "variants": 0}
    _, report = real_rules.audited(name, RULES[name], example.args, **options)
    by_design = "wrong" if name == "optax._scale_gradient" else "correct"
    assert report.verdict == by_design, report


@pytest.mark.parametrize(
    ("name", "point", "verdict"), [("nn.relu", (0.0,), "inconclusive"), ("scipy.logit", (0.5,), "correct")]
)
def test_special_points(name, point, verdict):
    example = real_rules.EXAMPLES[name]
    _, report = real_rules.audited(name, RULES[name], real_rules.at(example, point), draws=1, variants=0)
    assert report.verdict == verdict, report

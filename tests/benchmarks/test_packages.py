"""What the committed verdicts on other people's packages say is what docs/auditor.md says, and the named bugs are among them."""

import json

from benchmarks.auditor.packages.__main__ import CHECKOUT, HERE, VERDICTS, agrees, counts, table
from benchmarks.auditor.packages.calls import PACKAGES
from benchmarks.auditor.packages.truth import TRUTH

ROWS = json.loads(VERDICTS.read_text("utf-8"))
BUGS = (
    "numpyro.distributions.truncated.DoublyTruncatedPowerLaw.log_prob.<locals>.f",
    "numpyro.distributions.truncated.DoublyTruncatedPowerLaw.cdf.<locals>.f",
    "jax.experimental.pallas.ops.gpu.rms_norm.rms_norm",
    "jax.experimental.pallas.ops.gpu.layer_norm.layer_norm",
    "ott.math.utils.softmin",
    "exojax.special.faddeeva.rewofzx",
)


def test_the_page_has_the_table_and_the_counts_of_the_committed_verdicts():
    page = (CHECKOUT / "docs" / "auditor.md").read_text("utf-8")
    assert table(ROWS) in page
    assert counts(ROWS) in page.replace("\n", " ")


def test_the_bugs_that_are_known_are_found():
    verdicts = {row["name"]: row["verdict"] for rows in ROWS.values() for row in rows}
    assert {name: verdicts[name] for name in BUGS} == dict.fromkeys(BUGS, "wrong")
    assert {TRUTH[name].verdict for name in BUGS} == {"wrong"}


def test_every_package_is_called_and_pinned():
    assert set(ROWS) <= set(PACKAGES)
    assert len(ROWS) >= 17
    pins = [line for line in (HERE / "requirements.txt").read_text("utf-8").splitlines() if line]
    assert all(line.count("==") == 1 for line in pins)


def test_a_rule_that_is_meant_to_differ_is_judged_rightly_when_it_is_called_wrong():
    assert agrees("wrong", "by design")
    assert agrees("wrong", "wrong")
    assert agrees("correct", "right")
    assert not agrees("correct", "by design")
    assert not agrees("inconclusive", "right")

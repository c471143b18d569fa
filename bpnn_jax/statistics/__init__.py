"""The statistics of a study: estimates with intervals, and comparisons of arms with effect and p-value together.

Arrays are aligned by seed: a row per run and a column per arm; row i of every arm is the same seed. docs/statistics.md says which
question takes which method, and why. It stands on NumPy and SciPy and knows nothing of how the runs were made.
"""

from bpnn_jax.statistics._bootstrap import Bootstrap
from bpnn_jax.statistics._contrast import compare, estimate, interaction
from bpnn_jax.statistics._factorial import Share, contrasts, shares, total
from bpnn_jax.statistics._power import POWER, Design, design, detectable, equivalence, power, units_needed
from bpnn_jax.statistics._rates import compare_rates, mcnemar, newcombe, success_rate, tango, wilson
from bpnn_jax.statistics._results import Comparison, Estimate, correct, holm
from bpnn_jax.statistics._sequential import LOOKS, Look, boundaries, look_at, needed, numbered, repeated, spent
from bpnn_jax.statistics._summary import EPOCHS, SUCCESS, ArmSummary, Contrast, Summary, summarise
from bpnn_jax.statistics._survival import Curve, compare_epochs, kaplan_meier, restricted_mean, restricted_values
from bpnn_jax.statistics._units import CROSS_FITTED, Effects, effects, nadeau_bengio, units

__all__ = [
    "CROSS_FITTED",
    "EPOCHS",
    "LOOKS",
    "POWER",
    "SUCCESS",
    "ArmSummary",
    "Bootstrap",
    "Comparison",
    "Contrast",
    "Curve",
    "Design",
    "Effects",
    "Estimate",
    "Look",
    "Share",
    "Summary",
    "boundaries",
    "compare",
    "compare_epochs",
    "compare_rates",
    "contrasts",
    "correct",
    "design",
    "detectable",
    "effects",
    "equivalence",
    "estimate",
    "holm",
    "interaction",
    "kaplan_meier",
    "look_at",
    "mcnemar",
    "nadeau_bengio",
    "needed",
    "newcombe",
    "numbered",
    "power",
    "repeated",
    "restricted_mean",
    "restricted_values",
    "shares",
    "spent",
    "success_rate",
    "summarise",
    "tango",
    "total",
    "units",
    "units_needed",
    "wilson",
]

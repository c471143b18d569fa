"""The ladder of trust for this project's own derivation: what ``bpnn verify`` runs.

    report = verify.run(verify.Options(sizes=(2, 2, 1), activations=("tanh",), networks=2000))
    report.verdict, report.checks, report.mistakes

takes half a minute; one rung of it:

>>> from bpnn_jax.verify.networks import Options
>>> from bpnn_jax.verify.equations import compare_extremes
>>> max(comparison.ratio()[0] for comparison in compare_extremes()) <= 1
True
>>> Options(hidden_bias=True).bias_choices()
[(True, True)]
"""

import bpnn_jax._runtime.own_manual  # noqa: F401 - an ImportError if another ``manual`` comes first
from bpnn_jax._runtime import lazy

__getattr__, __dir__, __all__ = lazy.attach(__name__, __file__)

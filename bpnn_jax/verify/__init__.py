"""The ladder of trust for this project's own derivation: what ``bpnn verify`` runs.

>>> from bpnn_jax import verify
>>> report = verify.run(verify.Options(sizes=(2, 2, 1), activations=("tanh",), networks=2000))
>>> report.verdict
'correct'
"""

from bpnn_jax.verify.checks import Caught, Check
from bpnn_jax.verify.ladder import Options, Report, run

__all__ = ["Caught", "Check", "Options", "Report", "run"]

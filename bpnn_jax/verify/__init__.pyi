# The public names, declared here and nowhere else: ``bpnn_jax._runtime.lazy`` reads this file. A study needs no SymPy.
from bpnn_jax.verify.checks import Caught as Caught
from bpnn_jax.verify.checks import Check as Check
from bpnn_jax.verify.ladder import Report as Report
from bpnn_jax.verify.ladder import run as run
from bpnn_jax.verify.networks import Options as Options

# The public names, declared here and nowhere else: ``bpnn_jax._runtime.lazy`` reads this file.
from bpnn_jax.ablation.results import Results as Results
from bpnn_jax.ablation.runner import measure as measure
from bpnn_jax.ablation.runner import read as read
from bpnn_jax.ablation.runner import run as run
from bpnn_jax.ablation.study import Arm as Arm
from bpnn_jax.ablation.study import Study as Study
from bpnn_jax.settings import Run as Run

"""Who trains: each peer's name, where its code is, what it needs, and where it differs from ours."""

import importlib.util
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.speed.peers import classic, jax_grad, numba_loop, ours, pytorch, scikit
from benchmarks.speed.tasks import Task, Weights

Run = Callable[[], Weights]
Prepare = Callable[[Task], Run]


@dataclass(frozen=True)
class Peer:
    """One way to train a ``Task``.

    prepare:   in the peer's own process, ``prepare(task)`` gives a function that trains it from its initial weights and returns
               the final ones, (networks, rows, columns). Only that function is timed; its first call may compile.
    guess:     nanoseconds for an update of one network, to choose how long a round is. Nothing else depends on it.
    changes:   fields of the task that this peer can only do otherwise.
    reference: what its result is compared with; by default ours in float64, with the same changes.
    missing:   says what is not installed and how to install it, or None.
    plain_xla: JAX as it is installed, without the XLA option that bpnn_jax sets.
    cores:     hold it to so many cores, whatever the workload says.
    slow:      compiles for so long that a quick look leaves it out.
    note:      one line for the report.
    """

    name: str
    prepare: Prepare
    guess: float
    changes: Mapping[str, Any] = field(default_factory=dict)
    reference: Prepare = ours.reference
    missing: Callable[[], str | None] = lambda: None
    plain_xla: bool = False
    cores: int | None = None
    slow: bool = False
    note: str = ""


def needs_module(module: str, package: str) -> Callable[[], str | None]:
    """A peer that is a Python package."""
    return lambda: None if importlib.util.find_spec(module) else f"not installed; pip install {package}"


def needs_torch_compiler() -> str | None:
    if not importlib.util.find_spec("torch"):
        return "not installed; pip install torch"
    return None if shutil.which("g++") else "torch.compile needs a C++ compiler; apt-get install g++"


SKLEARN = {"activations": ("sigmoid", "linear"), "rule": "heavy-ball", "learning_rate": 0.05}
TORCH, NUMBA = needs_module("torch", "torch"), needs_module("numba", "numba")
SCIKIT = needs_module("sklearn", "scikit-learn")

OURS = Peer("ours", ours.one, 120)
ONE = (
    Peer("article", classic.article, 40_000, changes={"order": "article"}, note="float64, output weights move first"),
    Peer("numpy", classic.numpy_loop, 20_000),
    Peer("numba", numba_loop.prepare, 300, missing=NUMBA),
    Peer("sklearn", scikit.prepare, 60_000, SKLEARN, missing=SCIKIT, note="MLPRegressor: linear output, heavy ball"),
    Peer("pytorch", pytorch.eager, 300_000, missing=TORCH),
    Peer("pytorch-compile", pytorch.compiled, 150_000, missing=needs_torch_compiler, slow=True),
    Peer("jax-grad-scan", jax_grad.one, 1500, plain_xla=True, note="JAX as installed"),
    Peer("jax-grad-scan-option", jax_grad.one, 500, note="the same with our XLA option"),
)
OURS_MANY = Peer("ours", ours.many, 40)
MANY = (
    Peer("pytorch-vmap", pytorch.vmap, 3000, missing=TORCH),
    Peer("pytorch-vmap-compile", pytorch.vmap_compiled, 600, missing=needs_torch_compiler, slow=True),
    Peer("jax-grad-vmap", jax_grad.many, 400, plain_xla=True, note="JAX as installed"),
)
OURS_BATCH = Peer("ours", ours.one, 1e6)
BATCH = (
    Peer("numpy", classic.numpy_loop, 2e6),
    Peer(
        "sklearn",
        scikit.prepare,
        3e6,
        SKLEARN | {"learning_rate": 0.0005},
        missing=SCIKIT,
        note="linear output, heavy ball",
    ),
    Peer("pytorch", pytorch.eager, 2e6, missing=TORCH),
    Peer("pytorch-compile", pytorch.compiled, 2e6, missing=needs_torch_compiler, slow=True),
    Peer("jax-grad-scan", jax_grad.one, 2e6, plain_xla=True, note="JAX as installed"),
)

"""C for one task: the sizes as macros, compiled into a temporary folder by ``gcc -O3 -march=native``, and called by ctypes.

The environment's ``CFLAGS`` are added.
"""

import ctypes
import os
import shlex
import shutil
import subprocess
import tempfile
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.speed.peers import Peer
from benchmarks.speed.tasks import Task, Weights
from benchmarks.speed.worker import PeerError
from benchmarks.speed.workloads import MANY, ONLINE

HERE = Path(__file__).parent
FLAGS = ("-O3", "-march=native", "-std=gnu11", "-Wall", "-Werror")
LANES = 32  # many.c's


def library(source: str, sizes: tuple[int, ...], *flags: str) -> ctypes.CDLL:
    """Compile and load. The file may go once it is loaded."""
    macros = [f"-D{name}={n}" for name, n in zip(("N_IN", "N_HIDDEN", "N_OUT"), sizes, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "peer.so")
        command = [
            "gcc",
            *FLAGS,
            *shlex.split(os.environ.get("CFLAGS", "")),
            *macros,
            "-shared",
            "-fPIC",
            str(HERE / source),
            "-o",
            out,
            *flags,
            "-lm",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise PeerError(f"gcc {source}: {done.stderr.strip().splitlines()[0]}")
        return ctypes.CDLL(out)


def _pointer(a: np.ndarray) -> ctypes.c_void_p:
    assert a.dtype == np.float32
    assert a.flags.c_contiguous
    return a.ctypes.data_as(ctypes.c_void_p)


def _one(source: str, flags: tuple[str, ...], task: Task):
    flags = (*flags, "-DSGD") if task.rule == "sgd" else flags
    train = library(source, task.sizes, *flags).train
    rates = ctypes.c_float(task.learning_rate), ctypes.c_float(task.momentum)
    lengths = ctypes.c_long(len(task.x)), ctypes.c_long(task.epochs)

    def run() -> Weights:
        W1, W2 = (W.copy() for W in task.weights)
        if train(_pointer(W1), _pointer(W2), _pointer(task.x), _pointer(task.t), *lengths, *rates):
            raise PeerError(f"{source} could not make the network")
        return W1, W2

    return run


def blocked(task: Task):
    """C blocked by hand, on all the cores that the process may use."""
    train = library("many.c", task.sizes, "-fopenmp").train_many
    rates = ctypes.c_float(task.learning_rate), ctypes.c_float(task.momentum)
    more = -task.networks % LANES
    lengths = ctypes.c_long(task.networks + more), ctypes.c_long(len(task.x)), ctypes.c_long(task.epochs)

    def run() -> Weights:
        W1, W2 = (np.concatenate([W, W[:1].repeat(more, axis=0)]) for W in task.weights)
        train(_pointer(W1), _pointer(W2), _pointer(task.x), _pointer(task.t), *lengths, *rates)
        return W1[: task.networks], W2[: task.networks]

    return run


def fann_reference(task: Task):
    """What FANN should do, in float64: heavy ball, and f' of an output held between 0.01 and 0.99."""
    N, M = task.learning_rate, task.momentum
    x = np.hstack([task.x.astype(float), np.ones((len(task.x), 1))])

    def slope(a: np.ndarray) -> np.ndarray:
        held = np.clip(a, 0.01, 0.99)
        return held * (1 - held)

    def run() -> Weights:
        W1, W2 = (W[0].astype(float) for W in task.weights)
        v1, v2 = np.zeros_like(W1), np.zeros_like(W2)
        for _ in range(task.epochs):
            for xp, tp in zip(x, task.t.astype(float), strict=True):
                h = np.append(1 / (1 + np.exp(-(xp @ W1))), 1.0)
                o = 1 / (1 + np.exp(-(h @ W2)))
                d2 = (o - tp) * slope(o)
                d1 = (W2[:-1] @ d2) * slope(h[:-1])
                v1, v2 = M * v1 + N * np.outer(xp, d1), M * v2 + N * np.outer(h, d2)
                W1, W2 = W1 - v1, W2 - v2
        return W1[None], W2[None]

    return run


def needs_gcc() -> str | None:
    return None if shutil.which("gcc") else "needs a C compiler; apt-get install gcc"


def needs_fann() -> str | None:
    if needs_gcc():
        return needs_gcc()
    asked = subprocess.run(
        ["gcc", "-E", "-"], input="#include <floatfann.h>\n", text=True, capture_output=True, check=False
    )
    return None if asked.returncode == 0 else "not installed; apt-get install libfann-dev"


C = Peer("c", partial(_one, "online.c", ()), 200, missing=needs_gcc, note="gcc -O3 -march=native")
C_FAST = Peer(
    "c-fast-math", partial(_one, "online.c", ("-ffast-math",)), 200, missing=needs_gcc, note="and -ffast-math"
)
FANN = Peer(
    "fann",
    partial(_one, "fann.c", ("-lfann",)),
    500,
    changes={"rule": "heavy-ball"},
    reference=fann_reference,
    missing=needs_fann,
    note="heavy ball, f' held up at 0.01 and 0.99",
)
BLOCKED = Peer("c-blocked", blocked, 30, missing=needs_gcc, note="32 networks at once, vectors by hand")

PEERS = {ONLINE: (C, C_FAST, FANN), MANY: (BLOCKED,)}

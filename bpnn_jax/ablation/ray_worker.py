"""What runs in each process of a Ray cluster: one JAX, on one device, a chunk at a time.

Imports no JAX of its own accord: the settings come first.
"""

import contextlib
import os
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bpnn_jax._runtime import cache

if TYPE_CHECKING:
    from bpnn_jax.ablation.folder import Table
    from bpnn_jax.ablation.plan import Lane, Program


class Worker:
    """Made by Ray, which has set CUDA_VISIBLE_DEVICES to the GPU that it claimed for this process.

    settings: environment variables that JAX reads when it starts.
    """

    def __init__(self, settings: Mapping[str, str]):
        os.environ.update(settings)
        self._open = contextlib.ExitStack()  # for as long as the process lives
        self._open.enter_context(cache.compile_cache())

    def report(self) -> tuple[str, int, dict[str, str]]:
        """The machine, the process, and its kind: ``chunks.place``, and for a CPU which one, since XLA compiles for what it finds."""
        from bpnn_jax.ablation.plan import place

        found = place()
        processor = {"processor": cache.processor()} if found["backend"] == "cpu" else {}
        return socket.gethostname(), os.getpid(), found | processor

    def train(self, program: "Program", lanes: "tuple[Lane, ...]", place: tuple[tuple[str, str], ...]) -> "Table":
        from bpnn_jax.ablation.plan import Chunk, run_chunk

        return run_chunk(Chunk(program, lanes, place))

"""The body of the GPU kernel: a block of networks, from the first to the last epoch, in one loop that touches no weight in memory.

Everything that a network has of its own is an array of shape (threads, lanes); the patterns are read from memory, one record of
inputs, targets and the overlap with the pattern before for each.
"""

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jax import lax

from bpnn_jax.training import _loop, _settings
from bpnn_jax.training.gpu.update import Row, Update


@dataclass(frozen=True)
class Kernel:
    """What is fixed when the kernel is traced. ``lanes``: the networks of one program."""

    update: Update
    settings: _settings.Settings
    patterns: int
    lanes: int

    def __call__(
        self, layers: tuple, status: Any, epochs: Any, error: Any, rates: tuple, patterns: Any, stretch: Any
    ) -> tuple:
        """Some epochs of one block, in and out as (layers, status, epochs, error).

        patterns, stretch: references or arrays; ``stretch`` holds the number of these epochs, so that one program serves them all.

        Between two epochs ``layers`` hold W, and what the rule keeps: several stretches come to the bits of one.
        """
        learning_rate, momentum, cutoff, tolerance = rates
        last = self.pattern(patterns, self.patterns - 1)[0]

        def epoch(carry: tuple) -> tuple:
            left, layers, status, epochs, error = carry
            running = status == _loop.RUNNING
            # With both rates at 0 and nothing owed a stopped network stays exactly as it is.
            alive = jnp.where(running, 1.0, 0.0).astype(jnp.float32)
            layers = self.update.lean(layers, last, -1.0)
            layers, now = self.pass_over(patterns, layers, alive * learning_rate, alive * momentum)
            layers = self.update.lean(layers, last, 1.0)
            ended = jnp.where(now < cutoff, _loop.CUTOFF, _loop.RUNNING)
            if self.settings.stop_solved:
                ended = jnp.where(self.miss(patterns, layers, tolerance) <= tolerance, _loop.SOLVED, ended)
            ended = jnp.where(is_finite(now, layers), ended, _loop.DIVERGED).astype(jnp.int32)
            status = jnp.where(running, ended, status)
            layers = tuple(
                layer._replace(owed=tuple(jnp.where(status == _loop.RUNNING, d, 0.0) for d in layer.owed))
                for layer in layers
            )
            return left - 1, layers, status, epochs + jnp.where(running, 1, 0), jnp.where(running, now, error)

        def goes_on(carry: tuple) -> Any:
            left, _, status, _, _ = carry
            return (left > 0) & (self.least(status) == _loop.RUNNING)

        return lax.while_loop(goes_on, epoch, (stretch[0], layers, status, epochs, error))[1:]

    def pattern(self, patterns: Any, p: Any) -> tuple[Row, Row, Any]:
        """(inputs, targets, overlap with the pattern before) of pattern ``p``, all scalars."""
        n_in, n_out = self.update.network.sizes[0], self.update.network.sizes[-1]
        record = [patterns[p * (n_in + n_out + 1) + i] for i in range(n_in + n_out + 1)]
        return tuple(record[:n_in]), tuple(record[n_in:-1]), record[-1]

    def pass_over(self, patterns: Any, layers: tuple, learning_rate: Any, momentum: Any) -> tuple[tuple, Any]:
        """One epoch of online updates in file order, and its error as ``settings.measure`` says."""

        def step(p: Any, carry: tuple) -> tuple:
            layers, error = carry
            x, t, overlap = self.pattern(patterns, p)
            layers, outputs = self.update(layers, x, t, overlap, learning_rate, momentum)
            return layers, self.measure(error, [a - t_k for a, t_k in zip(outputs, t, strict=True)])

        return lax.fori_loop(0, self.patterns, step, (layers, 0.0 * learning_rate))

    def least(self, status: Any) -> Any:
        """The smallest status of the block. Mosaic GPU reduces over one axis at a time where threads share a network."""
        return jnp.min(status) if self.update.threads == 1 else jnp.min(jnp.min(status, axis=0))

    def measure(self, error: Any, e: list) -> Any:
        """The error of the epoch so far (7), with the misses ``e`` of one more pattern."""
        kept = e if self.settings.measure == "sum" else e[-1:]
        squares = [0.5 * e_k * e_k for e_k in kept]
        return sum(squares, 0.0 * error if self.settings.measure == "last-pattern" else error)

    def miss(self, patterns: Any, layers: tuple, tolerance: Any) -> Any:
        """The largest |a - t| over outputs and patterns, with the weights as they are."""

        def look(p: Any, worst: Any) -> Any:
            x, t, _ = self.pattern(patterns, p)
            outputs = self.update.forward(layers, x, None)[1][-1]
            for a, t_k in zip(outputs, t, strict=True):
                worst = jnp.maximum(worst, jnp.abs(a - t_k))
            return worst

        return lax.fori_loop(0, self.patterns, look, 0.0 * tolerance)


def is_finite(error: Any, layers: tuple) -> Any:
    """Whether the error and all weights are finite: 0 times infinity or NaN is NaN, and so is a sum with it."""
    found = 0.0 * error
    for layer in layers:
        for row in layer.W:
            for w in row:
                found = found + 0.0 * w
    return found == 0.0

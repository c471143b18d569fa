"""What is looked at after each epoch of ``train``: error and score of patterns apart, and when to stop by them."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax.errors import InputError, whole_number
from bpnn_jax.network import OBJECTIVES, Network, Weights, apply
from bpnn_jax.training import _inputs

VALIDATION = "validation"  # the part that patience looks at


class Curve(NamedTuple):
    """A part after each epoch, three arrays (points,): ``error`` is E divided by the part's patterns, ``score`` NaN without one."""

    epochs: np.ndarray
    error: np.ndarray
    score: np.ndarray


@partial(jax.jit, static_argnums=(0, 1))
def _looked_at(network: Network, objective: str, weights: Weights, x: Any, t: Any) -> tuple[Any, Any]:
    return OBJECTIVES[objective](network, weights, x, t) / len(x), apply(network, weights, x)


class Watch:
    """Looks at parts after each epoch, for one call of ``train``, which gives it the weights.

    parts:    by name, inputs (patterns, n0) with targets (patterns, nL). After a run with a part ``validation`` the weights are
              those of the epoch with its lowest error.
    patience: stop when so many epochs have passed without a lower error of ``validation``, from 1 up; None never stops.
    score:    of outputs and targets, both (patterns, nL), a number; or None.
    every:    epochs between two points of the curves.

    Raises InputError for a patience without a validation part.

    >>> from bpnn_jax import Network, load_patterns
    >>> from bpnn_jax.training import train
    >>> xor, watch = load_patterns("xor"), Watch({"validation": (np.eye(2), np.ones((2, 1)))}, patience=5)
    >>> result = train(Network((2, 3, 1), "tanh"), xor.x, xor.t, epochs=200, watch=watch)
    >>> result.kept == watch.best, len(watch.curve("validation").error) == result.iterations + 1
    (True, True)
    """

    def __init__(
        self,
        parts: Mapping[str, tuple[Any, Any]],
        *,
        patience: int | None = None,
        score: Callable[[np.ndarray, np.ndarray], float] | None = None,
        every: int = 1,
    ):
        self.patience = None if patience is None else whole_number("patience", patience, 1)
        if patience is not None and VALIDATION not in parts:
            raise InputError("expected patience with a validation part, got it without one")
        self.every = whole_number("every", every, 1)
        self._given, self._score = dict(parts), score
        self._ready: dict[str, tuple] = {}
        self._points: dict[str, list[tuple[int, float, float]]] = {name: [] for name in parts}
        self.lowest, self.best = np.inf, -1
        self._objective = "half-squared-error"

    def begin(self, network: Network, dtype: str, objective: str) -> None:
        """Check the parts, and bring them to where the run is. Their error is ``objective``'s."""
        self._objective = objective
        for name, (x, t) in self._given.items():
            x, t = _inputs.patterns(network, x, t, dtype, objective, stacklevel=4)
            self._ready[name] = jnp.asarray(x), jnp.asarray(t), t

    def after(self, network: Network, weights: Weights, epoch: int) -> tuple[bool, bool]:
        """Look after ``epoch`` (from 0): whether its validation error is the lowest so far, and whether to stop."""
        for name, (x, t, targets) in self._ready.items():
            noted = epoch % self.every == 0
            if not noted and name != VALIDATION:
                continue
            error, outputs = _looked_at(network, self._objective, weights, x, t)
            if noted:
                score = float("nan") if self._score is None else float(self._score(np.asarray(outputs), targets))
                self._points[name].append((epoch, float(error), score))
            if name == VALIDATION and float(error) < self.lowest:
                self.lowest, self.best = float(error), epoch
        if VALIDATION not in self._ready:
            return False, False
        return self.best == epoch, self.patience is not None and epoch - self.best >= self.patience

    def curve(self, name: str) -> Curve:
        """What was seen of a part."""
        points = np.array(self._points[name], np.float64).reshape(-1, 3)
        return Curve(points[:, 0].astype(int), points[:, 1], points[:, 2])

    @property
    def curves(self) -> dict[str, Curve]:
        """The curve of each part."""
        return {name: self.curve(name) for name in self._points}

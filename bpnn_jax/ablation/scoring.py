"""What networks come to on the parts of a task: accuracy for classes and labels, R² and RMSE for numbers."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import manual
from bpnn_jax._runtime import products
from bpnn_jax.ablation.parts import CLASSES, LABELS, NUMBERS
from bpnn_jax.network import Network, Weights
from bpnn_jax.patterns import Patterns, scores
from bpnn_jax.patterns.standardize import Standardization
from bpnn_jax.training import _columns

LANES = 16  # networks whose outputs are computed together, whatever their number: so no bit depends on it
GPU_LANES = (
    1024  # of those that the GPU kernel has trained: a call costs its launches there, of few networks as of many
)
MOST_NUMBERS = 20_000_000  # outputs that are held at once, of all these networks
SATURATED, SMALL = "saturated", 0.05
MOST_LABELS = 20  # whose accuracies are kept one by one


@dataclass(frozen=True, eq=False)
class Judge:
    """Scores networks on named parts (x, t), by the task's kind. ``units`` is the way back to the targets' own units."""

    kind: str
    parts: Mapping[str, Patterns]
    units: Standardization | None = field(default=None)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the scores: ``test_accuracy``, ``train_r2``, of each label its own ``test_accuracy:NAME``; and ``saturated``."""
        return (*(f"{part}_{what}" for part in self.parts for what in self._of_a_part), SATURATED)

    @property
    def followed(self) -> tuple[str, ...]:
        """The scores that are followed over the epochs: accuracy or R² of each part."""
        return tuple(f"{part}_{self._of_a_part[0]}" for part in self.parts)

    @property
    def _of_a_part(self) -> tuple[str, ...]:
        if self.kind == NUMBERS:
            return "r2", "rmse"
        one = next(iter(self.parts.values()))
        count = one.t.shape[1]
        if self.kind != LABELS or count > MOST_LABELS:
            return ("accuracy",)
        return ("accuracy", *(f"accuracy:{name}" for name in one.outputs or map(str, range(count))))

    @property
    def sha256(self) -> str:
        """Of the parts and how they are scored."""
        units = "" if self.units is None else f"{self.units.mean.tolist()} {self.units.sd.tolist()}"
        said = [self.kind, units, SATURATED, *(f"{name} {part.sha256}" for name, part in self.parts.items())]
        return hashlib.sha256("|".join(said).encode()).hexdigest()

    def scores(self, network: Network, weights: Weights, dtype: str, lanes: int = LANES) -> np.ndarray:
        """float64 (networks, names). ``weights`` are L arrays (networks, n_in + bias, n_out). An output that is not finite is wrong:
        accuracy counts it so, and R² is -inf. lanes: networks whose outputs are computed together.
        """
        first, *others = self.parts.values()

        def all_of(some: Weights) -> np.ndarray:
            scored, hardly = self._part(network, some, dtype, first)
            if hardly is None:
                hardly = saturated(network, some, dtype, first.x)
            return np.hstack([scored, *(self._part(network, some, dtype, part)[0] for part in others), hardly[:, None]])

        return _by_lanes(all_of, weights, lanes)

    def follow(self, network: Network, weights: Weights, dtype: str, lanes: int = LANES) -> np.ndarray:
        """float64 (networks, ``followed``), as ``scores`` has them."""
        return _by_lanes(
            lambda some: np.hstack([self._part(network, some, dtype, part)[0][:, :1] for part in self.parts.values()]),
            weights,
            lanes,
        )

    def _part(
        self, network: Network, weights: Weights, dtype: str, part: Patterns
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """(lanes, scores), a stretch of the patterns at a time: what is summed is (lanes, sums). For classes also what is
        ``saturated``, (lanes,), by the same program.
        """
        total: Any = 0
        hardly: Any = None
        for x, t in _stretches(network, len(weights[0]), part.x, part.t):
            if self.kind == CLASSES:
                right, some = _of_jax(_judged, network, weights, dtype, x, t.argmax(axis=1))
                total, hardly = total + right[:, None], some if hardly is None else hardly + some
            else:
                outputs = _of_jax(_outputs, network, weights, dtype, x).astype(np.float64)
                total = total + self._sums(outputs, t, part.t)
        return self._scored(total, part), None if hardly is None else _share(network, hardly, len(part))

    def _sums(self, outputs: np.ndarray, t: np.ndarray, whole: np.ndarray) -> np.ndarray:
        if self.kind == NUMBERS:
            with np.errstate(over="ignore", invalid="ignore"):
                squares = np.square(outputs - t).sum(axis=1)
            return np.where(np.isfinite(squares), squares, np.inf)
        within = scores.tolerance(whole)
        labels = abs(outputs - t) < within
        return np.column_stack([labels.all(axis=2).sum(axis=1), labels.sum(axis=1)])

    def _scored(self, total: np.ndarray, part: Patterns) -> np.ndarray:
        if self.kind != NUMBERS:
            return (total / len(part))[:, : len(self._of_a_part)]
        sd = np.ones(part.t.shape[1]) if self.units is None else self.units.sd
        spread = np.square(part.t - part.t.mean(axis=0)).sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            r2 = np.where(spread > 0, 1 - total / spread, np.nan).mean(axis=1)
        return np.column_stack([r2, np.sqrt((total * sd**2).sum(axis=1) / part.t.size)])


def saturated(network: Network, weights: Weights, dtype: str, x: np.ndarray) -> np.ndarray:
    """The share of a network's hidden nodes, over the patterns ``x``, whose derivative is below 5% of the largest that it can be: they
    hardly learn. (networks,), NaN for networks without hidden nodes; ``weights`` as for ``Judge.scores``.

    >>> network = Network((1, 2, 1), "tanh", input_bias=False, hidden_bias=False)
    >>> saturated(network, (np.array([[[0.1, 9.0]]]), np.ones((1, 2, 1))), "float32", np.ones((3, 1))).tolist()
    [0.5]
    """
    if not any(network.sizes[1:-1]):
        return np.full(len(weights[0]), np.nan)
    found = (
        _of_jax(_hardly_learning, network, weights, dtype, some) for (some,) in _stretches(network, len(weights[0]), x)
    )
    return _share(network, sum(found), len(x))


def _share(network: Network, hardly: Any, patterns: int) -> np.ndarray:
    """How many of all, of each network; NaN without hidden nodes."""
    of = sum(network.sizes[1:-1]) * patterns
    return np.asarray(hardly, np.float64) / of if of else np.full(np.shape(hardly), np.nan)


def _stretches(network: Network, lanes: int, *arrays: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """Patterns whose outputs are held at once, of so many networks."""
    step = max(1, MOST_NUMBERS // (lanes * max(network.sizes)))
    for at in range(0, len(arrays[0]), step):
        yield tuple(array[at : at + step] for array in arrays)


def _layers(network: Network, weights: Weights, x: Any) -> list[manual.Layer]:
    """Of one network, their nodes on the first axis: z and a are (n, patterns)."""
    if not network.skip:
        return _columns.forward(network, _columns.apart(network, weights), x.T)
    functions = tuple(manual.OUTPUT_ACTIVATIONS[name] for name in network.activations)
    return [layer._replace(z=layer.z.T, a=layer.a.T) for layer in manual.forward(weights, x, functions, True).layers]


@partial(jax.jit, static_argnums=0)
def _hardly_learning(network: Network, weights: Weights, x: Any) -> Any:
    return jax.vmap(lambda W: _hardly(_layers(network, W, x)))(weights)


def _hardly(layers: list[manual.Layer]) -> Any:
    """How often the derivative of a hidden node is small."""
    counts = [(layer.derivative < SMALL * _steepest(layer.f)).sum() for layer in layers[:-1]]
    return sum(counts, jnp.zeros((), counts[0].dtype)) if counts else jnp.zeros((), jnp.int32)


def _steepest(f: manual.Activation) -> float:
    z = np.linspace(-20.0, 20.0, 4001)
    return float(f.derivative(z, f.value(z)).max())


def _by_lanes(function: Callable[[Weights], np.ndarray], weights: Weights, lanes: int) -> np.ndarray:
    """``function`` of so many networks at a time, the last ones filled up."""
    found = []
    for first in range(0, len(weights[0]), lanes):
        at = np.arange(first, first + lanes) % len(weights[0])
        found.append(function(tuple(W[at] for W in weights)))
    return np.concatenate(found)[: len(weights[0])]


@partial(jax.jit, static_argnums=0)
def _outputs(network: Network, weights: Weights, x: Any) -> Any:
    """(networks, patterns, nL)."""
    return jax.vmap(lambda W: _layers(network, W, x)[-1].a.T)(weights)


@partial(jax.jit, static_argnums=0)
def _judged(network: Network, weights: Weights, x: Any, classes: Any) -> tuple[Any, Any]:
    """How many patterns have their class as the first of the largest outputs, all being finite; and ``_hardly_learning``."""

    def one(W: Weights) -> tuple[Any, Any]:
        layers = _layers(network, W, x)
        outputs = layers[-1].a
        first = outputs.argmax(axis=0)
        right = (first == classes.astype(first.dtype)) & jnp.isfinite(outputs).all(axis=0)
        return right.sum(), _hardly(layers)

    return jax.vmap(one)(weights)


def _of_jax(function: Callable, network: Network, weights: Weights, dtype: str, x: np.ndarray, *more: Any) -> Any:
    """``function`` in that precision, the networks' axis first."""
    with jax.enable_x64(dtype == "float64"), products.exact():
        some = tuple(np.asarray(W, dtype) for W in weights)
        return jax.device_get(function(network, some, np.asarray(x, dtype), *more))

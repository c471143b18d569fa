"""``train``: check what came in, compile the run once, carry it out, and say how it ended."""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import manual
from bpnn_jax._runtime import xla
from bpnn_jax.errors import InputError, finite, unknown
from bpnn_jax.errors import seed as check_seed
from bpnn_jax.network import Network, Weights, apply, check_weights, init
from bpnn_jax.training import _engines, _loop

STOPPED = {_loop.RUNNING: "epochs", _loop.CUTOFF: "cutoff", _loop.SOLVED: "solved", _loop.DIVERGED: "diverged"}
DTYPES = ("float32", "float64")
LOOK_IN = 0.1  # seconds between two looks at the progress, about; the compiled run cannot be interrupted in between


@dataclass(frozen=True)
class TrainResult:
    """How a run ended. Arrays are NumPy's.

    weights:    a tuple of L matrices, in the run's dtype.
    iterations: the 0-based index of the last epoch run (the article's count).
    error:      of that epoch, as ``settings.measure`` says; summed, with the ½, never a mean.
    stopped:    ``cutoff``, ``solved``, ``epochs`` (the limit) or ``diverged``.
    history:    (epoch, error) rows, float64, shape (points, 2), every ``history_every`` epochs from epoch 0.
    path:       the loop that ran: ``fused loop`` (small networks online, the derivation written out) or ``generic``.
    seconds, compile_seconds: spent training, and before that compiling.
    """

    network: Network
    weights: Weights
    iterations: int
    error: float
    stopped: str
    history: np.ndarray
    path: str
    seconds: float
    compile_seconds: float


class DivergedError(FloatingPointError):
    """The error or a weight is no longer finite. ``result`` is the run up to there."""

    def __init__(self, result: TrainResult):
        self.result = result
        super().__init__(
            f"the run diverged at epoch {result.iterations}: expected a finite error and finite weights, "
            f"got error {result.error}; a smaller learning rate or momentum may help"
        )


@partial(jax.jit, static_argnums=(0, 1, 2))
def _run(network, settings, engine, *args):
    return _loop.run(network, settings, *args, engine=engine)


def train(
    network: Network,
    x: Any,
    t: Any,
    *,
    learning_rate: float = 0.5,
    momentum: float = 0.1,
    cutoff: float = 0.0,
    tolerance: float | None = None,
    weights: Weights | None = None,
    seed: int = 0,
    dtype: str = "float32",
    settings: _loop.Settings | None = None,
    progress: Callable[[int, float], None] | None = None,
    **changes: Any,
) -> TrainResult:
    """Train ``network`` on patterns ``x`` (patterns, n0) with targets ``t`` (patterns, nL), as one compiled program.

    learning_rate, momentum, cutoff, tolerance: traced, so that another value compiles nothing anew.
    cutoff:    stop after an epoch whose error is below it.
    tolerance: stop when every output is within it of its target ("solved").
    weights:   where to start; otherwise ``init(network, seed)``. ``seed`` also moves the shuffling.
    dtype:     float32 or float64, whatever JAX's global setting is.
    settings:  a ``Settings``; its fields may also be given one by one (``epochs=100, rule="adam", mode="batch"``).
    progress:  called some ten times a second with (epochs done, error).

    Raises InputError for what cannot be used and DivergedError, with the epoch, for a run that leaves the finite numbers.

    >>> from bpnn_jax import Network, load_patterns
    >>> xor = load_patterns("xor")
    >>> result = train(Network((2, 3, 1), "tanh"), xor.x, xor.t, epochs=2000, tolerance=0.1)
    >>> result.stopped
    'solved'
    """
    known = {f.name for f in fields(_loop.Settings)}
    for name in changes:
        if name not in known:
            raise unknown("option of train", name, sorted(known))
    settings = replace(settings or _loop.Settings(), **changes)
    if settings.stop_solved and tolerance is None:
        raise InputError("expected a tolerance to stop at when solved, got stop_solved without one")
    settings = replace(settings, stop_solved=tolerance is not None)
    if dtype not in DTYPES:
        raise unknown("dtype", dtype, DTYPES)
    seed = check_seed(seed)
    rates = {"learning_rate": learning_rate, "momentum": momentum, "cutoff": cutoff, "tolerance": tolerance or 0.0}
    for name, value in rates.items():
        with np.errstate(over="ignore"):
            rates[name] = finite(name, np.dtype(dtype).type(finite(name, value)))
    x, t = check_patterns(network, x, t, dtype)
    engine = _engines.engine(network, settings)
    if engine is _engines.FUSED:
        xla.say_what_was_lost()

    with jax.enable_x64(dtype == "float64"):
        if weights is None:
            weights = init(network, seed, dtype=dtype)
        check_weights(network, weights)
        traced = _loop.Rates(*(jnp.asarray(value, dtype) for value in rates.values()))
        state = _loop.start(settings, tuple(jnp.asarray(W, dtype) for W in weights), traced, network, engine)
        args = (jnp.asarray(x), jnp.asarray(t), traced, jax.random.key(seed))
        began = time.perf_counter()
        jax.block_until_ready(
            _run(network, settings, engine, state, *args, 0)
        )  # no epochs: compiles, or finds it compiled
        compiled = time.perf_counter()
        until, step = 0, 1 if progress else settings.epochs
        while until < settings.epochs and int(state.status) == _loop.RUNNING:
            until = min(until + step, settings.epochs)
            asked = time.perf_counter()
            state = _run(network, settings, engine, state, *args, until)
            if progress:
                progress(int(state.epoch), float(state.error))
                step *= 2 if time.perf_counter() - asked < LOOK_IN else 1
        state = jax.block_until_ready(state)
        seconds = time.perf_counter() - compiled
    return _result(network, settings, engine.name, state, seconds, compiled - began)


def predict(network: Network, weights: Weights, x: Any) -> np.ndarray:
    """The outputs for ``x`` (patterns, n0), a NumPy array (patterns, nL), in the precision of the weights."""
    check_weights(network, weights)
    dtype = np.result_type(*(np.asarray(W).dtype for W in weights))
    x = np.asarray(x, dtype)
    if x.ndim != 2 or x.shape[1] != network.sizes[0]:
        raise InputError(f"expected inputs of shape (patterns, {network.sizes[0]}) for {network}, got {x.shape}")
    with jax.enable_x64(dtype == np.float64):
        return np.asarray(apply(network, tuple(jnp.asarray(W) for W in weights), x))


def _result(network, settings, path, state, seconds, compile_seconds) -> TrainResult:
    ran = int(state.epoch)
    points = -(-ran // settings.history_every)
    history = np.stack([np.arange(points) * settings.history_every, np.asarray(state.history)[:points]], axis=1)
    result = TrainResult(
        network=network,
        weights=tuple(np.asarray(W) for W in state.weights),
        iterations=ran - 1,
        error=float(state.error),
        stopped=STOPPED[int(state.status)],
        history=history,
        path=path,
        seconds=seconds,
        compile_seconds=compile_seconds,
    )
    if result.stopped == "diverged":
        raise DivergedError(result)
    return result


def check_patterns(network: Network, x: Any, t: Any, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """The patterns as arrays of ``dtype``. InputError for what cannot be used; a warning for targets that no output can reach."""
    try:
        with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite, and is refused below
            x, t = np.asarray(x, dtype), np.asarray(t, dtype)
    except (TypeError, ValueError) as error:
        raise InputError(f"expected inputs and targets as arrays of numbers, got: {error}") from None
    for what, array, n in (("inputs", x, network.sizes[0]), ("targets", t, network.sizes[-1])):
        if array.ndim != 2 or array.shape[1] != n or not array.shape[0]:
            raise InputError(f"expected {what} of shape (patterns, {n}) for {network}, got {array.shape}")
        if not np.isfinite(array).all():
            row, column = np.argwhere(~np.isfinite(array))[0]
            raise InputError(f"expected finite {what}, got {array[row, column]} in pattern {row}, column {column}")
    if len(x) != len(t):
        raise InputError(f"expected as many targets as inputs, got {len(x)} inputs and {len(t)} targets")
    low, high = manual.ACTIVATIONS[network.activations[-1]].output_range
    if t.min() < low or t.max() > high:
        warnings.warn(
            f"targets from {t.min():g} to {t.max():g}, but a {network.activations[-1]} output stays "
            f"between {low:g} and {high:g}: the error cannot reach 0",
            stacklevel=3,
        )
    return x, t

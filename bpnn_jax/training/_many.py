"""``train_many``: thousands of networks at once, each with its own seed, rates and stop."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax._runtime import cores as _cores
from bpnn_jax._runtime import xla
from bpnn_jax.errors import InputError, unknown, whole
from bpnn_jax.errors import seed as check_seed
from bpnn_jax.network import Network, Weights, init
from bpnn_jax.training import _engines, _loop
from bpnn_jax.training._loop import Rates, Settings
from bpnn_jax.training._one import DTYPES, STOPPED, check_patterns

POINTS = 100  # of the history, unless history_every is given
LARGEST_HISTORY = 50_000_000  # numbers: networks times points
AT_ONCE = 4096  # networks whose first weights are drawn in one call
DEVICES = ("cpu", "gpu")
WORDS = np.array([STOPPED[status] for status in sorted(STOPPED)])


@dataclass(frozen=True)
class ManyResult:
    """How n runs ended. Arrays are NumPy's; the first axis is the network's, in the order of ``seeds``.

    weights:    a tuple of L arrays (n, n_in + bias, n_out), in the runs' dtype.
    seeds, iterations, error, stopped: arrays (n,), with each network's values as in ``TrainResult``. A run that diverged is one of
                these (``stopped`` says so), and stops no other.
    history:    the errors at the epochs ``history_epochs``, shape (points, n); NaN after a network's stop.
    path:       ``lanes``, or ``generic, vmapped`` for what the lanes do not serve, or ``GPU kernel``.
    lanes:      networks in a block. Another width may round differently; the number of networks, their order and that of the cores
                change no bit. For the GPU kernel, which takes them all at once, their number.
    seconds, compile_seconds: spent training, and before that compiling.
    """

    network: Network
    seeds: np.ndarray
    weights: Weights
    iterations: np.ndarray
    error: np.ndarray
    stopped: np.ndarray
    history: np.ndarray
    history_epochs: np.ndarray
    path: str
    lanes: int
    seconds: float
    compile_seconds: float


@partial(jax.jit, static_argnums=(0, 1, 2))
def _run(block: Callable, network: Network, settings: Settings, *args: Any) -> Any:
    weights, rates, x, t, seeds, until = args
    return block(network, settings, weights, rates, x, t, jax.vmap(jax.random.key)(seeds), until)


@partial(jax.jit, static_argnums=(0, 1))
def _first_weights(network: Network, dtype: str, seeds: Any) -> Weights:
    return jax.vmap(lambda seed: init(network, jax.random.key(seed), dtype=dtype))(seeds)


def train_many(
    network: Network,
    x: Any,
    t: Any,
    *,
    seeds: int | Sequence[int],
    learning_rate: Any = 0.5,
    momentum: Any = 0.1,
    cutoff: Any = 0.0,
    tolerance: Any = None,
    weights: Weights | None = None,
    dtype: str = "float32",
    settings: Settings | None = None,
    progress: Callable[[int, int], None] | None = None,
    lanes: int | None = None,
    cores: int | None = None,
    device: str = "cpu",
    **changes: Any,
) -> ManyResult:
    """Train many networks of one shape on the same patterns; each is what ``train`` makes of its seed, to rounding.

    seeds:    how many networks (then 0, 1, 2, ...), or a seed for each. One may come twice only where its runs have different
              rates, or weights of their own.
    learning_rate, momentum, cutoff, tolerance: one value for all, or one a network. Another value compiles nothing anew.
    weights:  where to start, arrays (n, n_in + bias, n_out), or of one network for all; otherwise ``init(network, seed)``.
    settings: as for ``train``, or its fields one by one. The history has at most 100 points unless ``history_every`` is given.
    progress: called with (networks done, networks) after each block; on a GPU they are one.
    lanes:    networks in a block, a multiple of 16.
    cores:    how many blocks to train at the same time; otherwise as many as there are processors.
    device:   ``gpu`` trains all of them by one kernel on an NVIDIA GPU, in float32 (docs/gpu.md). What the kernel cannot do is an
              InputError; it keeps no history, which is empty then. ``cpu`` is the other ways, on whatever JAX runs on.

    Raises InputError for what cannot be used.

    >>> from bpnn_jax import Network, load_patterns
    >>> xor = load_patterns("xor")
    >>> result = train_many(Network((2, 3, 1), "tanh"), xor.x, xor.t, seeds=100, epochs=1000, tolerance=0.1)
    >>> int((result.stopped == "solved").sum())
    65
    """
    settings = _settings(settings, changes, tolerance)
    if dtype not in DTYPES:
        raise unknown("dtype", dtype, DTYPES)
    numbers = _seeds(seeds)
    n = len(numbers)
    rates = Rates(
        _each("learning_rate", learning_rate, n, dtype),
        _each("momentum", momentum, n, dtype),
        _each("cutoff", cutoff, n, dtype),
        _each("tolerance", 0.0 if tolerance is None else tolerance, n, dtype),
    )
    if weights is None or np.ndim(weights[0]) == 2:
        _check_different(numbers, rates)
    if device not in DEVICES:
        raise unknown("device", device, DEVICES)
    if device == "cpu" and _loop.points(settings) * n > LARGEST_HISTORY:
        raise InputError(
            f"expected a history of at most {LARGEST_HISTORY} numbers, got {_loop.points(settings)} points of {n} networks: "
            "a larger history_every keeps it short"
        )
    x, t = check_patterns(network, x, t, dtype)
    if device == "gpu":
        if lanes is not None or cores is not None:
            raise InputError("expected lanes and cores for the CPU alone, got them with device='gpu'")
        found = _on_gpu(network, settings, numbers, weights, rates, x, t, dtype)
        if progress:
            progress(n, n)
        return found
    path, block, width = _engines.block(network, settings, dtype)
    if path == _engines.LANES:
        xla.say_what_was_lost()
    width = width if lanes is None else _width(lanes)
    cores = _cores.available() if cores is None else whole("cores", cores, 1)

    with jax.enable_x64(dtype == "float64"):
        start = _drawn(network, numbers, dtype) if weights is None else _given(network, weights, n, dtype)
        patterns = jnp.asarray(x), jnp.asarray(t)

    def run(chunk: Sequence[int], until: int) -> Any:
        full = np.resize(np.asarray(chunk), width)  # the last block is filled up with networks that nobody looks at
        own = tuple(W[full] for W in start), Rates(*(rate[full] for rate in rates))
        return run_block(block, network, settings, dtype, *own, *patterns, numbers[full], until)

    began = time.perf_counter()
    run(range(1), 0)  # no epochs: compiles, or finds it compiled
    compiled = time.perf_counter()
    found = []
    chunks = [range(at, min(at + width, n)) for at in range(0, n, width)]
    for chunk, ended in zip(
        chunks, _cores.in_turn(lambda chunk: run(chunk, settings.epochs), chunks, cores), strict=True
    ):
        found.append(ended)
        if progress:
            progress(chunk.stop, n)
    seconds = time.perf_counter() - compiled
    return ManyResult(
        network=network,
        seeds=numbers,
        weights=tuple(np.concatenate(layer)[:n] for layer in zip(*(e.weights for e in found), strict=True)),
        iterations=np.concatenate([e.epochs for e in found])[:n] - 1,
        error=np.concatenate([e.error for e in found])[:n],
        stopped=WORDS[np.concatenate([e.status for e in found])[:n]],
        history=np.concatenate([e.history for e in found], axis=1)[:, :n],
        history_epochs=np.arange(_loop.points(settings)) * settings.history_every,
        path=path,
        lanes=width,
        seconds=seconds,
        compile_seconds=compiled - began,
    )


def _on_gpu(
    network: Network, settings: Settings, seeds: np.ndarray, weights: Any, rates: Rates, x: Any, t: Any, dtype: str
) -> ManyResult:
    """``train_many`` by ``training.gpu``."""
    from bpnn_jax.training.gpu import block as gpu

    reason = (
        gpu.supports(network, settings) if dtype == "float32" else f"the GPU kernel is float32; got dtype={dtype!r}"
    )
    if reason:
        raise InputError(reason)
    gpu.check_device()
    n, began = len(seeds), time.perf_counter()
    with jax.enable_x64(False):
        start = _drawn(network, seeds, dtype) if weights is None else _given(network, weights, n, dtype)
        last = tuple(
            np.ascontiguousarray(np.moveaxis(W, 0, -1)) for W in start
        )  # the kernel's networks are the last axis
        run = jax.jit(gpu.train_block, static_argnums=(0, 1)).lower(network, settings, last, x, t, rates).compile()
        compiled = time.perf_counter()
        found = jax.device_get(run(last, x, t, rates))
    return ManyResult(
        network=network,
        seeds=seeds,
        weights=tuple(np.moveaxis(W, -1, 0) for W in found.weights),
        iterations=found.iterations,
        error=found.error,
        stopped=WORDS[found.status],
        history=np.empty((0, n), dtype),
        history_epochs=np.empty(0, int),
        path="GPU kernel",
        lanes=n,
        seconds=time.perf_counter() - compiled,
        compile_seconds=compiled - began,
    )


def run_block(block: Callable, network: Network, settings: Settings, dtype: str, *args: Any) -> Any:
    """One block as ``_engines.block`` has it, up to an epoch: (weights, rates, x, t, seeds, until) to its ``Ended`` in NumPy."""
    with jax.enable_x64(dtype == "float64"):  # the setting belongs to a thread
        return jax.device_get(_run(block, network, settings, *args))


def _settings(settings: Settings | None, changes: dict, tolerance: Any) -> Settings:
    known = {f.name for f in fields(Settings)}
    for name in changes:
        if name not in known:
            raise unknown("option of train_many", name, sorted(known))
    if settings is None and "history_every" not in changes:
        epochs = whole("epochs", changes.get("epochs", Settings.epochs), 1)
        changes = {**changes, "history_every": -(-epochs // POINTS)}
    found = replace(settings or Settings(), **changes)
    if found.stop_solved and tolerance is None:
        raise InputError("expected a tolerance to stop at when solved, got stop_solved without one")
    return replace(found, stop_solved=tolerance is not None)


def _seeds(seeds: int | Sequence[int]) -> np.ndarray:
    if isinstance(seeds, (int, np.integer)):
        return np.arange(whole("seeds", seeds, 1), dtype=np.uint32)
    try:
        given = [check_seed(s) for s in seeds]
    except TypeError:
        raise InputError(f"expected seeds as a number of networks or a sequence of seeds, got {seeds!r}") from None
    if not given:
        raise InputError("expected at least one seed, got none")
    return np.array(given, np.uint32)


def _check_different(seeds: np.ndarray, rates: Rates) -> None:
    """Two runs of one seed and the same rates are one run: whoever asks for both has made a mistake."""
    if len(np.unique(seeds)) == len(seeds):  # as it mostly is, and found sooner than by sorting rows
        return
    runs, counts = np.unique(np.stack([seeds, *rates], axis=1), axis=0, return_counts=True)
    if len(runs) < len(seeds):
        twice = int(runs[counts > 1][0, 0])
        raise InputError(f"expected seeds that are all different, got {twice} more than once")


def _each(what: str, value: Any, n: int, dtype: str) -> np.ndarray:
    """One number for each network."""
    try:
        with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite, and is refused below
            given = np.asarray(value, np.float64).astype(dtype)
    except (TypeError, ValueError):
        raise InputError(f"expected {what} as a number or an array of {n} numbers, got {value!r}") from None
    if given.shape not in ((), (n,)):
        raise InputError(f"expected {what} as one number or {n}, one a network, got shape {given.shape}")
    if not (np.isfinite(given) & (given >= 0)).all():
        bad = given.ravel()[~(np.isfinite(given) & (given >= 0)).ravel()][0]
        raise InputError(f"expected {what} as finite numbers from 0 up, got {bad}")
    return np.broadcast_to(given, (n,))


def _drawn(network: Network, seeds: np.ndarray, dtype: str) -> Weights:
    """Each network's first weights, those of ``init``, drawn some thousands at a time."""
    size = min(AT_ONCE, len(seeds))
    found = [
        jax.device_get(_first_weights(network, dtype, np.resize(seeds[at : at + size], size)))
        for at in range(0, len(seeds), size)
    ]
    return tuple(np.concatenate(layer)[: len(seeds)] for layer in zip(*found, strict=True))


def _given(network: Network, weights: Weights, n: int, dtype: str) -> Weights:
    shapes = tuple(np.shape(W) for W in weights)
    if shapes not in (network.shapes, tuple((n, *shape) for shape in network.shapes)):
        raise InputError(
            f"expected weights of shapes {network.shapes} for {network}, or the same with {n} networks in front, got {shapes}"
        )
    return tuple(
        np.broadcast_to(np.asarray(W, dtype), (n, *shape)) for W, shape in zip(weights, network.shapes, strict=True)
    )


def _width(lanes: int) -> int:
    if whole("lanes", lanes, 16) % 16:
        raise InputError(f"expected lanes as a multiple of 16, got {lanes}")
    return lanes

"""``train_many``: thousands of networks at once, each with its own seed, rates and stop."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np

from bpnn_jax import errors
from bpnn_jax._runtime import cores as _cores
from bpnn_jax._runtime import forks, xla
from bpnn_jax._runtime.display import Card
from bpnn_jax.errors import InputError, unknown, whole_number
from bpnn_jax.network import Network, Weights, init
from bpnn_jax.training import _engines, _inputs, _one, _settings
from bpnn_jax.training._blocks import run_block
from bpnn_jax.training._loop import Rates
from bpnn_jax.training._orders import of_seeds
from bpnn_jax.training._settings import Settings

Look = Callable[[np.ndarray, int, Weights], None]
POINTS = 100  # of the history, unless history_every is given
LARGEST_HISTORY = 50_000_000  # numbers: networks times points
DRAW_BATCH = 4096  # networks whose first weights are drawn in one call
DEVICES = ("cpu", *_engines.KERNELS)
STATUS_NAMES = np.array([_one.STATUS_NAMES[status] for status in sorted(_one.STATUS_NAMES)])


@dataclass(frozen=True, repr=False)
class ManyResult(Card):
    """How n runs ended. Arrays are NumPy's; the first axis is the network's, in the order of ``seeds``.

    weights:    a tuple of L arrays (n, n_in + bias, n_out), in the runs' dtype.
    seeds, iterations, error, stopped: arrays (n,), with each network's values as in ``TrainResult``. A run that diverged is one of
                these (``stopped`` says so), and stops no other.
    history:    the errors at the epochs ``history_epochs``, shape (points, n); NaN after a network's stop.
    engine:     ``lanes``, or ``generic, vmapped`` for what the lanes do not serve, ``one at a time`` for larger networks online, or
                ``GPU kernel``, which may be ``interpreted``.
    lanes:      networks in a block. Another width may round differently; the number of networks, their order and that of the cores
                change no bit. The GPU kernel takes them all at once, unless ``lanes`` was given.
    seconds:    spent training. ``compile_seconds``: spent compiling before that.
    """

    network: Network
    seeds: np.ndarray
    weights: Weights
    iterations: np.ndarray
    error: np.ndarray
    stopped: np.ndarray
    history: np.ndarray
    history_epochs: np.ndarray
    engine: str
    lanes: int
    seconds: float
    compile_seconds: float

    def _card(self) -> tuple[str, list[tuple[str, str]]]:
        ends = zip(*np.unique(self.stopped, return_counts=True), strict=True)
        lowest, median, highest = np.percentile(self.iterations + 1, [0, 50, 100])
        errors = self.error[np.isfinite(self.error)]
        return f"ManyResult of {len(self.seeds)} networks, {self.network}", [
            ("stopped", ", ".join(f"{count} {end}" for end, count in ends)),
            ("epochs", f"{lowest:.0f} to {highest:.0f}, median {median:.0f}"),
            (
                "error",
                f"{errors.min():.4g} to {errors.max():.4g}, median {np.median(errors):.4g}"
                if errors.size
                else "none finite",
            ),
            ("weights", f"{', '.join(str(W.shape) for W in self.weights)} {self.weights[0].dtype}"),
            ("history", f"{len(self.history)} points per network"),
            ("time", f"{self.seconds:.3g} s training ({self.engine}), {self.compile_seconds:.3g} s compiling"),
        ]


@partial(jax.jit, static_argnums=(0, 1))
def _first_weights(network: Network, dtype: str, seeds: Any) -> Weights:
    return jax.lax.map(lambda seed: init(network, jax.random.key(seed), dtype=dtype), seeds)


def train_many(
    network: Network,
    x: Any,
    t: Any,
    *,
    seeds: int | Sequence[int],
    learning_rate: Any = None,
    momentum: Any = None,
    cutoff: Any = 0.0,
    tolerance: Any = None,
    weights: Weights | None = None,
    dtype: Any = "float32",
    settings: Settings | None = None,
    progress: Callable[[int, int], None] | None = None,
    lanes: int | None = None,
    cores: int | None = None,
    device: str = "cpu",
    order_seed: int | None = None,
    looks: Sequence[int] = (),
    look: Look | None = None,
    **changes: Any,
) -> ManyResult:
    """Train many networks of one shape; each is what ``train`` makes of its seed, to rounding.

    x, t:     patterns (patterns, n0), targets (patterns, nL); or the same with n in front, where each network has its own.
    seeds:    how many networks (then 0, 1, 2, ...), or a seed for each. A seed may come twice only where its runs have different
              rates, or weights of their own.
    learning_rate, momentum, cutoff, tolerance: as for ``train``, one value for all or an array (n,).
    weights:  where to start, arrays (n, n_in + bias, n_out), or of one network for all; otherwise ``init(network, seed)``.
    dtype:    float32 or float64, as for ``train``.
    settings: as for ``train``, or its fields one by one. The history has at most 100 points unless ``history_every`` is given.
    progress: called with (networks done, networks) after each block.
    lanes:    networks in a block, a multiple of 16; unless given, 64; by matrix products of more than 1200 weights 16; for
              ``one at a time`` 4; for the GPU kernel all of them.
    cores:    how many blocks to train at the same time, on the CPU; otherwise as many as there are processors.
    device:   ``gpu`` trains a block by one kernel on an NVIDIA GPU, in float32 (docs/gpu.md); what it cannot do is an InputError.
              ``interpret`` runs that kernel's body on the CPU, slowly, to test it. ``cpu`` is the other engines: loops written out on
              the CPU, products where JAX computes.
    look:     called after each of the epochs ``looks``, counted from 0 and rising, with (networks, epoch, weights): the numbers of the
              networks of a block that ran that epoch (k,), and L arrays (k, n_in + bias, n_out). The runs are the same to the bit.

    order_seed: with ``shuffle``, one order of the patterns for all networks, that of this seed, in place of each seed's own: to draw
              an order costs more than an epoch of a small network.

    Rates, seeds and their number may change without another compilation.

    Raises InputError for what cannot be used, also for traced values. A run that diverges is recorded, and no error.

    >>> from bpnn_jax import Network, load_patterns
    >>> xor = load_patterns("xor")
    >>> result = train_many(Network((2, 3, 1), "tanh"), xor.x, xor.t, seeds=100, epochs=1000, tolerance=0.1)
    >>> int((result.stopped == "solved").sum())
    65
    """
    forks.check_not_forked("train_many")
    _inputs.check_not_traced("train_many", x, t, learning_rate, momentum, cutoff, tolerance, weights, seeds)
    if settings is None and "history_every" not in changes:
        epochs = whole_number("epochs", changes.get("epochs", Settings.epochs), 1)
        changes = {**changes, "history_every": -(-epochs // POINTS)}
    settings = _inputs.settings("train_many", settings, changes, tolerance)
    dtype = _inputs.dtype(dtype)
    numbers = _inputs.seeds(seeds)
    n = len(numbers)
    given = {"learning_rate": learning_rate, "momentum": momentum, "cutoff": cutoff, "tolerance": tolerance}
    rates = _inputs.rates(settings, dtype, **given, networks=n)
    own = None if weights is None else _inputs.weights(network, weights, dtype, n)
    if weights is None or np.ndim(weights[0]) == 2:
        _inputs.check_different(numbers, rates)
    if order_seed is not None and not settings.shuffle:
        raise InputError(f"expected order_seed with shuffle=True, got {order_seed!r} for patterns in the order given")
    one = None if order_seed is None else np.uint32(errors.seed(order_seed))
    if device not in DEVICES:
        raise unknown("device", device, DEVICES)
    if _settings.points(settings) * n > LARGEST_HISTORY:
        raise InputError(
            f"expected a history of at most {LARGEST_HISTORY} numbers, got {_settings.points(settings)} points of {n} networks: "
            "a larger history_every keeps it short"
        )
    x, t = _inputs.patterns(network, x, t, dtype, settings.objective, networks=n)
    looks = _inputs.looks(looks, look, settings.epochs)
    if device == "cpu":
        engine, width = _engines.block(network, settings, dtype)
        cores = _cores.available() if cores is None else whole_number("cores", cores, 1)
    else:
        if x.ndim == 3:
            raise InputError(f"expected the same patterns for all networks with device={device!r}, got some for each")
        if cores is not None:
            raise InputError(f"expected cores for the CPU alone, got them with device={device!r}")
        _check_kernel(network, settings, dtype, device)
        engine, width, cores = _engines.KERNELS[device], n, 1
    if engine in (_engines.LANES, _engines.ALONE):
        xla.warn_if_too_late()
    width = width if lanes is None else _width(lanes)

    with jax.enable_x64(dtype == "float64"):
        with _engines.placed(engine != _engines.MAPPED):  # one after the other, each some lines that a GPU would launch
            start = _drawn(network, numbers, dtype) if own is None else own
        with _engines.placed(engine in (_engines.LANES, _engines.INTERPRETED)):
            patterns = (x, t) if x.ndim == 3 else jax.device_put((x, t))

    def run(chunk: Sequence[int], until: int) -> Any:
        full = np.resize(np.asarray(chunk), width)  # the last block is filled up; what comes of these copies is dropped
        weights, own_rates = tuple(W[full] for W in start), Rates(*(rate[full] for rate in rates))
        xs, ts = (of_each[full] for of_each in patterns) if x.ndim == 3 else patterns
        orders = of_seeds(numbers[full] if one is None else one) if settings.shuffle else None
        block = partial(run_block, engine, network, settings, dtype, weights, own_rates, xs, ts)
        block = partial(block, until=until, orders=orders, wanted=len(chunk))
        seen = look
        if seen is None:
            return block()
        at = np.asarray(chunk)

        def told(epoch: int, ran: np.ndarray, weights: Weights) -> None:
            which = np.flatnonzero(ran[: len(at)])
            if len(which):  # not the copies alone
                seen(at[which], epoch, tuple(W[which] for W in weights))

        return block(looks=looks, look=told)

    began = time.perf_counter()
    run(range(1), 0)  # no epochs: compiles, or finds it compiled
    compiled = time.perf_counter()
    found = []
    chunks = [range(at, min(at + width, n)) for at in range(0, n, width)]
    with _engines.turn(engine):
        trains = time.perf_counter()
        for chunk, ended in zip(
            chunks, _cores.in_turn(lambda chunk: run(chunk, settings.epochs), chunks, cores), strict=True
        ):
            found.append(ended)
            if progress:
                progress(chunk.stop, n)
        seconds = time.perf_counter() - trains
    return ManyResult(
        network=network,
        seeds=numbers,
        weights=tuple(np.concatenate(layer)[:n] for layer in zip(*(e.weights for e in found), strict=True)),
        iterations=np.concatenate([e.epochs for e in found])[:n] - 1,
        error=np.concatenate([e.error for e in found])[:n],
        stopped=STATUS_NAMES[np.concatenate([e.status for e in found])[:n]],
        history=np.concatenate([e.history for e in found], axis=1)[:, :n],
        history_epochs=np.arange(_settings.points(settings)) * settings.history_every,
        engine=engine,
        lanes=width,
        seconds=seconds,
        compile_seconds=compiled - began,
    )


def _check_kernel(network: Network, settings: Settings, dtype: str, device: str) -> None:
    """Raise InputError for what ``training.gpu`` cannot train, and where it does not run."""
    from bpnn_jax.training.gpu import block as gpu

    reason = (
        gpu.supports(network, settings) if dtype == "float32" else f"the GPU kernel is float32; got dtype={dtype!r}"
    )
    if reason:
        raise InputError(reason)
    if device == "gpu":
        gpu.check_device()


def _drawn(network: Network, seeds: np.ndarray, dtype: str) -> Weights:
    """Each network's first weights, those of ``init``, drawn some thousands at a time."""
    size = min(DRAW_BATCH, len(seeds))
    found = [
        jax.device_get(_first_weights(network, dtype, np.resize(seeds[at : at + size], size)))
        for at in range(0, len(seeds), size)
    ]
    return tuple(np.concatenate(layer)[: len(seeds)] for layer in zip(*found, strict=True))


def _width(lanes: int) -> int:
    if whole_number("lanes", lanes, 16) % 16:
        raise InputError(f"expected lanes as a multiple of 16, got {lanes}")
    return lanes

"""``train``: compile the run once, carry it out, and say how it ended."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from bpnn_jax import errors
from bpnn_jax._runtime import forks, xla
from bpnn_jax._runtime.arrays import real_array
from bpnn_jax._runtime.display import Card
from bpnn_jax.errors import InputError, whole_number
from bpnn_jax.network import Network, Weights, apply, check_weights, init
from bpnn_jax.training import _columns, _engines, _inputs, _loop, _settings
from bpnn_jax.training._watch import Watch

STATUS_NAMES = {_loop.RUNNING: "epochs", _loop.CUTOFF: "cutoff", _loop.SOLVED: "solved", _loop.DIVERGED: "diverged"}
PROGRESS_INTERVAL = (
    0.1  # seconds between two calls of ``progress``, about; a compiled run cannot be interrupted in between
)


class Checkpoint(NamedTuple):
    """What a run goes on from, bit for bit: ``train(..., start=result.checkpoint)``.

    weights: L matrices (n_in + bias, n_out).
    rule:    what the rule remembers, arrays in an order of its own, those of weights shaped like ``weights`` unless it remembers
             factors of them; empty for a rule that remembers nothing.
    epochs:  how many have been run; the next one's order of the patterns, and its learning rate, follow from that.
    """

    weights: Weights
    rule: tuple[np.ndarray, ...]
    epochs: int


@dataclass(frozen=True, repr=False)
class TrainResult(Card):
    """How a run ended. Arrays are NumPy's.

    weights:    a tuple of L matrices (n_in + bias, n_out), in the run's dtype.
    iterations: the 0-based index of the last epoch run (the article's count).
    error:      of that epoch, as ``settings.measure`` says; summed, in (7) with the ½, never a mean.
    stopped:    ``cutoff``, ``solved``, ``epochs`` (the limit), ``patience`` or ``diverged``.
    history:    (epoch, error) rows, float64, shape (points, 2), every ``history_every`` epochs from epoch 0.
    engine:     the loop that ran: ``fused loop`` or ``fused batches`` (small networks, the derivation written out), or ``generic``.
    seconds:    spent training. ``compile_seconds``: spent compiling before that.
    rule:       what the rule remembers, for ``checkpoint``.
    kept:       the 0-based epoch that the weights are of: the last one, or with a validation part the best.
    """

    network: Network
    weights: Weights
    iterations: int
    error: float
    stopped: str
    history: np.ndarray
    engine: str
    seconds: float
    compile_seconds: float
    rule: tuple[np.ndarray, ...] = ()
    kept: int = -1

    @property
    def checkpoint(self) -> Checkpoint:
        """What another run goes on from."""
        return Checkpoint(self.weights, self.rule, self.kept + 1)

    def _card(self) -> tuple[str, list[tuple[str, str]]]:
        shapes = ", ".join(str(W.shape) for W in self.weights)
        return f"TrainResult of {self.network}", [
            ("stopped", f"{self.stopped}, after {self.iterations + 1} epochs"),
            ("error", f"{self.error:.6g}"),
            ("weights", f"{shapes} {self.weights[0].dtype}"),
            ("history", f"{len(self.history)} points"),
            ("time", f"{self.seconds:.3g} s training ({self.engine}), {self.compile_seconds:.3g} s compiling"),
        ]


class DivergedError(FloatingPointError):
    """The error or a weight is no longer finite. ``result``, a TrainResult, is the run up to there."""

    def __init__(self, result: TrainResult):
        self.result = result
        super().__init__(
            f"the run diverged at epoch {result.iterations}: expected a finite error and finite weights, "
            f"got error {result.error}; a smaller learning rate or momentum may help"
        )


@partial(jax.jit, static_argnums=(0, 1, 2))
def _run(network, settings, engine, weight_decay, *args):
    return _loop.run(network, _settings.decaying(settings, weight_decay), *args, engine=engine)


def train(
    network: Network,
    x: Any,
    t: Any,
    *,
    learning_rate: float | None = None,
    momentum: float | None = None,
    cutoff: float = 0.0,
    tolerance: float | None = None,
    weights: Weights | None = None,
    start: Checkpoint | None = None,
    seed: int = 0,
    dtype: Any = "float32",
    settings: _settings.Settings | None = None,
    progress: Callable[[int, float], None] | None = None,
    watch: Watch | None = None,
    **changes: Any,
) -> TrainResult:
    """Train ``network`` on patterns ``x`` (patterns, n0) with targets ``t`` (patterns, nL), as one compiled program.

    learning_rate, momentum: the article's N and M, or the decay of the velocity; 0.5 and 0.1 unless given. An optax
               transformation as ``rule`` has its own, and takes none here.
    cutoff:    stop after an epoch whose error is below it.
    tolerance: stop when every output is within it of its target ("solved"), in the units of the targets.
    weights:   where to start, L matrices (n_in + bias, n_out); otherwise ``init(network, seed)``.
    seed:      0 to 2^32 - 1, of the first weights and of the shuffling.
    dtype:     float32 or float64, by name or as NumPy's or JAX's dtype, whatever JAX's global setting is.
    settings:  a ``Settings``; its fields may also be given one by one (``epochs=100, rule="adam", mode="batch"``).
    progress:  called some ten times per second with (epochs done, error).
    start:     the checkpoint of a run with the same network and rule, to go on from: ``epochs`` more, with the same seed the very
               ones that one longer run would have had.
    watch:     looks at other patterns after each epoch, and may stop by them: a ``Watch``.

    Rates, cutoff, tolerance, weights, seed and epochs may change without another compilation.

    Raises InputError for what cannot be used, also for traced values (``run_epochs`` is for those), and DivergedError, with the
    epoch, for a run that leaves the finite numbers. Warns of targets that no output can reach.

    >>> from bpnn_jax import Network, load_patterns
    >>> xor = load_patterns("xor")
    >>> result = train(Network((2, 3, 1), "tanh"), xor.x, xor.t, epochs=2000, tolerance=0.1)
    >>> result.stopped
    'solved'
    """
    forks.check_not_forked("train")
    _inputs.check_not_traced("train", x, t, learning_rate, momentum, cutoff, tolerance, weights, seed)
    settings = _inputs.settings("train", settings, changes, tolerance)
    dtype = _inputs.dtype(dtype)
    seed = errors.seed(seed)
    given = {"learning_rate": learning_rate, "momentum": momentum, "cutoff": cutoff, "tolerance": tolerance}
    rates = _inputs.rates(settings, dtype, **given)
    x, t = _inputs.patterns(network, x, t, dtype, settings.objective)
    if weights is not None and start is not None:
        raise InputError("expected either weights or start, got both")
    given_weights = weights if start is None else start.weights
    own = None if given_weights is None else _inputs.weights(network, given_weights, dtype)
    done = 0 if start is None else start.epochs
    last = whole_number("epochs in all", done + settings.epochs, 1)
    engine = _engines.engine_for(network, settings, dtype)
    if engine in _engines.WRITTEN_OUT:
        xla.warn_if_too_late()

    program, weight_decay = _settings.shaping(_settings.with_room(replace(settings, epochs=last)))
    with jax.enable_x64(dtype == "float64"), _engines.placed(engine in _engines.WRITTEN_OUT):
        # In NumPy up to the run: JAX would compile a program for each array's shape, only to fill it.
        first = tuple(np.asarray(W, dtype) for W in (init(network, seed, dtype=dtype) if own is None else own))
        traced = _loop.Rates(*map(np.asarray, rates))
        state = _loop.start(program, first, traced, network, engine)
        if start is not None:
            state = state._replace(rule=_remembered(network, state.rule, start.rule), epoch=np.int32(done))
        if watch is not None:
            watch.begin(network, dtype, settings.objective)
        decay = None if weight_decay is None else np.asarray(weight_decay, dtype)
        decay, state, *args = jax.device_put((decay, state, x, t, traced, jax.random.key(seed)))
        x, t = args[:2]  # what may be large is there once
        began = time.perf_counter()
        jax.block_until_ready(
            _run(network, program, engine, decay, state, *args, 0)
        )  # no epochs: compiles, or finds it compiled
        compiled = time.perf_counter()
        until, step, told, patient = done, 1 if progress else settings.epochs, began, True
        kept = state
        while until < last and int(state.status) == _loop.RUNNING and patient:
            until = min(until + (1 if watch else step), last)
            asked = time.perf_counter()
            state = _run(network, program, engine, decay, state, *args, until)
            if watch:
                best, stop = watch.after(network, state.weights, until - 1)
                kept, patient = state if best else kept, not stop
            if progress and (not watch or time.perf_counter() - told > PROGRESS_INTERVAL or until == last):
                progress(int(state.epoch) - done, float(state.error))
                told = time.perf_counter()
                step *= 2 if told - asked < PROGRESS_INTERVAL else 1
        state = jax.block_until_ready(state)
        kept = kept if watch and watch.best >= 0 else state
        seconds = time.perf_counter() - compiled
    stopped = STATUS_NAMES[int(state.status)] if patient else "patience"
    return _result(network, settings, engine.name, state, kept, done, stopped, seconds, compiled - began)


def _remembered(network: Network, fresh: Any, given: tuple[np.ndarray, ...]) -> Any:
    """What a rule remembered, in the shape of its state before a first update. Raises InputError for another rule's."""
    leaves, form = jax.tree.flatten(_columns.remembered_whole(fresh))
    shapes = [[(np.shape(leaf), np.asarray(leaf).dtype) for leaf in side] for side in (leaves, given)]
    if shapes[0] != shapes[1]:
        raise InputError(
            f"expected a checkpoint of the same network, rule and mode, whose rule remembers {len(leaves)} arrays, got one with "
            f"{len(given)} arrays, or of other shapes"
        )
    return _columns.remembered_as(network, fresh, jax.tree.unflatten(form, given))


def predict(network: Network, weights: Weights, x: Any) -> np.ndarray:
    """The outputs for ``x`` (patterns, n0), a NumPy array (patterns, nL), in the precision of the weights.

    Raises InputError for weights or inputs of another shape, and for traced values: ``apply`` is for those.

    >>> predict(Network((1, 1), "linear"), (np.array([[2.0], [1.0]]),), [[3.0], [4.0]]).tolist()
    [[7.0], [9.0]]
    """
    forks.check_not_forked("predict")
    instead = "bpnn_jax.apply(network, weights, x) is the same inside all of them"
    _inputs.check_concrete("predict", instead, (x, *weights))
    check_weights(network, weights)
    dtype = np.result_type(*(np.asarray(W).dtype for W in weights))
    x = real_array("inputs", x).astype(dtype)
    if x.ndim != 2 or x.shape[1] != network.sizes[0]:
        mend = "; x[None] makes one pattern of it" if x.shape == network.sizes[:1] else ""
        raise InputError(f"expected inputs of shape (patterns, {network.sizes[0]}) for {network}, got {x.shape}{mend}")
    with jax.enable_x64(dtype == np.float64):
        return np.asarray(_outputs(network, tuple(np.asarray(W) for W in weights), x))


_outputs = jax.jit(apply, static_argnums=0)  # one program, and not one per operation


def _result(network, settings, engine, state, kept, done, stopped, seconds, compile_seconds) -> TrainResult:
    ran = int(state.epoch)
    points = np.arange(-(-done // settings.history_every), -(-ran // settings.history_every))
    history = np.stack([points * settings.history_every, np.asarray(state.history)[points]], axis=1)
    rule = _columns.remembered_whole(jax.device_get(kept.rule))
    result = TrainResult(
        network=network,
        weights=tuple(np.asarray(W) for W in kept.weights),
        iterations=ran - 1,
        error=float(state.error),
        stopped=stopped,
        history=history,
        engine=engine,
        seconds=seconds,
        compile_seconds=compile_seconds,
        rule=tuple(np.asarray(leaf, order="C") for leaf in jax.tree.leaves(rule)),
        kept=int(kept.epoch) - 1,
    )
    if result.stopped == "diverged":
        raise DivergedError(result)
    return result

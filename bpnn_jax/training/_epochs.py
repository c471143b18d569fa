"""``run_epochs``: a given number of epochs as one function of JAX's, for ``jit``, ``vmap`` and ``grad`` of one's own."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from bpnn_jax import errors
from bpnn_jax._runtime import xla
from bpnn_jax.errors import InputError
from bpnn_jax.network import Network, Weights, init
from bpnn_jax.training import _engines, _inputs, _loop
from bpnn_jax.training._loop import GENERIC, Engine, Rates
from bpnn_jax.training._orders import in_order
from bpnn_jax.training._settings import Settings


class EpochsRun(NamedTuple):
    """What ``run_epochs`` returns, JAX arrays.

    weights: after the last epoch, L matrices (n_in + bias, n_out).
    errors:  of each epoch, shape (epochs,), as ``settings.measure`` says; summed, in (7) with the ½, never a mean.
    """

    weights: Weights
    errors: jax.Array

    def __repr__(self) -> str:  # of a traced or mapped one too, whose leaves may be anything
        *weights, errors = (str(getattr(leaf, "shape", leaf)) for leaf in (*self.weights, self.errors))
        return f"EpochsRun(weights of shapes {', '.join(weights)}, errors of shape {errors})"


def run_epochs(
    network: Network,
    x: Any,
    t: Any,
    *,
    weights: Weights | None = None,
    learning_rate: Any = None,
    momentum: Any = None,
    key: Any = 0,
    settings: Settings | None = None,
    **changes: Any,
) -> EpochsRun:
    """Train ``network`` for ``epochs`` epochs, all of them: ``train`` without its stops, as a function that JAX can transform.

    It works inside ``jit``, ``vmap``, ``scan``, ``grad`` and ``jvp``, and all arrays may be traced. It is differentiable, forwards
    and backwards, with respect to the rates, the first weights and the patterns. Backwards it keeps the weights of each epoch and
    computes each epoch once more, so memory grows with the epochs and not with the updates.

    x, t:          patterns (patterns, n0), targets (patterns, nL).
    weights:       where to start, L floating-point matrices (n_in + bias, n_out); their precision is the run's. Otherwise
                   ``init(network, key)``, in float32.
    learning_rate, momentum: scalars; 0.5 and 0.1 unless given. For several, ``vmap``.
    key:           a seed or a JAX key, of the first weights and of the shuffling.
    settings:      a ``Settings``; its fields may also be given one by one (``epochs=100, mode="batch"``).

    Raises InputError for what cannot be used. Values that are traced are checked by shape alone, and a run that leaves the finite
    numbers returns NaN or infinity.

    How fast does the error after 50 epochs fall with the learning rate?

    >>> import jax
    >>> from bpnn_jax import Network, load_patterns
    >>> xor, network = load_patterns("xor"), Network((2, 3, 1), "tanh")
    >>> def last_error(rate):
    ...     return run_epochs(network, xor.x, xor.t, learning_rate=rate, key=1, epochs=50).errors[-1]
    >>> round(float(last_error(0.1)), 3), round(float(jax.grad(last_error)(0.1)), 2)
    (0.444, -0.31)
    """
    settings = _inputs.settings("run_epochs", settings, changes)
    if settings.history_every != 1:
        raise InputError(
            f"expected history_every=1 for run_epochs, which returns every error, got {settings.history_every}"
        )
    _inputs.check_own_rates(settings, learning_rate, momentum)
    key = _key(key)
    first = tuple(
        map(jnp.asarray, init(network, key) if weights is None else _inputs.traceable_weights(network, weights))
    )
    dtype = jnp.result_type(*first)
    x, t = _inputs.traceable_patterns(network, x, t, dtype, settings.objective)
    rates = Rates(
        _inputs.traceable_rate(
            "learning_rate", _inputs.LEARNING_RATE if learning_rate is None else learning_rate, dtype
        ),
        _inputs.traceable_rate("momentum", _inputs.MOMENTUM if momentum is None else momentum, dtype),
        jnp.zeros((), dtype),
        jnp.zeros((), dtype),
    )
    engine = _engines.engine_for(network, settings, dtype.name)
    if engine is _engines.FUSED_BATCHES:  # it may be mapped, or run on a GPU: products serve all of that
        engine = GENERIC
    if engine is _engines.FUSED:
        xla.warn_if_too_late()
    return _run(network, settings, engine, first, rates, x, t, key)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _run(
    network: Network, settings: Settings, engine: Engine, first: Weights, rates: Rates, x: Any, t: Any, key: Any
) -> EpochsRun:
    @partial(jax.checkpoint, prevent_cse=False)  # ``scan`` needs no such prevention
    def epoch(carry: tuple, number: Any) -> tuple:
        weights, kept = carry
        patterns = engine.cut(network, settings, *in_order(settings.shuffle, key, number, x, t))
        carry, now = (weights, kept, jnp.zeros((), x.dtype)), _loop.scheduled(settings, rates, number)
        weights, kept, error = engine.epoch(network, settings, carry, patterns, now)
        return (weights, kept), error

    carry = first, engine.start(network, settings, first, rates)
    (weights, _), found = jax.lax.scan(epoch, carry, jnp.arange(settings.epochs, dtype=jnp.int32))
    return EpochsRun(weights, found)


def _key(given: Any) -> Any:
    if isinstance(given, jax.Array):
        return given if jnp.issubdtype(given.dtype, jax.dtypes.prng_key) else jax.random.key(given)
    return jax.random.key(errors.seed(given))

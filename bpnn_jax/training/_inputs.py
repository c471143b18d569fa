"""What comes into ``train``, ``train_many`` and ``run_epochs``: each thing is checked here, once for all three."""

import itertools
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.core import Tracer

import manual
from bpnn_jax import errors
from bpnn_jax._runtime.arrays import real_array
from bpnn_jax.errors import InputError, unknown, whole_number
from bpnn_jax.network import Network, Weights, check_objective, check_weights
from bpnn_jax.training._loop import Rates
from bpnn_jax.training._settings import Settings

DTYPES = ("float32", "float64")
SUM_TOLERANCE = 1e-6  # of float32 targets that are shares: each is rounded by 6e-8 of itself, and so is their sum
LEARNING_RATE, MOMENTUM = 0.5, 0.1  # where none is given: the article's N and M


def check_concrete(function: str, instead: str, values: Iterable[Any]) -> None:
    """Raise InputError if one of ``values`` is traced, or if all that is computed here would be (under ``jit``)."""
    if any(isinstance(value, Tracer) for value in (*values, jnp.zeros(()))):
        raise InputError(
            f"expected {function} outside jit, vmap, grad and scan, with numbers and arrays, got a traced value; {instead}"
        )


def check_not_traced(function: str, *values: Any) -> None:
    """The same for what trains."""
    instead = "bpnn_jax.run_epochs trains a given number of epochs inside all of them"
    check_concrete(function, instead, [leaf for value in values for leaf in _shallow(value)])


def settings(function: str, given: Settings | None, changes: dict[str, Any], tolerance: Any = None) -> Settings:
    """The settings of a run: ``given`` or the defaults, with single fields changed. A tolerance stops a run that is solved."""
    known = {f.name for f in fields(Settings)}
    for name in changes:
        if name not in known:
            raise unknown(f"option of {function}", name, sorted(known))
    found = replace(given or Settings(), **changes)
    if "batch_size" in changes and found.mode != "minibatch":
        raise InputError(
            f"expected batch_size with mode='minibatch', got batch_size={found.batch_size} with mode={found.mode!r}"
        )
    if found.stop_solved and tolerance is None:
        raise InputError("expected a tolerance to stop at when solved, got stop_solved without one")
    return replace(found, stop_solved=tolerance is not None)


def dtype(given: Any) -> str:
    """``float32`` or ``float64``, from the name, or from NumPy's or JAX's dtype.

    >>> dtype("float64"), dtype(np.float32), dtype(np.dtype("float64")), dtype(jnp.float32)
    ('float64', 'float32', 'float64', 'float32')
    """
    name = given
    if given is not None and not isinstance(given, str):  # for NumPy, None is float64
        try:
            name = np.dtype(given).name
        except TypeError:
            name = given
    if name not in DTYPES:
        raise unknown("dtype", name, DTYPES)
    return name


def rates(
    settings: Settings,
    dtype: str,
    *,
    learning_rate: Any,
    momentum: Any,
    cutoff: Any,
    tolerance: Any,
    networks: int | None = None,
) -> Rates:
    """Finite numbers from 0 up, in ``dtype``: arrays of shape (), or (networks,) where their number is given."""
    check_own_rates(settings, learning_rate, momentum)
    return Rates(
        learning_rate=_rate(
            "learning_rate", LEARNING_RATE if learning_rate is None else learning_rate, dtype, networks
        ),
        momentum=_rate("momentum", MOMENTUM if momentum is None else momentum, dtype, networks),
        cutoff=_rate("cutoff", cutoff, dtype, networks),
        tolerance=_rate("tolerance", 0.0 if tolerance is None else tolerance, dtype, networks),
    )


def check_own_rates(settings: Settings, learning_rate: Any, momentum: Any) -> None:
    """Raise InputError for a rate beside an optax transformation: it was made with rates of its own."""
    if not isinstance(settings.rule, optax.GradientTransformation):
        return
    for what, value in (("learning_rate", learning_rate), ("momentum", momentum)):
        if value is not None:
            raise InputError(
                f"expected no {what} beside an optax transformation, which has its own, got {value!r}; leave it out, or give as "
                "rule a function of (learning_rate, momentum) that makes the transformation"
            )


def _rate(what: str, value: Any, dtype: str, networks: int | None) -> np.ndarray:
    several = "" if networks is None else f", or an array of {networks}, one per network"
    expected = f"expected {what} as a finite number from 0 up{several}, got"
    try:
        given = real_array(what, value)
    except InputError:
        raise InputError(f"{expected} {value!r:.80}") from None
    if given.shape != () and given.shape != (networks,):
        raise InputError(f"{expected} an array of shape {given.shape}")
    with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite, and is refused below
        found = given.astype(np.float64).astype(dtype)
    wrong = ~(np.isfinite(found) & (found >= 0)) | (given.dtype == bool)
    if wrong.any():
        bad = given[wrong].ravel()[0].item()
        beyond = f", which is beyond {dtype}" if np.isfinite(bad) and bad > 1 else ""
        raise InputError(f"{expected} {bad!r}{beyond}")
    return found if networks is None else np.broadcast_to(found, (networks,))


def weights(network: Network, given: Weights, dtype: str, networks: int | None = None) -> tuple[np.ndarray, ...]:
    """Where to start, L arrays of ``dtype``; of shape (networks, n_in + bias, n_out) for several networks, or once for all."""
    arrays = tuple(real_array(f"weights of layer {l}", W) for l, W in enumerate(given, 1))
    if networks is None:
        check_weights(network, arrays)
        return _finite(arrays, dtype)
    shapes = tuple(W.shape for W in arrays)
    if shapes not in (network.shapes, tuple((networks, *shape) for shape in network.shapes)):
        raise InputError(
            f"expected weights of shapes {network.shapes} for {network}, or the same with {networks} networks in front, "
            f"got {shapes}"
        )
    found = _finite(arrays, dtype)
    return tuple(np.broadcast_to(W, (networks, *shape)) for W, shape in zip(found, network.shapes, strict=True))


def _finite(weights: tuple[np.ndarray, ...], dtype: str) -> tuple[np.ndarray, ...]:
    with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite, and is refused below
        found = tuple(W.astype(dtype) for W in weights)
    for l, W in enumerate(found, 1):
        if not np.isfinite(W).all():
            at = tuple(int(i) for i in np.argwhere(~np.isfinite(W))[0])
            raise InputError(
                f"expected finite weights, as {dtype} has them, got {weights[l - 1][at]} in layer {l}, at {at}"
            )
    return found


def seeds(given: int | Sequence[int]) -> np.ndarray:
    """The seed of each network, uint32: 0 to n - 1 for a number n of networks."""
    if isinstance(given, (int, np.integer)):
        return np.arange(whole_number("seeds", given, 1), dtype=np.uint32)
    try:
        found = [errors.seed(s) for s in given]
    except TypeError:
        raise InputError(f"expected seeds as a number of networks or a sequence of seeds, got {given!r}") from None
    if not found:
        raise InputError("expected at least one seed, got none")
    return np.array(found, np.uint32)


def check_different(seeds: np.ndarray, rates: Rates) -> None:
    """Raise InputError if two runs have one seed and the same rates: they would be one run, counted twice."""
    if len(np.unique(seeds)) == len(seeds):  # as it mostly is, and found sooner than by sorting rows
        return
    runs, counts = np.unique(np.stack([seeds, *rates], axis=1), axis=0, return_counts=True)
    if len(runs) < len(seeds):
        twice = int(runs[counts > 1][0, 0])
        raise InputError(f"expected seeds that are all different, got {twice} more than once")


def patterns(
    network: Network,
    x: Any,
    t: Any,
    dtype: str,
    objective: str,
    stacklevel: int = 3,
    networks: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (patterns, n0) and targets (patterns, nL) as arrays of ``dtype``, finite, the targets such as ``objective`` has them.

    networks: how many there are where each may have patterns of its own: then (networks, patterns, n0) and (networks, patterns, nL).

    A warning for targets that no output can reach.
    """
    check_objective(network, objective)
    inputs, targets = real_array("inputs", x), _targets(t)
    if networks is not None and 3 in (inputs.ndim, targets.ndim):
        _check_of_each(inputs, targets, networks)
        flat, flat_t = (array.reshape(-1, array.shape[2]) for array in (inputs, targets))
        x, t = patterns(network, flat, flat_t, dtype, objective, stacklevel + 1)
        return x.reshape(*inputs.shape[:2], -1), t.reshape(*inputs.shape[:2], -1)
    check_pattern_shapes(network, inputs, targets)
    with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite, and is refused below
        x, t = inputs.astype(dtype), targets.astype(dtype)
    for what, array in (("inputs", x), ("targets", t)):
        if not np.isfinite(array).all():
            row, column = np.argwhere(~np.isfinite(array))[0]
            raise InputError(f"expected finite {what}, got {array[row, column]} in pattern {row}, column {column}")
    if objective == "cross-entropy":
        _check_shares(network, t)
    low, high = manual.OUTPUT_ACTIVATIONS[network.activations[-1]].output_range
    if t.min() < low or t.max() > high:
        warnings.warn(
            f"targets from {t.min():g} to {t.max():g}, but a {network.activations[-1]} output stays "
            f"between {low:g} and {high:g}: the error cannot reach 0{_if_classes(t)}",
            stacklevel=stacklevel,
        )
    return x, t


def _check_of_each(inputs: np.ndarray, targets: np.ndarray, networks: int) -> None:
    shapes = inputs.shape[:-1], targets.shape[:-1]
    if shapes[0] != shapes[1] or shapes[0][0] != networks or not inputs.size:
        raise InputError(
            f"expected inputs and targets of the same patterns for all, or ({networks}, patterns, n) for each of {networks} networks, "
            f"got shapes {inputs.shape} and {targets.shape}"
        )


def _check_shares(network: Network, t: np.ndarray) -> None:
    """Raise InputError for targets that cross-entropy (19) is not for: shares from 0 to 1, for softmax with the sum 1."""
    wrong = np.argwhere((t < 0) | (t > 1))
    if len(wrong):
        row, column = wrong[0]
        mend = "; (t + 1) / 2 makes 0 and 1 of -1 and 1" if set(np.unique(t)) <= {-1.0, 1.0} else ""
        raise InputError(
            f"expected targets from 0 to 1 for cross-entropy, got {t[row, column]:g} in pattern {row}, column {column}{mend}"
        )
    sums = t.sum(axis=1, dtype=np.float64)
    if network.activations[-1] == "softmax" and (abs(sums - 1.0) > SUM_TOLERANCE).any():
        row = int(np.argmax(abs(sums - 1.0) > SUM_TOLERANCE))
        raise InputError(
            f"expected targets whose sum is 1 for cross-entropy with softmax outputs, got {sums[row]:g} in pattern {row}; sigmoid "
            "outputs take several classes at once, or none"
        )


def check_pattern_shapes(network: Network, x: Any, t: Any) -> None:
    """Raise InputError unless ``x`` is (patterns, n0) and ``t`` (patterns, nL), with the line that mends what is usual."""
    for what, array, n in (("inputs", x, network.sizes[0]), ("targets", t, network.sizes[-1])):
        if array.ndim != 2 or array.shape[1] != n or not array.shape[0]:
            mend = _mend(what, array, n)
            raise InputError(f"expected {what} of shape (patterns, {n}) for {network}, got {array.shape}{mend}")
    if len(x) != len(t):
        raise InputError(f"expected as many targets as inputs, got {len(x)} inputs and {len(t)} targets")


def traceable_weights(network: Network, given: Weights) -> Weights:
    """L floating-point arrays of the network's shapes, traced or not."""
    found = tuple(
        W if isinstance(W, jax.Array) else real_array(f"weights of layer {l}", W) for l, W in enumerate(given, 1)
    )
    shapes = tuple(W.shape for W in found)
    if shapes != network.shapes:
        raise InputError(f"expected weights of shapes {network.shapes} for {network}, got {shapes}")
    if not all(jnp.issubdtype(W.dtype, jnp.floating) for W in found):
        raise InputError(f"expected floating-point weights, got {', '.join(str(W.dtype) for W in found)}")
    return found


def traceable_patterns(network: Network, x: Any, t: Any, dtype: Any, objective: str) -> tuple[Any, Any]:
    """``patterns``, and as much of it as can be asked of traced ones."""
    if not any(isinstance(array, Tracer) for array in (x, t)):
        x, t = patterns(network, x, t, dtype, objective, stacklevel=4)
        return jnp.asarray(x), jnp.asarray(t)
    check_objective(network, objective)
    x, t = jnp.asarray(x), jnp.asarray(t)
    check_pattern_shapes(network, x, t)
    return x.astype(dtype), t.astype(dtype)


def traceable_rate(what: str, value: Any, dtype: Any) -> Any:
    """A scalar of ``dtype``; if it is not traced, finite and from 0 up."""
    if not isinstance(value, Tracer):
        return jnp.asarray(_rate(what, value, dtype, None))
    if value.shape != ():
        raise InputError(f"expected {what} as one number, got shape {value.shape}; jax.vmap runs several")
    return value.astype(dtype)


def _targets(t: Any) -> np.ndarray:
    try:
        return real_array("targets", t)
    except InputError as error:
        named = np.asarray(t).dtype.kind in "US" if isinstance(t, (np.ndarray, list, tuple)) else False
        hint = "; classes by name become targets by np.eye(k)[np.unique(classes, return_inverse=True)[1]]"
        raise InputError(f"{error}{hint if named else ''}") from None


def _mend(what: str, array: Any, n: int) -> str:
    """The line of code that makes the usual wrong shape the right one."""
    name, column = what[0] if what == "targets" else "x", array.ndim == 2 and array.shape[1] == 1
    if what == "targets" and n > 1 and (array.ndim == 1 or column) and _are_classes(array, n):
        return f"; whole-number classes from 0 become targets by np.eye({n})[{'t[:, 0]' if column else 't'}]"
    if array.ndim != 1:
        return ""
    if n == 1:
        return f"; {name}[:, None] makes one column of it"
    return f"; {name}[None] makes one pattern of it" if array.shape == (n,) else ""


def _are_classes(array: Any, n: int) -> bool:
    """Whether these may be the numbers of ``n`` classes, counted from 0."""
    if isinstance(array, Tracer):
        return jnp.issubdtype(array.dtype, jnp.integer)
    return bool(np.isin(array, np.arange(n)).all())


def _if_classes(t: np.ndarray) -> str:
    count = int(min(t.max(), 1e6)) + 1
    if t.shape[1] > 1 or count < 3 or not _are_classes(t, count):
        return ""
    return (
        f"; if they are {count} classes, the network wants an output for each, and np.eye({count})[t[:, 0]] as targets"
    )


def _shallow(value: Any) -> Iterable[Any]:
    """A value, and what a tuple or list holds directly: a tracer deeper down does not become an array, and is refused there."""
    return value if isinstance(value, (list, tuple)) else (value,)


def looks(given: Any, look: Any, epochs: int) -> tuple[int, ...]:
    """The epochs after which ``look`` is called, counted from 0, checked."""
    found = tuple(whole_number("looks", epoch, 0) for epoch in given)
    if bool(found) != (look is not None):
        raise InputError("expected look with looks, the epochs after which it is called, got one of them alone")
    if any(epoch >= epochs for epoch in found) or any(a >= b for a, b in itertools.pairwise(found)):
        raise InputError(f"expected looks as rising epochs, from 0 to {epochs - 1}, got {list(found)}")
    return found

"""What one training run is made of, field by field; every field can be varied. Needs neither JAX nor NumPy."""

import math
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from bpnn_jax.errors import InputError, finite, unknown, whole

Activation = Literal["sigmoid", "tanh", "linear", "lecun_tanh"]


@dataclass(frozen=True)
class Run:
    """The settings of a run. The defaults are those of ``bpnn train``, which are the article's but for its order."""

    activation: Activation = "sigmoid"
    """Activation of the hidden layers."""
    output_activation: Literal["same", "sigmoid", "tanh", "linear", "lecun_tanh"] = "same"
    """Activation of the output layer."""
    input_bias: bool = True
    """A bias node among the inputs."""
    hidden_bias: bool = True
    """A bias node on each hidden layer."""
    skip: bool = False
    """Skip connections: each layer is fed by all layers below it."""
    hidden: tuple[int, ...] = ()
    """Hidden nodes, several numbers for several layers. Otherwise what is customary for the task."""
    rule: str = "previous-gradient"
    """previous-gradient, heavy-ball, nesterov, sgd, adam, adamw, nadam, adagrad, adadelta, rmsprop, lion or rprop."""
    learning_rate: float = 0.5
    """The article's N."""
    momentum: float = 0.1
    """The article's M, or the decay of the velocity. Only the first three rules have one."""
    reduction: Literal["sum", "mean"] = "sum"
    """The gradient of a batch: summed over its patterns, as in (7), or their mean."""
    tolerance: float = 0.4
    """Solved when every output is this near to its target, as a share of the distance between the lowest and highest target."""
    order: Literal["simultaneous", "article"] = "simultaneous"
    """article: the output weights move before the hidden deltas are computed. Not a gradient."""
    mode: Literal["online", "minibatch", "batch"] = "online"
    """Update after each pattern, after batch-size of them, or after all."""
    batch_size: int = 32
    """Patterns in a minibatch; the last may be smaller."""
    gradient: Literal["manual", "autodiff"] = "manual"
    """By the hand derivation or by JAX: the same to rounding."""
    shuffle: bool = False
    """Another order of the patterns each epoch; otherwise that of the file."""
    targets: Literal["given", "bipolar"] = "given"
    """bipolar: -1 and 1 in place of the targets 0 and 1."""
    initial: Literal["uniform", "glorot", "lecun"] = "uniform"
    """Initial weights."""
    ranges: tuple[float, ...] = (0.2, 2.0)
    """Half-widths of the uniform initial weights, layer by layer; the last serves all later layers."""
    dtype: Literal["float32", "float64"] = "float32"
    """Precision of the run."""


NAMES = tuple(f.name for f in fields(Run))
_KINDS: dict[str, Any] = get_type_hints(Run)
CUSTOMARY = "customary"  # for the task: what no hidden sizes at all mean
_SWITCHES = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}


def known(name: str) -> str:
    """A field's name, with - or _ in it. Raises InputError, with the nearest names, for any other.

    >>> known("hidden-bias")
    'hidden_bias'
    """
    found = name.replace("-", "_")
    if found not in NAMES:
        raise unknown("field of a run", name, [n.replace("_", "-") for n in NAMES])
    return found


def checked(name: str, value: Any) -> Any:
    """``value`` as the field ``name`` has it. Raises InputError for what it cannot be.

    >>> checked("hidden", [4, 2]), checked("learning_rate", 1)
    ((4, 2), 1.0)
    """
    kind, what = _KINDS[name], name.replace("_", "-")
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise unknown(what, value, get_args(kind))
        return value
    if kind is bool:
        if not isinstance(value, bool):
            raise InputError(f"expected {what} as True or False, got {value!r}")
        return value
    if kind is str:
        if not isinstance(value, str):
            raise InputError(f"expected {what} as a name, got {value!r}")
        return value
    if kind is int:
        return whole(what, value, 1)
    if kind is float:
        return finite(what, value)
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        raise InputError(f"expected {what} as several numbers, got {value!r}")
    one = (lambda v: whole(what, v, 1)) if name == "hidden" else (lambda v: finite(what, v))
    return tuple(one(v) for v in value)


def parsed(name: str, text: str) -> Any:
    """A value as it stands on a command line: on or off, 0.1, tanh; layers with a colon between them, 8:4.

    >>> parsed("hidden_bias", "off"), parsed("hidden", "8:4"), parsed("momentum", "0.9")
    (False, (8, 4), 0.9)
    """
    kind, what = _KINDS[name], name.replace("_", "-")
    if kind is bool:
        if text.lower() not in _SWITCHES:
            raise unknown(what, text, ("on", "off"))
        return _SWITCHES[text.lower()]
    if kind in (int, float):
        return checked(name, _number(what, text, kind))
    if name == "hidden" and text == CUSTOMARY:
        return ()
    if kind in (tuple[int, ...], tuple[float, ...]):
        one = int if name == "hidden" else float
        return checked(name, [_number(what, part, one) for part in text.split(":")])
    return checked(name, text)


def shown(name: str, value: Any) -> str:
    """The reverse of ``parsed``.

    >>> shown("hidden_bias", False), shown("hidden", (8, 4)), shown("momentum", 0.9)
    ('off', '8:4', '0.9')
    """
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ":".join(shown(name, v) for v in value) or CUSTOMARY
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value)


def _number(what: str, text: str, kind: type) -> Any:
    try:
        number = kind(text)
    except ValueError:
        number = math.nan
    if number != number:
        raise InputError(f"expected {what} as {'a whole number' if kind is int else 'a number'}, got {text!r}")
    return number

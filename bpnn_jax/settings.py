"""What one training run is made of: ``Run`` has every field once. Importing this needs neither JAX nor NumPy."""

import math
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

import bpnn_jax._runtime.own_manual  # noqa: F401 - an ImportError if another ``manual`` comes first
import manual
from bpnn_jax.errors import InputError, finite, unknown, whole_number

# optax's own, by its names; a test compares them with ``rules.RULES``.
OPTAX_RULES = ("sgd", "adam", "adamw", "nadam", "adagrad", "adadelta", "rmsprop", "lion")
DECAYING_RULES = ("adamw", "lion")  # with a weight decay of their own

if TYPE_CHECKING:
    from typing import TypeAlias

    from bpnn_jax.network import Network
    from bpnn_jax.patterns import Patterns
    from bpnn_jax.training import Rates, Settings

    Activation: TypeAlias = str
    OutputActivation: TypeAlias = str
    Rule: TypeAlias = str
    Objective: TypeAlias = str
else:
    Activation = Literal[*manual.ACTIVATIONS]
    OutputActivation = Literal["same", *manual.OUTPUT_ACTIVATIONS]
    Objective = Literal[*manual.OBJECTIVES]
    Rule = Literal[*manual.RULES, *OPTAX_RULES]


@dataclass(frozen=True)
class Run:
    """The settings of a run. The defaults are the article's, but for its order.

    A field may hold anything until ``checked`` is called; ``network``, ``settings`` and ``rates`` call it.

    >>> from bpnn_jax import load_patterns
    >>> run, xor = Run(activation="tanh", hidden=(4,), mode="batch", reduction="mean"), load_patterns("xor")
    >>> str(run.network(xor)), run.settings(epochs=10).mode, run.rates(xor).learning_rate
    ('2-4-1 tanh', 'batch', 0.5)
    """

    activation: Activation = "sigmoid"
    """Activation of the hidden layers."""
    output_activation: OutputActivation = "same"
    """Activation of the output layer; softmax is for that layer alone."""
    objective: Objective = "half-squared-error"
    """What is minimised: half the squared error, or the cross-entropy, for sigmoid or softmax outputs and targets from 0 to 1."""
    input_bias: bool = True
    """A bias node among the inputs."""
    hidden_bias: bool = True
    """A bias node on each hidden layer."""
    skip: bool = False
    """Skip connections: each layer is fed by all layers below it, not by the nearest alone."""
    hidden: tuple[int, ...] = ()
    """Hidden nodes, one number per layer. Without it, what is customary for the data."""
    rule: Rule = "previous-gradient"
    """How the gradient moves the weights: the article's rule, the two others with momentum, Quickprop, RPROP, or one of optax's."""
    learning_rate: float = 0.5
    """The article's N. For rprop the first step of every weight."""
    momentum: float = 0.1
    """The article's M: previous-gradient steps by N times this gradient and M times the one before, about a rate of N + M. For
    heavy-ball and nesterov the decay of the velocity. The other rules have none, and leave it out."""
    reduction: Literal["sum", "mean"] = "sum"
    """The gradient of a batch: summed over its patterns, as in equation (7), or their mean, over as many as the batch has."""
    weight_decay: float = 0.0
    """So many times the weights, but for those of bias nodes, joins the gradient once per update. adamw and lion have their own."""
    tolerance: float = 0.4
    """Solved when every output is this near to its target, as a share of the distance between the lowest and highest target."""
    order: Literal["simultaneous", "article"] = "simultaneous"
    """article: the output weights move before the hidden deltas are computed. Not a gradient."""
    mode: Literal["online", "minibatch", "batch"] = "online"
    """Update after each pattern, after batch-size of them, or after all."""
    batch_size: int | None = None
    """Patterns in a minibatch, 32 if not given; the last may be smaller. Only with mode minibatch."""
    gradient: Literal["manual", "autodiff"] = "manual"
    """By the hand derivation or by JAX: the same to rounding."""
    shuffle: bool = False
    """Another order of the patterns each epoch; otherwise that of the file."""
    targets: Literal["given", "bipolar"] = "given"
    """bipolar: -1 and 1 in place of the targets 0 and 1."""
    initial: Literal["uniform", "glorot", "lecun", "he", "nguyen-widrow"] = "uniform"
    """Initial weights."""
    ranges: tuple[float, ...] = (0.2, 2.0)
    """Half-widths of the uniform initial weights, layer by layer; the last serves all later layers."""
    dtype: Literal["float32", "float64"] = "float32"
    """Precision of the run."""

    def checked(self) -> "Run":
        """The same run with each field as it is declared (whole numbers as floats, lists as tuples).

        Raises InputError for a value that a field cannot have, and for fields that do not go together.

        >>> Run(batch_size=8).checked()
        Traceback (most recent call last):
        bpnn_jax.errors.InputError: expected a batch-size only with mode minibatch, got batch-size 8 with mode online
        """
        run = Run(**{name: checked(name, getattr(self, name)) for name in NAMES})
        largest = LARGEST[run.dtype]
        for name in ("learning_rate", "momentum", "weight_decay", "tolerance", "ranges"):
            value = getattr(run, name)
            if max(value if isinstance(value, tuple) else (value,)) > largest:
                what = name.replace("_", "-")
                raise InputError(
                    f"expected {what} up to {largest:.1e}, as {run.dtype} has it, got {shown(name, value)}"
                )
        if run.batch_size is not None and run.mode != "minibatch":
            raise InputError(
                f"expected a batch-size only with mode minibatch, got batch-size {run.batch_size} with mode {run.mode}"
            )
        if run.weight_decay and run.rule in DECAYING_RULES:
            raise InputError(
                f"expected no weight-decay with {run.rule}, which decays the weights by itself, got {run.weight_decay:g}: adam or sgd "
                "take it"
            )
        if run.objective != Run.objective:
            _check_outputs(run)
        return run

    def patterns(self, task: "Patterns") -> "Patterns":
        """``task`` with the targets that this run learns: x (patterns, n0), t (patterns, nL)."""
        return task if self.targets == "given" else task.with_targets(-1.0, 1.0)

    def network(self, task: "Patterns") -> "Network":
        """The network that learns ``task``. Raises InputError for what ``checked`` refuses."""
        from bpnn_jax.network import Network

        run = self.checked()
        hidden = run.hidden or task.hidden
        output = run.activation if run.output_activation == "same" else run.output_activation
        return Network(
            (task.x.shape[1], *hidden, task.t.shape[1]),
            (run.activation,) * len(hidden) + (output,),
            input_bias=run.input_bias,
            hidden_bias=run.hidden_bias,
            skip=run.skip,
        )

    def settings(self, **others: Any) -> "Settings":
        """What shapes the training program.

        others: the fields of ``training.Settings`` that are no field of a run, such as ``epochs`` and ``history_every``.

        Raises InputError for what ``checked`` refuses.
        """
        from bpnn_jax.training import Settings

        run = self.checked()
        return Settings(
            rule=run.rule,
            mode=run.mode,
            order=run.order,
            gradient=run.gradient,
            shuffle=run.shuffle,
            objective=run.objective,
            weight_decay=run.weight_decay,
            reduction=run.reduction,
            **({} if run.batch_size is None else {"batch_size": run.batch_size}),
            **others,
        )

    def rates(self, task: "Patterns") -> "Rates":
        """The numbers that shape no program, as floats: learning rate, momentum, cutoff 0, and the tolerance in units of the outputs.

        Raises InputError for what ``checked`` refuses.
        """
        from bpnn_jax.training import Rates

        run, t = self.checked(), self.patterns(task).t
        distance = float(t.max() - t.min()) or 1.0
        return Rates(run.learning_rate, run.momentum, 0.0, run.tolerance * distance)


def filled(run: Run, usual: Mapping[str, Any], given: Collection[str]) -> Run:
    """``run`` with the usual value of each field that is not among those ``given``, but for what does not go with these.

    usual: by field; other names are left out (``patterns.tabular.customary`` has ``epochs`` beside the fields).

    Raises InputError for a momentum or a rule whose own rate is not given: the usual ones are another rule's.

    >>> usual = {"objective": "cross-entropy", "output_activation": "softmax", "rule": "adam", "learning_rate": 0.01}
    >>> run = filled(Run(output_activation="tanh"), usual, {"output_activation"})
    >>> run.rule, run.output_activation, run.objective
    ('adam', 'tanh', 'half-squared-error')
    """
    usual = {name: value for name, value in usual.items() if name in NAMES}
    if "mode" in given and run.mode != "minibatch":
        usual.pop("batch_size", None)
    if "mode" in given and run.mode == "batch":  # a sum over all patterns, to which their order is rounding alone
        usual.pop("shuffle", None)
    if "ranges" in given:  # of uniform first weights
        usual.pop("initial", None)
    output = run.activation if run.output_activation == "same" else run.output_activation
    objective = usual.get("objective", run.objective)
    if "output_activation" in given and output not in manual.OBJECTIVES[objective].outputs:
        usual["objective"] = "half-squared-error"
    if "objective" in given and run.objective == "half-squared-error" and usual.get("output_activation") == "softmax":
        usual["output_activation"] = "sigmoid"
    if "rule" in given and run.rule in DECAYING_RULES:
        usual.pop("weight_decay", None)
    if "momentum" in given and "rule" not in given and usual["rule"] in OPTAX_RULES:
        raise InputError(
            f"expected a rule with momentum {run.momentum:g}: {usual['rule']}, a table's own rule, has none"
        )
    if "rule" in given and "learning_rate" not in given:
        raise InputError(
            f"expected a learning rate with rule {run.rule} for a table, whose own rule is {usual['rule']}"
        )
    return replace(run, **{name: value for name, value in usual.items() if name not in given})


NAMES = tuple(f.name for f in fields(Run))
DEFAULT_BATCH = 32  # patterns, of mode minibatch
LARGEST = {"float32": (2 - 2**-23) * 2.0**127, "float64": sys.float_info.max}  # numbers, by precision
CUSTOMARY = "customary"  # what no hidden sizes mean, and no batch size
_KINDS: dict[str, Any] = get_type_hints(Run)
_SWITCHES = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}


def patterns_per_update(mode: str, batch_size: int, count: int) -> int:
    """How many of ``count`` patterns an update takes; the last update of an epoch may take fewer.

    >>> [patterns_per_update(mode, 32, 100) for mode in ("online", "minibatch", "batch")]
    [1, 32, 100]
    """
    return {"online": 1, "minibatch": min(batch_size, count), "batch": count}[mode]


def _check_outputs(run: Run) -> None:
    """Raise InputError where the run's outputs or targets are not for its objective."""
    output = run.activation if run.output_activation == "same" else run.output_activation
    serving = manual.OBJECTIVES[run.objective].outputs
    if output not in serving:
        raise InputError(
            f"expected output-activation {' or '.join(serving)} with objective {run.objective}, got {output}: "
            "half-squared-error serves every output"
        )
    if run.targets == "bipolar":
        raise InputError(
            f"expected targets as given with objective {run.objective}, which is for targets from 0 to 1, got bipolar"
        )


def known(name: str) -> str:
    """A field's name, given with - or _ in it. Raises InputError, with the nearest names, for any other.

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
        if name == "activation" and value == "softmax":
            raise InputError(
                "expected softmax as output-activation alone, got it as activation, of the hidden layers too"
            )
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
    if name == "batch_size":
        return None if value is None else whole_number(what, value, 1)
    if kind is float:
        return finite(what, value)
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        raise InputError(f"expected {what} as several numbers, got {value!r}")
    values = tuple(whole_number(what, v, 1) if name == "hidden" else finite(what, v) for v in value)
    if name == "ranges" and not values:
        raise InputError(f"expected {what} as one number or more, got none")
    return values


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
    if text == CUSTOMARY and name in ("hidden", "batch_size"):
        return () if name == "hidden" else None
    if name == "batch_size":
        return checked(name, _number(what, text, int))
    if kind is float:
        return checked(name, _number(what, text, float))
    if kind in (tuple[int, ...], tuple[float, ...]):
        one = int if name == "hidden" else float
        return checked(name, [_number(what, part, one) for part in text.split(":")])
    return checked(name, text)


def shown(name: str, value: Any) -> str:
    """The reverse of ``parsed``.

    >>> shown("hidden_bias", False), shown("hidden", (8, 4)), shown("momentum", 0.9)
    ('off', '8:4', '0.9')
    """
    if value is None:
        return CUSTOMARY
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

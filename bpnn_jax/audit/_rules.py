"""The four ways to hand in a rule, brought to one form: a reference function, and a pullback written by somebody."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax.audit import _programs
from bpnn_jax.audit._leaves import Arguments, is_array, take_apart
from bpnn_jax.audit._pull import pulled
from bpnn_jax.errors import InputError


class Rule(NamedTuple):
    """``pullback(args, cotangent)`` is under audit: it should be the vector-Jacobian product of ``fun`` at ``args``."""

    kind: str  # "gradient", "vjp", "custom_vjp" or "custom_jvp"
    name: str
    fun: Callable  # whose gradient is right
    body: Callable  # whose output the forward pass gives: fun, unless reference= is another function
    pullback: Callable  # (args, cotangent) -> a cotangent for each argument in argnums
    primal: Callable | None  # the forward pass's own output, where the rule has one
    linear: bool  # whether the pullback takes a cotangent at all
    arguments: Arguments
    source: tuple = ()  # the author's own functions, out of which pullback was made
    static: frozenset[int] = frozenset()  # arguments that JAX hands to the rule untouched
    again: Callable | None = None  # (args) -> the same rule at other arguments
    by_jax: bool = False  # only JAX can call the rule: it takes the cotangent of the output as it is


class RuleError(InputError):
    """The rule itself returned what JAX cannot take."""


def name_of(f: Any) -> str:
    return getattr(f, "__name__", None) or type(f).__name__


def gradient_rule(loss: Callable, hand: Callable, args: tuple, argnums: Any, reference: Callable | None) -> Rule:
    arguments = take_apart(canonical(args), 0 if argnums is None else argnums)
    single = argnums is None or isinstance(argnums, int)

    def pullback(args, cotangent):
        del cotangent  # of a scalar loss: 1
        return (hand(*args),) if single else hand(*args)

    fun = reference or loss
    again = functools.partial(gradient_rule, loss, hand, argnums=argnums, reference=reference)
    source = (hand, single)
    return Rule("gradient", name_of(hand), fun, loss, pullback, None, False, arguments, source, again=again)


def vjp_rule(
    fun: Callable, fwd: Callable, bwd: Callable, args: tuple, argnums: Any, reference: Callable | None = None
) -> Rule:
    args = canonical(args)
    arguments = take_apart(args, argnums)

    def pullback(args, cotangent):
        _, residuals = fwd(*args)
        cotangents = bwd(residuals, cotangent)
        if not isinstance(cotangents, tuple | list) or len(cotangents) not in (len(args), len(arguments.argnums)):
            raise RuleError(
                f"expected bwd to return a tuple of {len(args)} cotangents, one an argument, got {shown(cotangents)}"
            )
        return tuple(cotangents[i] for i in arguments.argnums) if len(cotangents) == len(args) else tuple(cotangents)

    def primal(*args):
        return fwd(*args)[0]

    again = functools.partial(vjp_rule, fun, fwd, bwd, argnums=arguments.argnums, reference=reference)
    name, source = name_of(bwd), (fwd, bwd)
    return Rule("vjp", name, reference or fun, fun, pullback, primal, True, arguments, source, again=again)


def decorated_rule(face: str, f: Any, args: tuple, argnums: Any, reference: Callable | None) -> Rule:
    """The rule of a function that JAX knows to have one; see ``_found``."""
    rule = _found(face, f, args, argnums, reference)
    chosen = rule.arguments.argnums
    settings = argnums is None  # so that the same leaves are live at other arguments

    def again(args):
        return decorated_rule(face, f, args, None if settings else chosen, reference)

    return rule._replace(again=again)


def _found(face: str, f: Any, args: tuple, argnums: Any, reference: Callable | None) -> Rule:
    """A ``custom_vjp``, ``custom_jvp`` or equinox's form of them, behind ``jit`` or not; or a function that calls one."""
    inner, args = f, canonical(args)
    while not isinstance(inner, jax.custom_vjp | jax.custom_jvp) and hasattr(inner, "__wrapped__") and _is_jit(inner):
        inner = inner.__wrapped__
    if isinstance(inner, jax.custom_vjp):
        return _custom_vjp_rule(inner, args, argnums, reference)
    if isinstance(inner, jax.custom_jvp):
        return _custom_jvp_rule(inner, args, argnums, reference)
    if type(inner).__module__.startswith("equinox") and type(inner).__name__ in (
        "filter_custom_vjp",
        "filter_custom_jvp",
    ):
        kind = type(inner).__name__.removeprefix("filter_")
        chosen = argnums if argnums is not None or kind == "custom_jvp" else 0
        body = inner.fn if kind == "custom_vjp" else without_rules(inner)
        return _by_jax(kind, inner, body, take_apart(args, chosen, (), True), reference)
    if callable(f) and args and _calls_a_rule(f, args):
        return _by_jax(face, f, without_rules(f), take_apart(args, argnums, (), True), reference)
    raise InputError(f"expected a function decorated with jax.{face}, got {shown(f)}")


def _is_jit(f: Any) -> bool:
    return hasattr(f, "lower") and hasattr(f, "trace")


def _custom_vjp_rule(f: Any, args: tuple, argnums: Any, reference: Callable | None) -> Rule:
    args, fwd, rule = _with_defaults(f.fun, args), f.fwd, f.bwd
    if fwd is None or rule is None:
        raise InputError(f"expected {name_of(f)} with its rule defined, got one without defvjp(fwd, bwd)")
    fixed = f.nondiff_argnums
    fixed = tuple(i % len(args) for i in ((fixed,) if isinstance(fixed, int) else fixed)) if args else ()
    arguments = take_apart(args, argnums, fixed, True)
    if f.symbolic_zeros:  # fwd then takes its arguments wrapped: only JAX can call it
        return _by_jax("custom_vjp", f, f.fun, arguments, reference, fixed)
    free = [i for i in range(len(args)) if i not in fixed]

    def pullback(args, cotangent):
        _, residuals = fwd(*args)
        found = rule(*(args[i] for i in fixed), residuals, cotangent)
        if not isinstance(found, tuple | list) or len(found) != len(free):
            raise RuleError(f"expected bwd to return {len(free)} cotangents, got {shown(found)}")
        every = dict(zip(free, found, strict=True))
        return tuple(every.get(i) for i in arguments.argnums)

    def primal(*args):
        return fwd(*args)[0]

    fun = reference or f.fun
    return Rule("custom_vjp", name_of(f), fun, f.fun, pullback, primal, True, arguments, (f,), frozenset(fixed))


def _custom_jvp_rule(f: Any, args: tuple, argnums: Any, reference: Callable | None) -> Rule:
    if getattr(f, "jvp", None) is None:
        raise InputError(f"expected {name_of(f)} with its rule defined, got one without defjvp")
    args = _with_defaults(f.fun, args)
    fixed = tuple(i % len(args) for i in f.nondiff_argnums) if args else ()
    return _by_jax("custom_jvp", f, f.fun, take_apart(args, argnums, fixed, True), reference, fixed)


def _by_jax(
    kind: str,
    f: Callable,
    body: Callable,
    arguments: Arguments,
    reference: Callable | None,
    fixed: tuple[int, ...] = (),
) -> Rule:
    """A rule that only JAX can call: through ``jax.vjp`` of the decorated function, which transposes a rule of forward mode."""

    def apart(args):
        return arguments.like(args)

    def pullback(args, cotangent):
        inner = apart(args)
        _, found = pulled(lambda *live: f(*inner.join(live)), inner.examples, cotangent)
        leaves: list = [None] * len(inner.leaves)
        for i, c in zip(inner.live, found, strict=True):
            leaves[i] = c
        whole = jax.tree.unflatten(inner.treedef, leaves)
        return tuple(whole[i] for i in arguments.argnums)

    def primal(*args):
        inner = apart(args)
        zeros = [jnp.zeros_like(leaf) for leaf in inner.examples]
        if kind == "custom_jvp":
            return jax.jvp(lambda *live: f(*inner.join(live)), tuple(inner.examples), tuple(zeros))[0]
        return jax.vjp(lambda *live: f(*inner.join(live)), *inner.examples)[0]

    fun = reference or body
    return Rule(kind, name_of(f), fun, body, pullback, primal, True, arguments, (f,), frozenset(fixed), by_jax=True)


def _split(args: tuple) -> tuple[list[int], list, Any]:
    leaves, treedef = jax.tree.flatten(args)
    return [i for i, leaf in enumerate(leaves) if is_array(leaf)], leaves, treedef


def _of_arrays(f: Callable, args: tuple) -> tuple[Callable, list]:
    """``f`` as a function of the arrays among its arguments alone, and these arrays."""
    positions, leaves, treedef = _split(args)

    def function(*arrays):
        every = list(leaves)
        for i, array in zip(positions, arrays, strict=True):
            every[i] = array
        return f(*jax.tree.unflatten(treedef, every))

    return function, [leaves[i] for i in positions]


def _calls_a_rule(f: Callable, args: tuple) -> bool:
    try:
        function, arrays = _of_arrays(f, args)
        return bool(_programs.flatten(jax.make_jaxpr(function)(*arrays)).nested)
    except Exception:  # it cannot be traced at these arguments: then it is no function of that kind
        return False


def without_rules(f: Callable) -> Callable:
    """The same function with every custom rule inside it replaced by its body, for JAX to differentiate."""

    @functools.wraps(f)
    def plain(*args):
        function, arrays = _of_arrays(f, args)
        closed, shape = jax.make_jaxpr(function, return_shape=True)(*arrays)
        program = _programs.flatten(closed)
        out = _programs.outputs(program, _programs.run(program, arrays))
        return jax.tree.unflatten(jax.tree.structure(shape), out)

    return plain


def _with_defaults(fun: Callable, args: tuple) -> tuple:
    """As JAX does before it calls a rule: what the author left out takes its default."""
    try:
        signature = inspect.signature(fun)
    except (TypeError, ValueError):  # something of C's
        return args
    try:
        bound = signature.bind(*args)
    except TypeError as error:
        if not args:
            return args
        taken = f"{name_of(fun)}({', '.join(signature.parameters)})"
        raise InputError(f"expected arguments that {taken} takes, got {len(args)}: {error}") from None
    bound.apply_defaults()
    return bound.args


def names_of(fun: Callable, args: tuple) -> tuple[str, ...]:
    """What the author calls the arguments; empty where that cannot be told."""
    try:
        bound = inspect.signature(fun).bind(*args)
    except (TypeError, ValueError):
        return ()
    names: list[str] = []
    for name, value in bound.arguments.items():
        many = inspect.signature(fun).parameters[name].kind is inspect.Parameter.VAR_POSITIONAL
        names += [f"{name}[{i}]" for i in range(len(value))] if many else [name]
    return tuple(names) if len(names) == len(args) else ()


def shown(value: Any) -> str:
    return f"{type(value).__name__} {value!r:.80}"


def canonical(args: tuple) -> tuple:
    """NumPy's integers in the width that JAX would give them here: int64 becomes int32 unless float64 is on."""

    def narrowed(leaf: Any) -> Any:
        whole = isinstance(leaf, np.ndarray | np.generic) and np.issubdtype(leaf.dtype, np.integer)
        return np.asarray(leaf, jax.dtypes.canonicalize_dtype(leaf.dtype)) if whole else leaf

    return tuple(jax.tree.map(narrowed, args))

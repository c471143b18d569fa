"""The four ways to hand in a rule, brought to one form: a reference function, and a pullback written by somebody."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from bpnn_jax.audit._leaves import Arguments, take_apart
from bpnn_jax.errors import InputError


class Rule(NamedTuple):
    """``pullback(args, cotangent)`` is under audit; ``fun(*args)`` is what it should be the pullback of."""

    kind: str  # "gradient", "vjp", "custom_vjp" or "custom_jvp"
    name: str
    fun: Callable
    pullback: Callable  # (args, cotangent) -> a cotangent for each argument in argnums
    primal: Callable | None  # the forward pass's own output, where the rule has one
    linear: bool  # whether the pullback takes a cotangent at all
    arguments: Arguments
    source: tuple = ()  # the author's own functions, out of which pullback was made
    pushforward: Callable | None = None  # (live, tangents of live) -> (output, tangent), for a rule of forward mode


def name_of(f: Any) -> str:
    return getattr(f, "__name__", None) or type(f).__name__


def gradient_rule(loss: Callable, hand: Callable, args: tuple, argnums: Any, reference: Callable | None) -> Rule:
    arguments = take_apart(args, 0 if argnums is None else argnums)
    single = argnums is None or isinstance(argnums, int)

    def pullback(args, cotangent):
        del cotangent  # of a scalar loss: 1
        return (hand(*args),) if single else hand(*args)

    return Rule("gradient", name_of(hand), reference or loss, pullback, None, False, arguments, (hand, single))


def vjp_rule(
    fun: Callable,
    fwd: Callable,
    bwd: Callable,
    args: tuple,
    argnums: Any,
    *,
    kind: str = "vjp",
    name: str | None = None,
) -> Rule:
    arguments = take_apart(args, argnums)

    def pullback(args, cotangent):
        _, residuals = fwd(*args)
        cotangents = bwd(residuals, cotangent)
        if not isinstance(cotangents, tuple | list) or len(cotangents) not in (len(args), len(arguments.argnums)):
            raise InputError(
                f"expected bwd to return a tuple of {len(args)} cotangents, one an argument, got {_shown(cotangents)}"
            )
        return tuple(cotangents[i] for i in arguments.argnums) if len(cotangents) == len(args) else tuple(cotangents)

    return Rule(kind, name or name_of(bwd), fun, pullback, lambda *args: fwd(*args)[0], True, arguments, (fwd, bwd))


def custom_vjp_rule(f: Any, args: tuple, argnums: Any, reference: Callable | None) -> Rule:
    if not isinstance(f, jax.custom_vjp):
        raise InputError(f"expected a function decorated with jax.custom_vjp, got {_shown(f)}")
    args, fwd, rule = _with_defaults(f.fun, args), f.fwd, f.bwd
    if fwd is None or rule is None:
        raise InputError(f"expected {name_of(f)} with its rule defined, got one without defvjp(fwd, bwd)")
    fixed = f.nondiff_argnums
    fixed = tuple(i % len(args) for i in ((fixed,) if isinstance(fixed, int) else fixed))
    free = [i for i in range(len(args)) if i not in fixed]
    chosen = argnums if argnums is not None else [i for i in take_apart(args, None).argnums if i in free]
    if f.symbolic_zeros:  # fwd then takes its arguments wrapped: only JAX can call it
        arguments = take_apart(args, chosen)
        rule = _by_jax("custom_vjp", f, f.fun, arguments)
        return rule._replace(fun=reference or f.fun)

    def bwd(residuals, cotangent):
        found = rule(*(args[i] for i in fixed), residuals, cotangent)
        if not isinstance(found, tuple | list) or len(found) != len(free):
            raise InputError(f"expected bwd to return {len(free)} cotangents, got {_shown(found)}")
        every: list = [None] * len(args)
        for i, part in zip(free, found, strict=True):
            every[i] = part
        return tuple(every)

    return vjp_rule(reference or f.fun, fwd, bwd, args, chosen, kind="custom_vjp", name=name_of(f))._replace(
        source=(f,)
    )


def custom_jvp_rule(f: Any, args: tuple, argnums: Any, reference: Callable | None) -> Rule:
    if not isinstance(f, jax.custom_jvp):
        raise InputError(f"expected a function decorated with jax.custom_jvp, got {_shown(f)}")
    if getattr(f, "jvp", None) is None:
        raise InputError(f"expected {name_of(f)} with its rule defined, got one without defjvp")
    args = _with_defaults(f.fun, args)
    fixed = {i % len(args) for i in f.nondiff_argnums}
    chosen = argnums if argnums is not None else [i for i in take_apart(args, None).argnums if i not in fixed]
    arguments = take_apart(args, chosen)
    return _by_jax("custom_jvp", f, reference or f.fun, arguments)


def _by_jax(kind: str, f: Callable, fun: Callable, arguments: Arguments) -> Rule:
    """A rule that only JAX can call: through ``jax.vjp`` of the decorated function, which transposes a rule of forward mode."""

    def pullback(args, cotangent):
        inner = take_apart(args, arguments.argnums)
        _, pull = jax.vjp(lambda *live: f(*inner.join(live)), *inner.examples)
        leaves: list = [None] * len(inner.leaves)
        for i, c in zip(inner.live, pull(cotangent), strict=True):
            leaves[i] = c
        return jax.tree.unflatten(inner.treedef, leaves)

    def pushforward(args, live, tangents):
        inner = take_apart(args, arguments.argnums)
        return jax.jvp(lambda *live: f(*inner.join(live)), live, tangents)

    return Rule(kind, name_of(f), fun, pullback, lambda *args: f(*args), True, arguments, (f,), pushforward)


def _with_defaults(fun: Callable, args: tuple) -> tuple:
    """As JAX does before it calls a rule: what the author left out takes its default."""
    try:
        bound = inspect.signature(fun).bind(*args)
    except (TypeError, ValueError):  # no signature, or one that JAX itself will complain about
        return args
    bound.apply_defaults()
    return bound.args


def _shown(value: Any) -> str:
    return f"{type(value).__name__} {value!r:.80}"

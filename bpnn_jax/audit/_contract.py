"""What every rule promises, whatever it computes: shapes, dtypes, linearity, and one answer however it is run."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax.audit._draws import as_jax
from bpnn_jax.audit._judge import Judged, ratio
from bpnn_jax.audit._leaves import dtype_of
from bpnn_jax.audit._report import Finding
from bpnn_jax.audit._run import Runner, unwrapped, wide


def findings(runner: Runner, judged: Judged) -> Iterator[Finding]:
    """The contract at one draw."""
    yield from types(runner, judged)
    if runner.rule.linear:
        yield from linearity(runner, judged)
    yield from primal(runner, judged)
    yield from repeated(runner, judged)
    if runner.traceable:
        yield from compiled(runner, judged)
    for name in runner.mutated:
        yield Finding("mutates-input", "wrong", f"{name} was changed in place by the rule", leaf=name)


def types(runner: Runner, judged: Judged) -> Iterator[Finding]:
    """Each cotangent has its primal's shape and dtype, and a live input gets one."""
    raw = runner.returned(judged.drawn)
    rows = zip(runner.arguments.names, runner.arguments.examples, raw, judged.exact, strict=True)
    for name, example, got, exact in rows:
        if got is None:
            if abs(exact).max(initial=0.0) > 0:
                sentence = f"{name} got None, which stands for zero; its gradient is up to {abs(exact).max():.3g}"
                yield Finding("none-for-live", "wrong", sentence, leaf=name)
            continue
        if np.shape(got) != np.shape(example):
            sentence = f"{name}: expected a cotangent of shape {np.shape(example)}, got {np.shape(got)}"
            yield Finding("wrong-shape", "wrong", sentence, leaf=name)
        dtype = getattr(got, "dtype", np.dtype(type(got)))
        if dtype != dtype_of(example) and runner.traceable:
            sentence = f"{name}: expected a cotangent of dtype {dtype_of(example)}, got {dtype}"
            yield Finding("wrong-dtype", "wrong", sentence, leaf=name)


def linearity(runner: Runner, judged: Judged) -> Iterator[Finding]:
    """bwd(0) = 0, and bwd(-2c) = -2 bwd(c): what clips, normalises or adds a constant breaks one of them."""
    for scale, code, sentence in (
        (0.0, "nonzero-at-zero", "a zero cotangent gives {got:.3g}, not 0, in {name}"),
        (
            -2.0,
            "not-linear",
            "the rule is not linear in the cotangent: {name} is {got:.6g} where linearity says {expected:.6g}",
        ),
        (
            2.0**13,  # a power of two: the rounding stays the same, digit for digit
            "not-linear",
            "the rule is not linear in the cotangent: {name} is {got:.6g} where linearity says {expected:.6g}",
        ),
    ):
        found = runner.hand(judged.drawn, jnp.float64, scale)
        for name, got, once, allowed in zip(runner.arguments.names, found, judged.hand, judged.allowed, strict=True):
            if got is None or not np.isfinite(once).all():
                continue
            r, index = ratio(unwrapped(got), scale * once, max(abs(scale), 1.0) * (allowed + _ulps(once)))
            if r > 1 and unwrapped(got).shape == once.shape:
                numbers = {"got": float(unwrapped(got)[index]), "expected": float(scale * once[index])}
                said = sentence.format(name=name, **numbers)
                yield Finding(code, "wrong", said, leaf=name, index=index, numbers=numbers, draw=judged.drawn.name)
                return


def primal(runner: Runner, judged: Judged) -> Iterator[Finding]:
    """The forward pass of the rule computes the function itself."""
    forward = runner.rule.primal
    if forward is None:
        return
    with wide(jnp.float64):
        args = runner.args(as_jax(judged.drawn.live, runner.arguments, jnp.float64))
        got, expected = forward(*args), runner.rule.fun(*args)
    if jax.tree.structure(got) != jax.tree.structure(expected):
        sentence = f"expected fwd's output like {jax.tree.structure(expected)}, got {jax.tree.structure(got)}"
        yield Finding("primal-differs", "wrong", sentence)
        return
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        size = abs(b[np.isfinite(b)]).max(initial=0.0)
        # Two ways to compute one function in float64, each good to some hundreds of ulp of the largest output.
        r, index = ratio(a, b, max(1e-12, 64 * runner.unit) * size)
        if r > 1:
            shown = (
                f"{a[index]:.6g} against {b[index]:.6g}" if a.shape == b.shape else f"shape {a.shape} against {b.shape}"
            )
            yield Finding("primal-differs", "wrong", f"fwd's output is not the function's: {shown}", index=index)
            return


def repeated(runner: Runner, judged: Judged) -> Iterator[Finding]:
    """Two runs agree to the bit."""
    one, two = runner.hand(judged.drawn), runner.hand(judged.drawn)
    for name, a, b in zip(runner.arguments.names, one, two, strict=True):
        if a is not None and not np.array_equal(unwrapped(a), unwrapped(b), equal_nan=True):
            apart = float(np.nanmax(abs(unwrapped(a) - unwrapped(b))))
            sentence = f"two runs on the same input differ by up to {apart:.3g} in {name}"
            yield Finding("nondeterministic", "inconclusive", sentence, leaf=name, numbers={"size": apart})


def compiled(runner: Runner, judged: Judged) -> Iterator[Finding]:
    """Eager and vmapped runs give what the compiled run gave, to rounding."""
    with wide(jnp.float64):
        live = as_jax(judged.drawn.live, runner.arguments, jnp.float64)
        c = runner._typed(runner.cotangent, jnp.float64)
        yield from _agree("eager", runner, judged, lambda: runner.pull_hand(live, c))

        def batched() -> list:
            two = jax.tree.map(lambda a: np.stack([a, 0.5 * np.asarray(a)]), (live, c))
            kept = iter(jax.device_get(runner.compiled("vmap", _vmapped, runner.rule.source)(*two)))
            return [None if gone else next(kept)[0] for gone in judged.absent]

        yield from _agree("vmap", runner, judged, batched)


def _ulps(leaf: np.ndarray) -> float:
    """Rounding of the rule's own numbers: all there is to go by where the reference's are 0 or not finite."""
    return 64 * 2.0**-53 * float(abs(leaf[np.isfinite(leaf)]).max(initial=0.0))


def _vmapped(runner: Runner, live: list, c: Any) -> list:
    return jax.vmap(lambda a, b: [p for p in runner.pull_hand(a, b) if p is not None])(live, c)


def _agree(how: str, runner: Runner, judged: Judged, run: Any) -> Iterator[Finding]:
    try:
        found = run()
    except Exception as error:
        first = str(error).splitlines()[0] if str(error) else ""
        yield Finding(f"{how}-fails", "note", f"the rule cannot be run by {how}: {type(error).__name__}: {first}")
        return
    for name, got, once, allowed in zip(runner.arguments.names, found, judged.hand, judged.allowed, strict=True):
        if got is None:
            continue
        r, index = ratio(unwrapped(got), once, allowed + _ulps(once))
        if r > 1:
            sentence = f"{name} comes out differently by {how} than compiled"
            yield Finding(f"{how}-differs", "wrong", sentence, leaf=name, index=index, draw=judged.drawn.name)
            return

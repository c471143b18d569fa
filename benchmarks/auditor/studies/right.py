"""Right backward rules at random shapes, ranges and dtypes. The auditor must call every one of them correct.

The rules are those of ``right_rules``, and the gradient of the networks of manual/.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.auditor.studies.drawn import Shape
from benchmarks.auditor.studies.right_rules import RULES
from bpnn_jax import audit
from manual.activations import ACTIVATIONS
from manual.backprop import gradient
from manual.network import forward

DTYPES = ("float32", "bfloat16", "float64")
# Cotangents, saturation and both signs are the auditor's own; these are ranges that a user would state. None leaves it to the example.
RANGES = (None, (-1.0, 1.0), (-10.0, 10.0), (-30.0, 30.0))
POSITIVE = ("nll",)  # an argument must stay positive, so only the auditor's own ranges


def _network(s: Shape) -> tuple[Callable, Callable, tuple]:
    """The gradient of manual/ on a network of one to seven layers, each activation and bias at random."""
    sizes = [s.size(1, 10) for _ in range(s.size(2, 8))]
    names = [str(s.rng.choice(["sigmoid", "tanh", "linear", "lecun_tanh"])) for _ in sizes[1:]]
    functions = tuple(ACTIVATIONS[name] for name in names)
    weights = tuple(s.array(n + s.size(0, 1), m) / s.dtype.type(n**0.5) for n, m in pairwise(sizes))
    B = s.size()
    x, t = s.array(B, sizes[0]), s.array(B, sizes[-1])
    in_jax = {
        "sigmoid": jax.nn.sigmoid,
        "tanh": jnp.tanh,
        "linear": lambda z: z,
        "lecun_tanh": lambda z: 1.7159 * jnp.tanh(2.0 * z / 3.0),
    }

    def loss(weights, x, t):
        a = x
        for W, name in zip(weights, names, strict=True):
            n = a.shape[-1]
            z = a @ W[:n]
            a = in_jax[name](z + W[n] if W.shape[0] > n else z)
        return 0.5 * jnp.sum((a - t) ** 2)

    def hand(weights, x, t):
        return gradient(forward(weights, x, functions), t)

    return loss, hand, (weights, x, t)


class Outcome(NamedTuple):
    """What the auditor said of a right rule."""

    number: int
    seed: int
    rule: str
    dtype: str
    shapes: str
    ranges: str
    verdict: str
    draws: int
    said: str
    seconds: float


def audited(number: int, draws: int, repeats: int = 1) -> list[Outcome]:
    """Configuration ``number``, once for each of ``repeats`` seeds, which share what is compiled.

    Every fourth is a network, the others each rule in turn; dtypes and ranges in turn.
    """
    dtype = DTYPES[number % 3]
    s = Shape(number, dtype)
    if number % 4 == 0:
        name, ranges = "a network of manual/", RANGES[number // 12 % 3]
        face, (*pieces, args) = audit.gradient, _network(s)
    else:
        name = list(RULES)[(number - number // 4 - 1) % len(RULES)]
        ranges = None if name in POSITIVE else RANGES[number // len(RULES) % 4]
        face, (*pieces, args) = audit.vjp, RULES[name](s)
    shapes = " ".join("x".join(map(str, np.shape(a))) for a in jax.tree.leaves(args))
    options: dict[str, Any] = {"draws": draws, "ranges": ranges, "mutate": False, "explain": False}
    found = []
    with audit.reusing():
        for seed in range(number, number + repeats):
            report = face(*pieces, *args, seed=seed, **options)
            said = "; ".join(f"[{f.code}] {f.sentence}" for f in report.findings if f.weight != "note")
            of = (name, dtype, shapes, str(ranges), report.verdict, report.draws, said, report.seconds)
            found.append(Outcome(number, seed, *of))
    return found

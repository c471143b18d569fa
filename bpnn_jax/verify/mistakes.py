"""Rung 6: wrong derivations in the place of the right one, each of which must be caught and named."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from bpnn_jax import audit
from bpnn_jax.network import Network
from bpnn_jax.verify import auditor, equations, rules
from bpnn_jax.verify.bound import JUMP, Bound
from bpnn_jax.verify.checks import Caught, Check, compared, equation_number
from bpnn_jax.verify.helpers import Rows
from bpnn_jax.verify.networks import FURTHER, MISTAKEN, MISTAKEN_FURTHER, OBJECTIVES, with_output
from bpnn_jax.verify.reference import Draw, Reference, draw
from manual import ACTIVATIONS
from manual.mistakes import MISTAKES, Mistake


def caught(seed: int = 0) -> Iterator[Caught]:
    """Rung 6: each wrong derivation put through rung 3 in place of the right one, equation by equation and before the auditor."""
    with audit.reusing():
        for network in dict.fromkeys(map(mistaken, MISTAKES)):
            yield from _caught(seed, network)


def pieces(seed: int) -> Iterator[tuple[str, Callable[[], Rows]]]:
    """(what it is, the work): a piece for each network, since a program is compiled for a network."""
    for network in dict.fromkeys(map(mistaken, MISTAKES)):
        yield "rung 6: mistakes", lambda network=network: list(_caught(seed, network))


def _caught(seed: int, network: Network) -> Iterator[Caught]:
    """Those that this network shows."""
    judged = judged_draws(seed)
    for m in MISTAKES:
        if mistaken(m) != network:
            continue
        tried = judged[m.objective, network]
        first = first_wrong(m, tried)
        # λW̄ is the same in any network, and the auditor is quicker with a small one.
        shown = judged[OBJECTIVES[0][0], with_output(OBJECTIVES[0][1])] if m.equation == 20 else tried
        yield Caught(m.name, bool(first), first, f"({m.equation})", m.why, _named_by_the_auditor(shown[0][0], m))


def mistaken(mistake: Mistake) -> Network:
    """The network that shows a mistake: with the output that it is about, or with the activation whose derivative is wrong."""
    wrong = [name for name in FURTHER if mistake.activations[name] is not ACTIVATIONS[name]]
    return with_output(mistake.output) if mistake.output else MISTAKEN_FURTHER if wrong else MISTAKEN


def judged_draws(seed: int = 0) -> dict[tuple[str, Network], list[tuple[Draw, Reference, Bound]]]:
    """What mistakes are tried on, by objective and network: an ordinary draw, but for a node at each kink, and a saturated one."""
    rng = np.random.default_rng(seed)
    squared = "half-squared-error"
    kinds = [
        (squared, MISTAKEN),
        (squared, MISTAKEN_FURTHER),
        *((kind[0], with_output(kind[1])) for kind in OBJECTIVES),
    ]
    return {
        (objective, network): [
            (d, *equations.reference_and_bound(d))
            for d in (
                draw(network, rng, objective=objective, at_zero=tuple(JUMP)),
                draw(network, rng, objective=objective, saturated=True),
            )
        ]
        for objective, network in kinds
    }


def first_wrong(mistake: Mistake, judged: list[tuple[Draw, Reference, Bound]]) -> str:
    """The first equation that differs from its witness by more than rounding, as ``(9)``; empty if all agree."""
    rows: list[Check] = []
    for d, exact, allowed in judged:
        rows += compared(6, mistake.name, 1, lambda d=d, e=exact, b=allowed: equations.compare(d, e, b, mistake))
    if mistake.equation in rules.NUMBERS:
        rows += compared(6, mistake.name, 0, lambda: rules.compare(np.random.default_rng(0), mistake.rules))
    return min((r.equation for r in rows if r.verdict == "wrong"), key=_place, default="")


def _named_by_the_auditor(d: Draw, m: Mistake) -> str:
    if m.equation in rules.NUMBERS:  # it judges derivatives, and a rule's step is none
        return ""
    try:
        with np.errstate(all="ignore"):
            return auditor.names(d, m)
    except Exception as error:  # a derivation so broken that it raises
        return f"raised {type(error).__name__}"


def as_checks(found: tuple[Caught, ...]) -> Iterator[Check]:
    """Rung 6 as rows: for each equation how many mistakes were not caught there, of which none is allowed."""
    for equation in sorted({m.expected for m in found}, key=equation_number):
        here = [m for m in found if m.expected == equation]
        missed = [m.name for m in here if not m.right]
        verdict = "wrong" if missed else "correct"
        yield Check(
            6, equation, f"{len(here)} mistakes", 2 * len(here), float(len(missed)), 0.0, verdict, ", ".join(missed)
        )


def _place(equation: str) -> float:
    """Where an equation comes when a network is gone through: the activations, the forward pass, E and its δ, then back."""
    number = equation_number(equation)
    return {17: 4.2, 18: 4.5, 19: 8.5}.get(number, number)


def in_order(found: Iterable[Caught]) -> tuple[Caught, ...]:
    """As the catalogue has them."""
    order = [m.name for m in MISTAKES]
    return tuple(sorted(found, key=lambda row: order.index(row.name)))

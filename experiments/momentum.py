"""When does momentum help, and when does it diverge: the previous gradient, heavy ball, Nesterov?

First on a quadratic, where the answer is exact: ``_quadratic`` has the rates and runs the rules of ``manual`` beside them.

Then on networks. What a constant gradient moves a weight by, N+M for the article's rule and η/(1-μ) for the other two, is the
effective learning rate; most of what momentum seems to gain it gains by raising that. So a rule with momentum stands here beside
plain descent three times: at the same learning rate, at the same effective one, and each at its own best point of the grid. The best
points are chosen on one half of the seeds and compared on the other.

Networks whose outputs are bounded do not diverge, they get stuck. So divergence is measured on XOR with a linear output, in batch:
for each seed the learning rate at which it leaves the finite numbers, over that without momentum.

    python -m experiments.momentum            three minutes; writes experiments/results/momentum.{json,png}
    python -m experiments.momentum --quick    seconds, fewer seeds, writes nowhere unless --out says so
"""

from typing import Any

import numpy as np

from bpnn_jax import Network, load_patterns
from bpnn_jax.statistics import Comparison, compare, compare_epochs, correct, restricted_mean
from experiments import _quadratic
from experiments._common import Experiment, Options, short
from experiments._grid import Grid, train_grid
from experiments._momentum_figure import plot
from experiments._report import INTERVALS, difference, holds, number, outcome, plain

QUESTION = "When does momentum help, and when does it diverge: the previous gradient, heavy ball, Nesterov?"
RULES = ("previous-gradient", "heavy-ball", "nesterov")
TASKS = ("xor, tanh, online", "xor, tanh, batch", "encoder-8, sigmoid, online", "encoder-8, sigmoid, batch")
EFFECTIVE = tuple(2.0**k for k in range(-4, 5))
SHARES = (0.5, 0.75, 0.875)  # μ, or M/(N+M): the share of the effective rate that comes from earlier gradients
AT, SHARE = 0.5, 0.75  # the point that is compared at equal rates: learning rate 0.125
BEST = "each at its best"
MEANING = {"same learning rate": " (0.125, μ = 0.75)", "same effective rate": " (0.5)", BEST: ""}
SEEDS, EPOCHS = 200, 3000
DIVERGING_RATES = tuple(2.0 ** (k / 4) for k in range(-14, 7))  # a quarter of a factor of two apart
DIVERGING_MOMENTA, DIVERGING_EPOCHS = (0.0, 0.5, 0.75, 0.875), 500
CONDITIONS, SHOWN = (2.0, 10.0, 100.0, 1000.0), 100.0


def compute(options: Options) -> dict[str, Any]:
    quick = options.quick
    tasks, effective, shares = (TASKS[1:2], (0.125, AT), (SHARE,)) if quick else (TASKS, EFFECTIVE, SHARES)
    seeds, rules = (48, RULES[1:2]) if quick else (SEEDS, RULES)
    family: dict[tuple[str, str, str], Comparison] = {}  # by network, rule and what is equal
    found: dict[str, Any] = {
        "seeds": seeds,
        "horizon": EPOCHS,
        "effective": list(effective),
        "shares": list(shares),
        "quadratic": short(quadratic(21, 10_000) if quick else quadratic(61, 100_000)),
        "networks": {},
        "diverging": diverging(16 if quick else SEEDS, rules),
    }
    for name in tasks:
        found["networks"][name] = {"curves": {}, "best": {}, "comparisons": {}}
        grids = {rule: _train(name, rule, effective, shares, seeds) for rule in ("sgd", *rules)}
        for rule, grid in grids.items():
            of = shares if rule != "sgd" else (0.0,)
            means = grid.epochs.mean(axis=1).reshape(len(of), len(effective))
            found["networks"][name]["curves"][rule] = short(dict(zip(map(str, of), means, strict=True)))
        family |= _comparisons(name, grids, effective, shares, found["networks"][name]["best"])
    # Everything that was looked at is one family.
    for (name, rule, what), c in zip(family, correct(list(family.values())), strict=True):
        found["networks"][name]["comparisons"].setdefault(rule, {})[what] = plain(c)
    return found


def quadratic(points: int, steps: int) -> dict[str, Any]:
    """Measured rates over ηλ and the share of momentum, the largest distance from the exact ones, and the best for each κ."""
    step, share = np.meshgrid(np.linspace(0.05, 4.25, points), np.linspace(0.0, 0.98, points))
    found: dict[str, Any] = {
        "step": step[0],
        "share": share[:, 0],
        "rate": {},
        "off": {},
        "best": {},
        "conditions": list(CONDITIONS),
    }
    for rule in RULES:
        momentum = share * step if rule == "previous-gradient" else share  # M is given as M/N there
        measured, exact = _quadratic.measured(rule, step, momentum), _quadratic.exact(rule, step, momentum)
        found["rate"][rule] = measured
        found["off"][rule] = float(abs(measured - exact).max())
    for rule in ("sgd", *RULES):
        rates = np.array([_quadratic.best(rule, condition) for condition in CONDITIONS])
        curvatures = np.geomspace(1 / np.array(CONDITIONS), 1, 9)
        of = "heavy-ball" if rule == "sgd" else rule
        slowest = _quadratic.measured(of, rates[:, 0], rates[:, 1], curvatures, steps).max(axis=0)
        found["best"][rule] = {"exact": rates[:, 2], "measured": slowest}
    return found


def diverging(seeds: int, rules: tuple[str, ...]) -> dict[str, Any]:
    """For each rule and momentum, at how many times the learning rate without momentum a run diverges: a mean over seeds, of logs."""
    xor, momenta = load_patterns("xor"), DIVERGING_MOMENTA
    network = Network((2, 2, 1), ("tanh", "linear"))
    found: dict[str, Any] = {}
    for rule in rules:
        pairs = [(r, r * m if rule == "previous-gradient" else m) for m in momenta for r in DIVERGING_RATES]
        grid = train_grid(rule, network, xor, pairs, seeds, DIVERGING_EPOCHS, None, rule=rule, mode="batch")
        diverged = grid.diverged.reshape(len(momenta), len(DIVERGING_RATES), seeds)
        borders = -diverged.sum(axis=1) / 4.0  # log2 of each run's border, but for a constant
        shift = {}
        for m, border in zip(momenta[1:], borders[1:], strict=True):
            apart = plain(compare(border, borders[0]))
            shift[str(m)] = {key: 2 ** apart[key] for key in ("effect", "low", "high")}
        found[rule] = {
            "diverged": short(dict(zip(map(str, momenta), diverged.mean(axis=2), strict=True))),
            "shift": shift,
            "expected": {str(m): float(_quadratic.border(rule, m) / 2) for m in momenta[1:]},
        }
    return {"rates": list(DIVERGING_RATES), "seeds": seeds, "rules": found}


def _train(name: str, rule: str, effective: tuple[float, ...], shares: tuple[float, ...], seeds: int) -> Grid:
    task, activation, mode = name.split(", ")
    patterns = load_patterns(task)
    network = Network((patterns.x.shape[1], *patterns.hidden, patterns.t.shape[1]), activation)
    pairs = [(e * (1 - s), e * s if rule == "previous-gradient" else s) for s in shares for e in effective]
    pairs = [(e, 0.0) for e in effective] if rule == "sgd" else pairs
    return train_grid(f"{name}, {rule}", network, patterns, pairs, seeds, EPOCHS, rule=rule, mode=mode)


def _comparisons(
    name: str, grids: dict[str, Grid], effective: tuple[float, ...], shares: tuple[float, ...], best: dict[str, Any]
) -> dict[tuple[str, str, str], Comparison]:
    """Each rule minus plain descent, in epochs, by network, rule and what is equal; ``best`` is filled with what was chosen."""
    plain_grid, found = grids["sgd"], {}
    half = plain_grid.epochs.shape[1] // 2
    choose, judge, everyone = slice(half), slice(half, None), slice(None)
    same_rate, same_effective = effective.index(AT * (1 - SHARE)), effective.index(AT)
    for rule, grid in grids.items():
        chosen = grid.best(choose)
        share, rate = divmod(chosen, len(effective))
        estimate = restricted_mean(grid.epochs[chosen, judge], grid.solved[chosen, judge], EPOCHS)
        best[rule] = {"effective": effective[rate], "share": 0.0 if rule == "sgd" else shares[share]} | plain(estimate)
        if rule == "sgd":
            continue
        here = shares.index(SHARE) * len(effective) + same_effective
        pairs = {
            "same learning rate": (here, same_rate, everyone),
            "same effective rate": (here, same_effective, everyone),
            BEST: (chosen, plain_grid.best(choose), judge),
        }
        for what, (a, b, seeds) in pairs.items():
            found[name, rule, what] = compare_epochs(
                grid.epochs[a, seeds],
                grid.solved[a, seeds],
                plain_grid.epochs[b, seeds],
                plain_grid.solved[b, seeds],
                EPOCHS,
                arm=rule,
                against="sgd",
                kind=f"epochs to solve, {what}",
            )
    return found


def answer(found: dict[str, Any]) -> str:
    best = {name.replace(", ", " "): t["comparisons"]["heavy-ball"][BEST] for name, t in found["networks"].items()}
    border = found["diverging"]["rules"]["heavy-ball"]["shift"]["0.5"]
    return (
        f"Each at its best rates, heavy ball takes, against none, {outcome(best)}; and a network that can diverge does so, at "
        f"momentum 0.5, from {number({'value': border['effect'], **border}, 2)} times the rate on that it can stand without."
    )


def details(found: dict[str, Any]) -> str:
    at = found["quadratic"]["conditions"].index(SHOWN)
    exactly = ", ".join(
        f"{rule} {of['measured'][at]:.4f} ({of['exact'][at]:.4f})" for rule, of in found["quadratic"]["best"].items()
    )
    sentences = [
        f"On a quadratic of condition κ = {SHOWN:g} the best rates a step are, measured and (exact): {exactly}. So the previous "
        "gradient at most doubles the speed of plain descent, and a velocity turns κ into √κ."
    ]
    tasks = {name: task["comparisons"] for name, task in found["networks"].items()}
    for what in ("same learning rate", "same effective rate", BEST):
        parts = [f"{name} {difference(of['heavy-ball'][what])}" for name, of in tasks.items()]
        sentences.append(f"Heavy ball minus none in epochs, {what}{MEANING[what]}: {'; '.join(parts)}.")
    everything = [c for of in tasks.values() for rule in of.values() for c in rule.values()]
    faster = {
        name: [rule for rule, by in of.items() if holds(by[BEST]) and by[BEST]["effect"] < 0]
        for name, of in tasks.items()
    }
    named = "; ".join(f"{name} ({', '.join(rules)})" for name, rules in faster.items() if rules)
    sentences.append(
        f"Of {len(everything)} comparisons with all rules {sum(map(holds, everything))} stand after Holm's correction; {BEST}, "
        f"momentum is the faster in: {named or 'none'}."
    )
    shifts = [
        f"{rule} {number({'value': of['shift']['0.5']['effect'], **of['shift']['0.5']}, 2)} (quadratic: {of['expected']['0.5']:.2f})"
        for rule, of in found["diverging"]["rules"].items()
    ]
    sentences.append(
        f"XOR with a linear output diverges, at momentum 0.5, from this multiple of plain descent's rate on: {', '.join(shifts)}."
    )
    return " ".join(sentences) + f" {INTERVALS}"


EXPERIMENT = Experiment("momentum", QUESTION, compute, answer, details, plot)

if __name__ == "__main__":
    EXPERIMENT.main()

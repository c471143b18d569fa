"""When does momentum help, and when does it diverge: the previous gradient, heavy ball, Nesterov?

First on a quadratic, where the answer is exact: ``_quadratic`` has the rates and runs the rules of ``manual`` beside them.

Then on networks. What a constant gradient moves a weight by, N+M for the article's rule and η/(1-μ) for the other two, is the
effective learning rate; most of what momentum seems to gain it gains by raising that. So a rule with momentum stands here beside
plain descent three times: at the same learning rate, at the same effective one, and each at its own best point of the grid. The best
point is chosen twice, on two groups of seeds, and either choice is judged on other seeds: one group's luck is half of the answer.

Networks whose outputs are bounded do not diverge, they get stuck. So divergence is measured on XOR with a linear output, in batch:
for each seed the learning rate at which it leaves the finite numbers, over that without momentum.

    python -m experiments.momentum            five minutes; writes experiments/results/momentum.*
    python -m experiments.momentum --quick    seconds, fewer seeds, writes nowhere unless --out says so
"""

from typing import Any

import numpy as np

from bpnn_jax import Network, load_patterns
from bpnn_jax.statistics import compare
from experiments import _quadratic
from experiments._common import Experiment, Options
from experiments._grid import Grid, train_grid
from experiments._momentum_figure import plot
from experiments._report import INTERVALS, difference, holds, number, outcome
from experiments._runs import Family, Runs, epochs_apart, every, mean_epochs, plain

QUESTION = "When does momentum help, and when does it diverge: the previous gradient, heavy ball, Nesterov?"
HELD_FIXED = (
    "Held fixed: XOR with tanh and the 8-3-8 encoder with sigmoid, targets 0 and 1, all bias nodes, initial weights "
    "from ±0.2 and ±2, "
    "no shuffling, summed gradient, learnt = every output within 0.4 by 3000 epochs; for the border XOR with a linear "
    "output in batch, "
    "500 epochs. Freed: the rule, the learning rate, the momentum, online or batch, the seeds that choose the rates."
)
RULES = ("previous-gradient", "heavy-ball", "nesterov")
TASKS = ("xor, tanh, online", "xor, tanh, batch", "encoder-8, sigmoid, online", "encoder-8, sigmoid, batch")
EFFECTIVE = tuple(2.0 ** (k / 2) for k in range(-8, 9))
SHARES = (0.5, 0.75, 0.875)  # μ, or M/(N+M): the share of the effective rate that comes from earlier gradients
AT, SHARE = 0.5, 0.75  # the point that is compared at equal rates: learning rate 0.125
BEST = "each at its best"
MEANING = {"same learning rate": " (0.125, μ = 0.75)", "same effective rate": " (0.5)", BEST: ""}
GROUP, SEEDS, EPOCHS = 128, 1000, 3000  # seeds of each of two groups that choose; other seeds that are judged
DIVERGING_STEPS = 8  # rates in a factor of two
DIVERGING_RATES = tuple(2.0 ** (k / DIVERGING_STEPS) for k in range(-28, 13))
DIVERGING_MOMENTA, DIVERGING_EPOCHS = (0.0, 0.5, 0.75, 0.875), 500
CONDITIONS, SHOWN = (2.0, 10.0, 100.0, 1000.0), 100.0


def measure(options: Options) -> tuple[Runs, dict[str, Any]]:
    quick = options.quick
    tasks, effective, shares = (TASKS[1:2], (0.125, AT), (SHARE,)) if quick else (TASKS, EFFECTIVE, SHARES)
    group, seeds, rules = (24, 48, RULES[1:2]) if quick else (GROUP, SEEDS, RULES)
    parts = [
        part
        for name in tasks
        for rule in ("sgd", *rules)
        for part in _on_network(name, rule, effective, shares, group, seeds)
    ]
    parts += [diverging(rule, 16 if quick else SEEDS) for rule in rules]
    other = {"quadratic": quadratic(21, 10_000) if quick else quadratic(61, 100_000)}
    return Runs.joined(parts), other


def _on_network(
    name: str, rule: str, effective: tuple[float, ...], shares: tuple[float, ...], group: int, seeds: int
) -> list[Runs]:
    """The runs of the figure's curve, of the points at equal rates, and of the best points, half of the seeds at each choice."""
    points = [(e, s) for s in (shares if rule != "sgd" else (0.0,)) for e in effective]
    grid = _train(name, rule, points, range(seeds, seeds + 2 * group))
    found = [_table(grid, points, part="choose", name=name, rule=rule)]
    shown = SHARE if rule != "sgd" else 0.0
    found[0] = found[0].rows(found[0]["share"] == shown)  # the curve that is drawn; the rest of the grid only chooses
    equal = [(AT, shown)] if rule != "sgd" else [(AT, 0.0), (AT * (1 - SHARE), 0.0)]
    found.append(_table(_train(name, rule, equal, range(seeds)), equal, part="equal", name=name, rule=rule))
    for k in (0, 1):
        half = slice(k * group, (k + 1) * group)
        best = [points[int(grid.epochs[:, half].mean(axis=1).argmin())]]
        judged = _train(name, rule, best, range(k * seeds // 2, (k + 1) * seeds // 2))
        found.append(_table(judged, best, part="best", name=name, rule=rule))
    return found


def _table(grid: Grid, points: list[tuple[float, float]], **settings: str) -> Runs:
    effective, share = (np.array(of) for of in zip(*points, strict=True))
    return grid.table(**settings, effective=effective, share=share)


def _train(name: str, rule: str, points: list[tuple[float, float]], seeds: range) -> Grid:
    task, activation, mode = name.split(", ")
    patterns = load_patterns(task)
    network = Network((patterns.x.shape[1], *patterns.hidden, patterns.t.shape[1]), activation)
    pairs = [(e * (1 - s), e * s if rule == "previous-gradient" else s) for e, s in points]
    return train_grid(f"{name}, {rule}", network, patterns, pairs, seeds, EPOCHS, rule=rule, mode=mode)


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


def diverging(rule: str, seeds: int) -> Runs:
    """A row per momentum and seed: ``border``, log2 of the learning rate from which on the run diverges, but for a constant."""
    xor, momenta = load_patterns("xor"), DIVERGING_MOMENTA
    network = Network((2, 2, 1), ("tanh", "linear"))
    pairs = [(r, r * m if rule == "previous-gradient" else m) for m in momenta for r in DIVERGING_RATES]
    grid = train_grid(rule, network, xor, pairs, range(seeds), DIVERGING_EPOCHS, None, rule=rule, mode="batch")
    diverged = grid.diverged.reshape(len(momenta), len(DIVERGING_RATES), seeds)
    borders = -diverged.sum(axis=1) / DIVERGING_STEPS
    return Runs.joined(
        Runs.of(
            part="diverging",
            name="xor, tanh then linear, batch",
            rule=rule,
            share=m,
            border=border,
            seed=np.arange(seeds),
            epochs=DIVERGING_EPOCHS,
            outcome="",
        )
        for m, border in zip(momenta, borders, strict=True)
    )


def summarise(runs: Runs, other: dict[str, Any]) -> dict[str, Any]:
    family, networks = Family(), {}
    for name in runs.where(part="best").values("name"):
        here = runs.where(name=name)
        rules = here.values("rule")
        networks[name] = {"curves": {}, "best": {}}
        for rule in rules:
            curve, best = (here.where(part=part, rule=rule) for part in ("choose", "best"))
            effective = sorted(curve.values("effective"))
            networks[name]["curves"][rule] = [mean_epochs(curve.where(effective=e), EPOCHS) for e in effective]
            chosen = list(dict.fromkeys(zip(best["effective"].tolist(), best["share"].tolist(), strict=True)))
            networks[name]["best"][rule] = {"chosen": chosen, "mean": mean_epochs(best, EPOCHS)}
            if rule != "sgd":
                plain_best, equal = here.where(part="best", rule="sgd"), here.where(part="equal", rule="sgd")
                with_it = here.where(part="equal", rule=rule)
                pairs = {
                    "same learning rate": (with_it, equal.where(effective=AT * (1 - SHARE))),
                    "same effective rate": (with_it, equal.where(effective=AT)),
                    BEST: (best, plain_best),
                }
                for what, pair in pairs.items():
                    family.add(epochs_apart(*pair, EPOCHS), name, rule, what)
    return {
        "seeds": len(runs.where(part="best").values("seed")),
        "effective": sorted(runs.where(part="choose").values("effective")),
        "networks": networks,
        "comparisons": family.corrected(),
        "diverging": _borders(runs.where(part="diverging")),
        "quadratic": {key: other["quadratic"][key] for key in ("best", "conditions", "off")},
    }


def _borders(runs: Runs) -> dict[str, Any]:
    """For each rule and momentum, at how many times the learning rate without momentum a run diverges: a mean over seeds, of logs."""
    found: dict[str, Any] = {}
    for rule in runs.values("rule"):
        border = {share: runs.where(rule=rule, share=share)["border"] for share in runs.values("share")}
        apart = {share: plain(compare(of, border[0.0])) for share, of in border.items() if share}
        found[rule] = {
            "shift": {str(m): {key: 2 ** of[key] for key in ("effect", "low", "high")} for m, of in apart.items()},
            "expected": {str(m): float(_quadratic.border(rule, m) / 2) for m in apart},
        }
    return found


def answer(found: dict[str, Any]) -> str:
    best = {name.replace(", ", " "): of["heavy-ball"][BEST] for name, of in found["comparisons"].items()}
    border = found["diverging"]["heavy-ball"]["shift"]["0.5"]
    return (
        "It depends on online or batch, and on the rates: at the same learning rate momentum raises the effective one. "
        "Each at its best rates, heavy ball "
        f"takes, against none, {outcome(best)}. A network that can diverge does so, at momentum 0.5, from "
        f"{number({'value': border['effect'], **border}, 2)} times the rate on that it can stand without."
    )


def details(found: dict[str, Any]) -> str:
    at = found["quadratic"]["conditions"].index(SHOWN)
    exactly = ", ".join(
        f"{rule} {of['measured'][at]:.4f} ({of['exact'][at]:.4f})" for rule, of in found["quadratic"]["best"].items()
    )
    lines = [
        f"On a quadratic of condition κ = {SHOWN:g} the best rates per step are, measured and (exact): {exactly}. So the previous "
        "gradient at most doubles the speed of plain descent, and a velocity turns κ into √κ."
    ]
    c = found["comparisons"]
    for what in ("same learning rate", "same effective rate", BEST):
        parts = [f"{name} {difference(of['heavy-ball'][what])}" for name, of in c.items()]
        lines.append(f"Heavy ball minus none in epochs, {what}{MEANING[what]}: {'; '.join(parts)}.")
    faster = {
        name: [rule for rule, by in of.items() if holds(by[BEST]) and by[BEST]["effect"] < 0] for name, of in c.items()
    }
    named = "; ".join(f"{name} ({', '.join(rules)})" for name, rules in faster.items() if rules)
    slower = {
        name: [rule for rule, by in of.items() if holds(by[BEST]) and by[BEST]["effect"] > 0] for name, of in c.items()
    }
    behind = "; ".join(f"{name} ({', '.join(rules)})" for name, rules in slower.items() if rules)
    everything = every(c)
    lines.append(
        f"Of {len(everything)} comparisons with all rules {sum(map(holds, everything))} stand after Holm's correction; {BEST}, "
        f"momentum is the faster in: {named or 'none'}; the slower in: {behind or 'none'}."
    )
    parts = []
    for name, task in found["networks"].items():
        rates = {
            rule: " and ".join(f"{e * (1 - s):.3g}, {s:g}" for e, s in of["chosen"])
            for rule, of in task["best"].items()
        }
        parts.append(f"{name}: none {rates['sgd']}; heavy ball {rates['heavy-ball']}")
    lines.append(f"Chosen by the two groups (learning rate, μ): {'. '.join(parts)}.")
    shifts = [
        f"{rule} {number({'value': of['shift']['0.5']['effect'], **of['shift']['0.5']}, 2)} (quadratic: {of['expected']['0.5']:.2f})"
        for rule, of in found["diverging"].items()
    ]
    lines.append(
        f"XOR with a linear output diverges, at momentum 0.5, from this multiple of plain descent's rate on: {', '.join(shifts)}. "
        f"{INTERVALS}"
    )
    return "\n".join(lines)


EXPERIMENT = Experiment("momentum", QUESTION, HELD_FIXED, measure, summarise, answer, details, {"": plot})

if __name__ == "__main__":
    EXPERIMENT.main()

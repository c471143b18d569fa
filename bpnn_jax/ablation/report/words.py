"""A study in words, on a terminal and on a page alike: numbers, intervals and comparisons, and the sentences about it: the question,
the results, and the command that repeats it.
"""

import shlex

from bpnn_jax import settings
from bpnn_jax.ablation import looks
from bpnn_jax.ablation.results import Results
from bpnn_jax.ablation.study import TASK, Study
from bpnn_jax.settings import Run
from bpnn_jax.statistics import EPOCHS, SUCCESS, ArmSummary, Comparison, Estimate, Summary

CLEAR = 0.05  # p after Holm at which a difference is called clear
PERCENT = (SUCCESS, "test accuracy", "training accuracy")  # kinds whose differences are told in percentage points
TINY = 1e-16  # smaller p-values are not told apart


def number(value: float, sign: str = "") -> str:
    """Three digits, and all of those before the point.

    >>> number(1234.5), number(999.7), number(-0.012345), number(7, "+")
    ('1234', '1000', '-0.0123', '+7')
    """
    return format(value, f"{sign}.0f" if abs(value) >= 999.5 else f"{sign}.3g")


def interval(estimate: Estimate | None, times: float = 1, unit: str = "") -> str:
    """An estimate with its interval; ``-`` where there is none."""
    if estimate is None:
        return "-"
    value, low, high = (times * v for v in (estimate.value, estimate.low, estimate.high))
    return f"{number(value)}{unit} [{number(low)}, {number(high)}]"


def effect(comparison: Comparison, points: str = " points") -> str:
    """The difference with its interval; of success rates and accuracies in percentage points, called ``points``."""
    times, unit = (100, points) if comparison.kind in PERCENT else (1, "")
    value, low, high = (number(times * v, "+") for v in (comparison.effect, comparison.low, comparison.high))
    return f"{value}{unit} [{low}, {high}]"


def strength(comparison: Comparison) -> str:
    """The standardised difference, where there is one, and p after Holm."""
    d = "" if comparison.standardised is None else f"d {comparison.standardised:+.2f}, "
    return f"{d}p {p_value(comparison)}"


def shown(comparison: Comparison) -> str:
    """Of a difference that does not stand: that the arms are the same within the margin, or what would have been shown.

    >>> from bpnn_jax.statistics import compare_rates
    >>> import dataclasses
    >>> shown(dataclasses.replace(compare_rates([1, 0, 1], [0, 1, 1]), detectable=0.123))
    'would show 12.3'
    """
    p = comparison.p if comparison.p_holm is None else comparison.p_holm
    if p <= CLEAR:
        return ""
    if comparison.equivalence is not None and comparison.equivalence <= CLEAR:
        return f"same, p {in_digits(comparison.equivalence)}"
    if not comparison.detectable:
        return ""
    return f"would show {number((100 if comparison.kind in PERCENT else 1) * comparison.detectable)}"


def p_value(comparison: Comparison) -> str:
    """After Holm, where that has been made."""
    p = comparison.p if comparison.p_holm is None else comparison.p_holm
    return in_digits(p)


def in_digits(p: float) -> str:
    """A p-value; those below 1e-16 are not told apart."""
    return f"{p:.2g}" if p >= TINY else f"< {TINY:g}"


def title(study: Study) -> str:
    """The task, and what varies: ``xor: activation, momentum``."""
    varied = [name.replace("_", "-") for name, values in study.factors if len(values) > 1 and name != TASK]
    return f"{study.title}: {', '.join(varied)}" if varied else study.title


def question(study: Study, scored: bool = False) -> str:
    """What the study asks, and over what; ``scored`` of a score, and not of how often the task was solved.

    >>> question(Study("xor", vary={"activation": ("sigmoid", "tanh")}, seeds=9, epochs=50))
    'How often, and how fast, is xor learned with activation sigmoid or tanh? 2 arms, each from the same 9 seeds, 50 epochs at most.'
    """
    many = len(study.arms)
    varied = [
        f"{name.replace('_', '-')} {_either([settings.shown(name, value) for value in values])}"
        for name, values in study.factors
    ]
    choice = f" with {', '.join(varied)}" if varied else ""
    splits = f" in each of {study.splits} splits" if study.splits > 1 else ""
    arms = f"{many:,} arms, each from the same" if many > 1 else "One arm, from"
    return (
        f"{'How well' if scored else 'How often, and how fast,'} is {study.title} learned{choice}? "
        f"{arms} {_count(len(study.seed_list), 'seed')}{splits}, {_count(study.epochs, 'epoch')} at most."
    )


def progress(results: Results) -> str | None:
    """How far an unfinished study is, and at which look; None for one that nobody looked into before it was complete."""
    look = looks.words(results)
    if results.complete:
        return None if look is None else f"This is {look}."
    done = int((results.stopped != "").sum())
    what = (
        "Intervals and p-values come at 25, 50, 75 and 100% of the seeds" if look is None else f"What follows is {look}"
    )
    return f"Not finished: {done:,} of {results.study.runs:,} runs are there. {what}."


def finding(results: Results, summary: Summary | None) -> str:
    """The main finding, with its interval, and its effect beside its p."""
    if summary is None:
        return "No look is reached yet, or not two seeds: there is no interval, and nothing to conclude."
    base, by_name = summary.arms[0], {arm.name: arm for arm in summary.arms}
    solved = any(arm.success.value > 0 for arm in summary.arms)
    if not solved:
        none = f"No run of any arm was solved by epoch {summary.horizon:,.0f}. " if results.solving else ""
        return none + _errors(summary)
    if len(summary.arms) == 1:
        return _sentence(base, results, summary)
    order = summary.ranking()
    best = by_name[order[0]]
    if best is not base:
        told = f"Minus {'the first arm' if len(order) > 2 else 'the other'}, {base.name}"
        other = best
    else:
        other = by_name[order[1]]
        told = f"No arm did better. The next, {other.name}, minus it"
    return f"{_sentence(best, results, summary)} {told}: {_apart(summary, other.name, solved=True)}.{_doubt(summary, other.name)}"


def notes(summary: Summary | None) -> list[str]:
    """What one has to know to read the figures, and what had to be left out."""
    if summary is None:
        return []
    found = [
        f"Intervals are at {summary.arms[0].success.level:.0%}. Comparisons are paired by seed; d is the standardised difference, "
        "and p is corrected by Holm over all comparisons of this page.",
        f"Epochs to solve are restricted means: a run that was not solved counts {summary.horizon:,.0f}, and one that diverged too.",
        "A solved run stops there: its final error is that of its last epoch, so a fast arm may end with the larger error.",
    ]
    if len(summary.arms) > 2:
        found.append(
            "The best of several arms was chosen by these very runs, so its own figures flatter it; its p is corrected."
        )
    return found + list(summary.notes)


def command(study: Study) -> str:
    """The command that repeats this study.

    >>> command(Study("xor", vary={"momentum": (0, 0.9)}, base=Run(activation="tanh", hidden_bias=False), seeds=(3, 5)))
    'bpnn ablate --task xor --vary momentum=0,0.9 --activation tanh --no-hidden-bias --seeds 3,5 --epochs 1000 --out study'
    """
    parts = ["bpnn", "ablate", "--task", ",".join(study.tasks)]
    for name, values in study.vary:
        parts += ["--vary", f"{name.replace('_', '-')}={','.join(settings.shown(name, value) for value in values)}"]
    for name in settings.NAMES:
        value = getattr(study.base, name)
        given = name in study.given if study.usual else value != getattr(Run(), name)
        if given and name not in dict(study.vary):
            parts += _flag(name.replace("_", "-"), value)
    for name, values in study.tune:
        parts += ["--tune", f"{name.replace('_', '-')}={','.join(settings.shown(name, value) for value in values)}"]
    parts += ["--tune-in-step"] if study.tune_in_step else []
    parts += ["--seeds", _seeds(study), "--epochs", str(study.epochs)]
    for name in ("test", "test_share", "splits", "validation_share", "points", "chunk"):
        value = getattr(study, name)
        parts += (
            [] if value == Study.__dataclass_fields__[name].default else [f"--{name.replace('_', '-')}", str(value)]
        )
    for name, value in study.choice:
        parts += _flag(name, value)
    parts += ["--keep-weights"] if study.keep_weights else []
    return shlex.join([*parts, "--out", "study"])


def _sentence(arm: ArmSummary, results: Results, summary: Summary) -> str:
    often = f"in {interval(arm.success, 100, '%')} of {_count(arm.success.n, 'run')}"
    if len(summary.arms) > 1:
        equal = sum(other.success.value == arm.success.value for other in summary.arms)
        most = "most often" if equal == 1 else f"as often as any, and fastest of {equal} such arms"
        often = f"{most} with {arm.name}: {often}"
    long = ""
    if arm.epochs is not None:
        long = f", after {interval(arm.epochs)} epochs on average (an unsolved run counts {summary.horizon:,.0f})"
    return f"{results.study.title} was solved {often}{long}."


def _errors(summary: Summary) -> str:
    known = [arm for arm in summary.arms if arm.error is not None]
    if not known:
        return "In every arm some runs diverged, so there is no mean error to compare."
    best = min(known, key=lambda arm: arm.error.value if arm.error else 0.0)
    said = f"The lowest final error is that of {best.name}: {interval(best.error)}"
    apart = _apart(summary, best.name, solved=False)
    return f"{said}; minus the first arm: {apart}." if apart else f"{said}."


def _apart(summary: Summary, arm: str, solved: bool) -> str:
    """An arm minus the first: how often and how fast it was ``solved``, or else its error."""
    return "; ".join(
        f"{c.kind} {effect(c)} ({strength(c)})"
        for c in summary.comparisons
        if c.arm == arm and (c.kind in (SUCCESS, EPOCHS)) == solved
    )


def _doubt(summary: Summary, arm: str) -> str:
    """A warning where not one of an arm's differences would hold together with all the others."""
    found = [c.p if c.p_holm is None else c.p_holm for c in summary.comparisons if c.arm == arm]
    return "" if any(p <= CLEAR for p in found) else f" None of these is clear: after Holm no p is {CLEAR:g} or less."


def _either(choices: list[str]) -> str:
    return choices[0] if len(choices) == 1 else f"{', '.join(choices[:-1])} or {choices[-1]}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _flag(name: str, value: object) -> list[str]:
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    return [f"--{name}", *(map(str, value) if isinstance(value, tuple) else (str(value),))]


def _seeds(study: Study) -> str:
    seeds = study.seed_list
    if isinstance(study.seeds, int):
        return str(study.seeds)
    if list(seeds) == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]}:{seeds[-1] + 1}"
    return ",".join(map(str, seeds))

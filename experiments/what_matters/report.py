"""The words of ``what_matters``: the answer, three questions for a reader in a hurry, and everything else that was computed."""

from typing import Any

from experiments._report import INTERVALS, detectable, difference, holds, percent
from experiments._runs import every
from experiments.what_matters.design import TASKS
from experiments.what_matters.effects import BOOLEAN, DATA, KINDS
from experiments.what_matters.table import AT_ARTICLE, AT_BEST, AVERAGED

# The three questions that the project began with, the choices that answer them, and the words for these.
QUESTIONS = {
    "Sigmoid or tanh?": {"activation: tanh for sigmoid": "tanh for sigmoid"},
    "A bias node on the hidden layer?": {"hidden bias: on for off": "a hidden bias node"},
    "Which momentum?": {
        "momentum: previous gradient for none": "the previous gradient",
        "momentum: heavy ball for none": "heavy ball",
    },
}
CHOICES = {words: said for of in QUESTIONS.values() for words, said in of.items()}
MOST = 8  # reversals that are told


def answer(found: dict[str, Any]) -> str:
    """What the three choices are worth, as a mean over tasks: beside the article's other choices, and with these at their best."""
    kinds = [_tasks(found, kind) for kind in KINDS]
    return (
        "It depends on the task and on the other choices. Each network at its best rate, in points of networks that solve a task or "
        f"of held-out accuracy, as a mean over {kinds[0]} and then over {kinds[1]}, beside the article's other choices: "
        f"{_each(found, AT_ARTICLE)}. With the others at their best: {_each(found, AT_BEST)}."
    )


def _each(found: dict[str, Any], view: str) -> str:
    over = found["over tasks"]
    return ", ".join(f"{said} {_both(over[words], view)}" for words, said in CHOICES.items() if words in over)


def _both(of: dict[str, Any], view: str) -> str:
    return " and ".join(_points(of[kind][view]) for kind in KINDS if kind in of)


def readme(found: dict[str, Any]) -> str:
    """The sentence that the README has."""
    tanh, node, _, ball = (found["over tasks"][words] for words in CHOICES)
    before, best = ([_points(of[BOOLEAN][view]) for of in (node, tanh, ball)] for view in (AT_ARTICLE, AT_BEST))
    on_data = [of[DATA][view] for of in (node, tanh, ball) for view in (AT_ARTICLE, AT_BEST)]
    most = max(abs(of[end]) for of in on_data for end in ("low", "high"))
    kinds = max(of["cells"] for of in found["tasks"].values())
    return (
        f"Of {kinds} kinds of network, each at its best learning rate, on {_tasks(found, BOOLEAN)} the article's gains {before[0]} "
        f"points of solved runs from a hidden bias node, {before[1]} from tanh and {before[2]} from heavy ball; with all other "
        f"choices at their best, the three are worth {best[0]}, {best[1]} and {best[2]}. On {_tasks(found, DATA)} the "
        f"intervals of all six are within {100 * most:.1f} points of 0."
    )


def screen(found: dict[str, Any]) -> str:
    """Three questions and their answers, a row per choice, and the tasks that it matters on."""
    over = found["over tasks"]
    lines = [
        "| question | on | beside the article's others | with the others at their best | stands there on |",
        "|---|---|--:|--:|---|",
    ]
    for question, choices in QUESTIONS.items():
        for words in choices:
            for kind, of in over.get(words, {}).items():
                lines.append(
                    f"| {question} {words.partition(': ')[2].capitalize()} | {_tasks(found, kind)} | {_points(of[AT_ARTICLE])} | "
                    f"{_points(of[AT_BEST])} | {_where(found, words, kind)} |"
                )
    return "\n".join(lines)


def _where(found: dict[str, Any], words: str, kind: str) -> str:
    """The tasks of a kind on which a choice's effect stands with the others at their best, and which way."""
    better, worse = [], []
    for task, of in found["worth"].items():
        if found["kinds"][task] == kind and words in of and holds(of[words][AT_BEST]):
            (better if of[words][AT_BEST]["effect"] > 0 else worse).append(task)
    parts = [f"better: {', '.join(better)}" if better else "", f"worse: {', '.join(worse)}" if worse else ""]
    return "; ".join(part for part in parts if part) or "none"


def details(found: dict[str, Any]) -> str:
    lines = [
        *(_variance(task, of) for task, of in found["tasks"].items()),
        *(_best(task, of) for task, of in found["tasks"].items()),
        *(_worth(found, words) for words in found["over tasks"]),
        *(_epochs(task, of) for task, of in found["epochs"].items()),
        _reversals(found),
        *(_order(task, of) for task, of in found["order"].items()),
        _ends(found),
        _certificates(found),
        _missing(found),
        f"Processor time in seconds: {', '.join(f'{task} {s}' for task, s in found['seconds'].items())}.",
        f"(†: does not stand after Holm's correction over {len(every(found['worth']))} comparisons.) {INTERVALS}",
    ]
    return "\n".join(line for line in lines if line)


def _points(comparison: dict[str, Any]) -> str:
    return difference(comparison, 1, 100)


def _marked(comparison: dict[str, Any]) -> str:
    return f"{_points(comparison)}{'' if holds(comparison) else '†'}"


def _tasks(found: dict[str, Any], kind: str) -> str:
    number = sum(one == kind for one in found["kinds"].values())
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return f"{words[number]} {kind if number != 1 else kind.replace('tasks', 'task').replace('sets', 'set')}"


def _variance(task: str, of: dict[str, Any]) -> str:
    """Shares of the variance among the kinds of network."""
    factors = sorted(of["factors"].items(), key=lambda item: -item[1]["total"]["value"])
    parts = [f"{f} {percent(s['total'], 0)}, alone {percent(s['alone'], 0)}" for f, s in factors]
    scatter = f"{100 * of['scatter']:.1f}"
    return (
        f"{task}: the {of['cells']} kinds of network scatter by {scatter} points. Shares of it, with all interactions and alone: "
        f"{'; '.join(parts)}."
    )


def _best(task: str, of: dict[str, Any]) -> str:
    return (
        f"{task}: the best kind is {', '.join(of['best']['cell'])}: {percent(of['best'])}; of the {of['cells'] - 1} others "
        f"{of['as good']} do not stand apart from it. The article's has {percent(of['article'])}, the worst "
        f"{100 * of['worst']['value']:.1f}% ({', '.join(of['worst']['cell'])})."
    )


def _worth(found: dict[str, Any], words: str) -> str:
    """A choice on all tasks: beside the article's others, with the others at their best, and averaged."""
    parts = []
    for task, of in found["worth"].items():
        if words in of:
            article, best, averaged = (of[words][view] for view in (AT_ARTICLE, AT_BEST, AVERAGED))
            seen = "" if holds(best) else f" ({100 * detectable(best):.1f} would have been seen)"
            parts.append(f"{task} {_marked(article)}, {_marked(best)}{seen}, {_marked(averaged)}")
    return f"{words}, in points, beside the article's, with the others at their best, averaged over them: {'; '.join(parts)}."


def _epochs(task: str, of: dict[str, Any]) -> str:
    return f"{task}, with the others at their best, in epochs: {'; '.join(f'{words} {difference(c)}' for words, c in of.items())}."


def _reversals(found: dict[str, Any]) -> str:
    """Where a choice helps under one partner and harms under another."""
    every_one = found["reversals"]
    parts = [
        f"{r['task']}, {r['choice']}: {' and '.join(_points(r[w]) + ' under ' + r[w]['under'] for w in ('helps', 'harms'))}"
        for r in every_one[:MOST]
    ]
    if not parts:
        return "No choice helps under one level of another factor and harms under another one, both after Holm's correction."
    return (
        f"In {len(every_one)} cases a choice helps under one level of another factor and harms under another, averaged over the "
        f"rest, both after Holm's correction; the clearest, in points: {'; '.join(parts)}."
    )


def _order(task: str, of: dict[str, Any]) -> str:
    """The order of the update, a view of its own."""
    views = {"beside the article's": AT_ARTICLE, "with the others at their best": AT_BEST, "averaged": AVERAGED}
    told = ", ".join(f"{words} {_points(of['worth'][view])}" for words, view in views.items())
    under = [
        f"{level} {_points(c)}"
        for partner, levels in of.items()
        if partner not in ("share", "worth")
        for level, c in levels.items()
    ]
    return (
        f"{task}, the article's order in place of the gradient's, in points: {told}; {percent(of['share']['total'], 0)} of the "
        f"variance; under {', '.join(under)}."
    )


def _ends(found: dict[str, Any]) -> str:
    """Where other rates might have done better."""
    parts = [f"{task} {100 * of['lowest']:.0f}% and {100 * of['highest']:.0f}%" for task, of in found["ends"].items()]
    return f"Of the runs so many had the lowest and the highest rate that was tried: {', '.join(parts)}."


def _missing(found: dict[str, Any]) -> str:
    """Tasks of the design that nobody has trained yet."""
    missing = [task for task in TASKS if task not in found["tasks"]]
    return f"Not among them: {', '.join(missing)}." if missing else ""


def _certificates(found: dict[str, Any]) -> str:
    counts: dict[str, int] = {}
    for of in found["certificates"].values():
        for verdict, n in of.items():
            counts[verdict] = counts.get(verdict, 0) + n
    return f"Certificates of the arms: {', '.join(f'{n} {verdict}' for verdict, n in counts.items())}."

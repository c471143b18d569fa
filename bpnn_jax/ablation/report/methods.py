"""The paragraph of a paper's methods that a study is described by."""

from collections.abc import Mapping

from bpnn_jax import settings
from bpnn_jax.ablation import findings, looks, outcomes, told, tuning
from bpnn_jax.ablation.findings import Findings
from bpnn_jax.ablation.report import tables, words
from bpnn_jax.ablation.results import Results
from bpnn_jax.statistics import Summary

SHARED = (
    "activation",
    "output_activation",
    "objective",
    "hidden",
    "rule",
    "learning_rate",
    "momentum",
    "mode",
    "batch_size",
)


def paragraph(results: Results, summary: Summary | None, came: Findings | None, place: Mapping[str, str]) -> str:
    """Task, splits, seeds, tuning, tests, versions, hash and command, in sentences.

    place: versions and device, as in ``study.json``.
    """
    said = [_task(results), _arms(results), _trained(results), _outcome(results, came)]
    said += [_tuned(results), _tests(results, summary, came), _looked(results), _engines(results)]
    said += [_versions(place), _repeated(results)]
    return " ".join(one for one in said if one)


def _task(results: Results) -> str:
    study, kinds = results.study, list(dict.fromkeys(results.kinds))
    task = f"Networks were trained on {study.title} ({', '.join(kinds)})."
    trained, tested = results.held_out
    if not tested:
        return (
            f"{task} No patterns were held out."
            if len(study.tasks) > 1
            else f"{task} All {trained:,} patterns were trained on."
        )
    parts = f"{trained:,} patterns were trained on and {tested:,} were tested on"
    if len(study.tasks) > 1:
        parts += f" (of {study.tasks[0]})"
    if not study.test_share:
        return f"{task} {parts[:1].upper()}{parts[1:]}{f', from the file {study.test}' if study.test else ', as the set has them'}."
    splits = f"{study.splits} random splits" if study.splits > 1 else "one random split"
    return f"{task} A share of {study.test_share:g} of the patterns was held out for testing in {splits}: {parts}."


def _arms(results: Results) -> str:
    factors = [
        f"{name.replace('_', '-')} ({', '.join(settings.shown(name, value) for value in values)})"
        for name, values in results.study.factors
        if len(values) > 1
    ]
    if not factors:
        return "There was one arm."
    named, crossed = ("factors", "were crossed in full") if len(factors) > 1 else ("factor", "varied")
    return f"The {named} {_listed(factors)} {crossed}: {len(results.arms)} arms."


def _trained(results: Results) -> str:
    study = results.study
    of = " Boolean" if len(set(results.kinds)) > 1 else ""
    stop = (
        f", or until every output of every{of} pattern was within the tolerance of its target"
        if results.solving
        else ""
    )
    count = len(study.seed_list)
    seeds = f"Every arm was trained from the same {count:,} seed{'s' if count > 1 else ''}"
    seeds += f" in each split ({len(results.seeds):,} runs per arm)" if study.splits > 1 else ""
    apart = {name for name, _ in (*study.vary, *study.tune)}
    runs = [arm.run for arm in study.arms]
    same = {n: getattr(runs[0], n) for n in SHARED if n not in apart and len({getattr(run, n) for run in runs}) == 1}
    values = [
        f"{n.replace('_', '-')} {settings.shown(n, value)}" for n, value in same.items() if value not in (None, ())
    ]
    fixed = (
        f" Common to all arms: {', '.join(values)}; all else is as the command says, or the default." if values else ""
    )
    return f"{seeds}, for {study.epochs:,} epochs{stop}.{fixed}"


def _outcome(results: Results, came: Findings | None) -> str:
    if came is None:
        return ""
    if came.apart:
        own = _listed([outcomes.words(name) for name in tables.own(came)])
        return f"The outcomes were {own}, for each task its own, and tasks were not compared."
    names = _listed([outcomes.words(name) for name in came.lead or (outcomes.ERROR,)])
    counted = (
        f" (in epochs to solve, an unsolved run counts {results.study.epochs:,})"
        if outcomes.EPOCHS in came.lead
        else ""
    )
    return f"The outcome was {names}{counted}."


def _tuned(results: Results) -> str:
    study = results.study
    if not study.tune:
        return ""
    grids = _listed(
        [f"{n.replace('_', '-')} over {', '.join(settings.shown(n, v) for v in values)}" for n, values in study.tune]
    )
    step = ", all in step" if study.tune_in_step else ""
    if tuning.halves(results) is None:
        how = f"by the score on a validation part of {study.validation_share:g} of the training patterns, in each split"
    else:
        how = "by cross-fitting: each half of the seeds chose for the other"
    return f"Each arm was tuned ({grids}{step}) {how}; intervals are conditional on the chosen values."


def _tests(results: Results, summary: Summary | None, came: Findings | None) -> str:
    if summary is None or came is None:
        return "The study has no intervals yet."
    told, level = findings.told(summary, came), f"{100 * looks.level(results):.6g}%"
    found = []
    kinds = {c.kind: c.method for c in told}
    if kinds:
        tests = _listed([f"{kind} by {method}" for kind, method in kinds.items()])
        found.append(f"Arms were compared with {told[0].against}, paired by seed: {tests}.")
    if came.effects:
        over = "the splits' means" if results.study.splits > 1 else "seeds"
        found.append(
            f"Main effects and interactions are contrasts of arm means over all other factors, tested by Student's t over {over}."
        )
    if kinds or came.effects:
        found.append(
            f"Intervals are at {level}; p-values are two-sided and corrected by Holm's method within each family."
        )
    if sum(s.outcome == came.lead[0] for s in came.variance if came.lead) > 1:
        found.append("Shares of the variance among arm means are corrected for bias.")
    if came.new_data is not None:
        found.append(
            "Intervals are over splits of this data set; those for new data use Nadeau and Bengio's correction."
        )
    return " ".join(found)


def _looked(results: Results) -> str:
    said = looks.words(results)
    return "" if said is None else f"The study was looked into: {said}."


def _engines(results: Results) -> str:
    said = told.engines(results)
    return "" if said is None else f"The networks were {said}."


def _versions(place: Mapping[str, str]) -> str:
    names = {"bpnn_jax": "bpnn-jax", "jax": "JAX", "jaxlib": "jaxlib", "numpy": "NumPy", "python": "Python"}
    versions = [f"{said} {place[name]}" for name, said in names.items() if place.get(name)]
    others = [f"{name} {value}" for name, value in place.items() if name not in (*names, "kernel") and value]
    return f"Software: {', '.join([*versions, *others])}."


def _repeated(results: Results) -> str:
    sha = results.sha256
    if sha is None:
        sofar = f"{results.runs_done:,} of {results.study.runs:,} runs"
        return f"The study is not finished ({sofar}). Its command: {words.command(results.study)}"
    return f"The SHA-256 of the results is {sha}. The same versions give it again by: {words.command(results.study)}"


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"

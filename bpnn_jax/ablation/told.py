"""A study as JSON-serialisable data: what ``--json`` and ``summary.json`` hold."""

from dataclasses import asdict
from typing import Any

from bpnn_jax.ablation import looks, outcomes, tuning
from bpnn_jax.ablation.findings import Findings
from bpnn_jax.ablation.results import Results
from bpnn_jax.statistics import Estimate, Summary
from bpnn_jax.training._engines import KERNELS


def as_dict(results: Results, summary: Summary | None, findings: Findings | None) -> dict[str, Any]:
    """Everything but the single runs."""
    arms, so_far = zip(results.study.arms, results.arms, strict=True), outcomes.estimates(results)
    return {
        "study": results.study.as_dict(),
        "complete": results.complete,
        "chunks": results.chunks,
        "chunks_done": results.chunks_done,
        "runs": results.study.runs,
        "runs_done": results.runs_done,
        "look": _look(results),
        "looked": results.looked,
        "seeds_done": int(results.whole_seeds.sum()),
        "results_sha256": results.sha256,
        "engines": dict(results.engines),
        "seconds": float((results.trials or results).seconds[(results.trials or results).stopped != ""].sum()),
        "kinds": list(results.kinds),
        "lead": list(findings.lead) if findings else [],
        "arms": [
            {
                "name": name,
                "settings": {field.replace("_", "-"): _plain(value) for field, value in arm.levels},
                "outcomes": _outcomes(findings.outcomes[k]) if findings else {},
                "estimates": so_far[k],
                "settings_of_the_run": {n.replace("_", "-"): _plain(v) for n, v in asdict(arm.run).items()},
                "new_data": _interval(findings.new_data[k]) if findings and findings.new_data else None,
                "runs": int((results.stopped[:, k] != "").sum()),
                "solved": int(results.solved[:, k].sum()),
                "diverged": int(results.diverged[:, k].sum()),
                "certificate": asdict(results.certificates[name]) if name in results.certificates else None,
            }
            for k, (arm, name) in enumerate(arms)
        ],
        "comparisons": [asdict(c) for c in findings.comparisons] if findings else [],
        "effects": [_effect(asdict(e)) for e in findings.effects] if findings else [],
        "variance": [{**asdict(s), "factors": list(s.factors)} for s in findings.variance] if findings else [],
        "everything": findings.everything if findings else {},
        "tuned": tuning.described(results),
        "notes": list(findings.notes) if findings else [],
        "summary": summary.as_dict() if summary else None,
    }


def engines(results: Results) -> str | None:
    """What trained the runs, where the GPU kernel is among it."""
    if not set(results.engines) & set(KERNELS.values()):
        return None
    return "trained by " + ", ".join(f"{name} ({runs:,} runs)" for name, runs in results.engines.items())


def _look(results: Results) -> dict[str, Any] | None:
    """At which look the intervals and p-values are; None for the only one, at the end, and before the first."""
    found = results.look
    return (
        None if found is None else {**found._asdict(), "rows": int(results.counted.sum()), "said": looks.words(results)}
    )


def _effect(given: dict[str, Any]) -> dict[str, Any]:
    """A main effect's levels are the two that it compares; an interaction has such a pair for each of its factors."""
    levels = [list(pair) for pair in given["levels"]]
    return {**given, "factors": list(given["factors"]), "levels": levels[0] if len(levels) == 1 else levels}


def _outcomes(found: dict[str, Estimate]) -> dict[str, Any]:
    return {name: _interval(one) for name, one in found.items()}


def _interval(one: Estimate | None) -> dict[str, Any] | None:
    return None if one is None else {"estimate": one.value, "low": one.low, "high": one.high, "runs": one.n}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value

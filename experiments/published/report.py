"""Everything that was published, trained and judged; and what came out, in sentences. JSON knows all of it."""

from dataclasses import asdict
from typing import Any

import numpy as np

from experiments._report import p_words, percent
from experiments.published import chauvin, symmetry, xor_minima
from experiments.published.originals import original
from experiments.published.readings import READINGS
from experiments.published.rows import REPRODUCED, Progress, Row, deciding, judge
from experiments.published.runs import carry_out

SEEDS = 512
SPIRAL_SEEDS = 32  # a run is 30000 epochs of 194 patterns, four seconds of a core


def everything(
    seeds: int = SEEDS,
    spiral_seeds: int = SPIRAL_SEEDS,
    progress: Progress = lambda done, total, note: None,
    keys: tuple[str, ...] = tuple(READINGS),
    most: int | None = None,
    hidden: tuple[int, ...] = chauvin.HIDDEN,
) -> dict[str, Any]:
    """Train and judge. most: of each original's readings; keys: of ``ORIGINALS``; hidden: Chauvin's. Fewer are for a quick look."""
    total = sum(len(READINGS[key][:most]) for key in keys) + len(list(chauvin.READINGS)[:most])
    total += len(list(xor_minima.READINGS)[:most])
    done = 0

    def step(what: str) -> None:
        nonlocal done
        progress(done, total, what)
        done += 1

    found: dict[str, Any] = {"seeds": seeds, "spiral_seeds": spiral_seeds, "originals": []}
    for key in keys:
        o, readings = original(key), READINGS[key][:most]
        outcomes = []
        for reading in readings:
            step(f"{o.title}: {reading.words}")
            outcomes.append(carry_out(reading.setup, np.arange(spiral_seeds if key == "spirals" else seeds)))
        rows = judge(o, readings, outcomes)
        entry = {
            "key": key,
            "title": o.title,
            "source": o.source,
            "stated": o.stated,
            "not_stated": o.not_stated,
            "limit": readings[0].setup.epochs,
            "rows": [r.as_dict() for r in rows],
            "sentence": sentence(key, rows, readings[0].setup.epochs),
        }
        found["originals"].append(entry)
        if key == "symmetry":
            found["mirror"] = symmetry.learned(outcomes[0])
    found["chauvin"] = chauvin.lines(
        seeds, lambda k, n, words: step(f"XOR, 2 to 32 hidden nodes: {words}"), hidden, most
    )
    found["terrain"] = xor_minima.ends(seeds, lambda k, n, words: step(f"XOR 2-2-1, where it ends: {words}"), most)
    return found


def sentence(key: str, rows: list[Row], limit: int) -> str:
    """What one original came to."""
    o, base = original(key), rows[0]
    covers = [r.words for r in rows if r.verdict == REPRODUCED]
    said = f"{o.title}: published {o.number:g}, {base.verdict} ({base.words}). "
    if base.low is None:
        said += "Too few runs were solved for an interval. "
    else:
        what = "95% of our solved runs take" if o.runs == 1 else f"95% of means of {o.runs} of our runs are"
        said += f"{what} {base.low:.0f} to {base.high:.0f}; "
    said += f"solved by epoch {limit}: {percent(asdict(base.success))}"
    if base.epochs is not None:
        said += f", restricted mean {base.epochs.value:.0f} [{base.epochs.low:.0f}, {base.epochs.high:.0f}]"
    said += f". {len(covers)} of {len(rows)} readings cover it"
    others = [r.words for r in rows[1:] if r.verdict != REPRODUCED]
    if others:
        said += f" (not: {', '.join(others)})"
    most = deciding(rows)
    e = most and most.effect
    if most and e and e.p_holm is not None:
        said += f"; most depends on: {most.words} ({e.effect:+.0f} [{e.low:+.0f}, {e.high:+.0f}] epochs, {p_words(e.p_holm)})"
    return said + "."


def sentences(found: dict[str, Any]) -> list[str]:
    """All of it."""
    said = [entry["sentence"] for entry in found["originals"]]
    if "mirror" in found:
        said.append(_mirror(found["mirror"]))
    return [*said, _chauvin(found["chauvin"]), _terrain(found["terrain"])]


def _mirror(m: dict[str, Any]) -> str:
    two, four = m["ratios"][1:]
    anti, both = m["antisymmetric"], m["doubling"]
    return (
        f"Symmetry's weights (Nature's 1:2:4 and their negatives on the other side): 1 : {two['value']:.2f} "
        f"[{two['low']:.2f}, {two['high']:.2f}] : {four['value']:.2f} [{four['low']:.2f}, {four['high']:.2f}] in our solved runs; the "
        f"other side is the negative in {percent(anti)}, each step about a doubling in "
        f"{percent(both)}."
    )


def _chauvin(c: dict[str, Any]) -> str:
    base = c["readings"][0]
    slope, bend, relative = base["slope"], base["bend"], base["relative"]
    linear = "no bend is seen" if bend["low"] <= 0 <= bend["high"] else "it bends"
    covers = sum(r["verdict"] == REPRODUCED for r in c["readings"])
    near = min(c["readings"], key=lambda r: abs(r["slope"]["value"] - chauvin.SLOPE))
    return (
        f"Chauvin's line, published 280 - 33 log2 H, {base['verdict']}: ours falls by {-slope['value']:.0f} "
        f"[{-slope['high']:.0f}, {-slope['low']:.0f}] sweeps a doubling, {-100 * relative['value']:.0f}% of its mean; {linear} "
        f"({bend['value']:+.1f} [{bend['low']:+.1f}, {bend['high']:+.1f}] sweeps a squared doubling). {covers} of "
        f"{len(c['readings'])} readings cover -33; nearest is {near['words']} ({near['slope']['value']:.0f} "
        f"[{near['slope']['low']:.0f}, {near['slope']['high']:.0f}])."
    )


def _terrain(ends: list[dict[str, Any]]) -> str:
    base = ends[0]
    soon, bad = base["bad_soon"], base["bad"]
    first, later = xor_minima.BASE.epochs, xor_minima.BASE.epochs * xor_minima.LONGER
    said = (
        f"XOR 2-2-1 has no strict local minimum, yet from U(±1) {percent(soon)} of runs are "
        f"unsolved after {first} epochs and {percent(bad)} after {later}"
    )
    if base["gradient"]:
        flat, weight = np.median(base["gradient"]), np.median(base["weight"])
        down = float(np.mean(np.array(base["smallest"]) < 0))
        said += (
            f"; there the gradient is not 0 (median norm {flat:.1e}), the largest weight has grown to {weight:.0f} (median), and "
            f"the Hessian has a negative eigenvalue in {down:.0%} of them"
        )
    theirs = next((e for e in ends if e["words"] == xor_minima.LIKE_PDP), None)
    if theirs is not None:
        ours = percent(theirs["bad"])
        said += f". Two in hundreds, says the PDP chapter; from {xor_minima.LIKE_PDP} ours are {ours}"
    return said + "."

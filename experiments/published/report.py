"""Everything that was published, trained and judged; and what came out, in sentences and as the page's table."""

from typing import Any

import numpy as np

from experiments._report import difference, number, p_words, percent
from experiments._runs import Family, Runs, epochs_apart
from experiments.published import chauvin, symmetry, tendencies, xor_minima
from experiments.published.originals import CLAIMS, ORIGINALS, PDP, original
from experiments.published.readings import READINGS
from experiments.published.rows import COMPATIBLE, REPRODUCED, Progress, deciding, judge
from experiments.published.runs import carry_out

SEEDS = 512
SPIRALS = ("spirals", "walker")
SPIRAL_SEEDS = 32  # a run is 30000 epochs of 194 patterns, four seconds of a core


def measure(
    seeds: int = SEEDS,
    spiral_seeds: int = SPIRAL_SEEDS,
    progress: Progress = lambda done, total, note: None,
    keys: tuple[str, ...] = tuple(READINGS),
    most: int | None = None,
    hidden: tuple[int, ...] = chauvin.HIDDEN,
    tended: bool = True,
) -> tuple[Runs, dict[str, Any]]:
    """Train. most: of each original's readings; keys: of ``ORIGINALS``; hidden: Chauvin's; tended: ``tendencies`` too.

    Fewer are for a quick look.
    """
    total = sum(len(READINGS[key][:most]) for key in keys) + len(list(chauvin.READINGS)[:most])
    total += len(list(xor_minima.READINGS)[:most]) + tended * tendencies.STEPS
    done = 0

    def step(what: str) -> None:
        nonlocal done
        progress(done, total, what)
        done += 1

    parts: list[Runs] = []
    other: dict[str, Any] = {"seeds": seeds, "spiral_seeds": spiral_seeds}
    for key in keys:
        for k, reading in enumerate(READINGS[key][:most]):
            step(f"{original(key).title}: {reading.words}")
            outcome = carry_out(reading.setup, np.arange(spiral_seeds if key in SPIRALS else seeds))
            measured = symmetry.columns(outcome) if key == "symmetry" and k == 0 else {}
            parts.append(outcome.table(part="original", original=key, reading=reading.words, **_as_numbers(measured)))
            if measured:
                other["example"] = symmetry.example(outcome)
    parts.append(chauvin.measure(seeds, lambda k, n, words: step(f"XOR, 2 to 32 hidden nodes: {words}"), hidden, most))
    parts.append(xor_minima.measure(seeds, lambda k, n, words: step(f"XOR 2-2-1, where it ends: {words}"), most))
    if tended:
        parts.append(tendencies.measure(seeds, lambda k, n, words: step(words)))
    return Runs.joined(parts), other


def _as_numbers(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """True and False as 1 and 0, so that a table without them has NaN there."""
    return {name: of.astype(float) for name, of in columns.items()}


def summarise(runs: Runs, other: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"seeds": other["seeds"], "spiral_seeds": other["spiral_seeds"], "originals": []}
    family = Family()
    of_originals = runs.where(part="original")
    for key in of_originals.values("original"):
        o, here = original(key), of_originals.where(original=key)
        readings = [r for r in READINGS[key] if r.words in here.values("reading")]
        tables = [here.where(reading=r.words) for r in readings]
        limit = readings[0].setup.epochs
        for reading, table in zip(readings[1:], tables[1:], strict=True):
            family.add(epochs_apart(table, tables[0], limit), key, reading.words)
        found["originals"].append(
            {
                "key": key,
                "title": o.title,
                "source": o.source,
                "stated": o.stated,
                "not_stated": o.not_stated,
                "seen": o.seen,
                "runs": o.runs,
                "limit": limit,
                "rows": [judge(o, *of) for of in zip(readings, tables, strict=True)],
            }
        )
    effects = family.corrected()
    for entry in found["originals"]:
        for row in entry["rows"]:
            row["effect"] = effects.get(entry["key"], {}).get(row["words"])
        entry["sentence"] = sentence(entry)
        if entry["key"] == "symmetry":
            found["symmetry"] = symmetry.learned(
                of_originals.where(original="symmetry", reading=entry["rows"][0]["words"])
            )
    found["chauvin"] = chauvin.lines(runs.where(part="chauvin"))
    found["xor_minima"] = xor_minima.ends(runs.where(part="xor minima"))
    found["footnote"] = xor_minima.footnote(runs.where(part="xor minima"))
    found["tendencies"] = tendencies.found(runs)
    return found | {"sentences": sentences(found)}


def sentence(entry: dict[str, Any]) -> str:
    """What one original came to."""
    o, rows = original(entry["key"]), entry["rows"]
    base, limit = rows[0], entry["limit"]
    said = f"{o.title}: published {o.number:g}{'' if o.runs > 1 else ', a single run'}, {base['verdict']} ({base['words']}). "
    if base["low"] is None:
        said += "Too few runs were solved for an interval; "
    else:
        what = "95% of our solved runs take" if o.runs == 1 else f"95% of means of {o.runs} of our runs are"
        said += f"{what} {base['low']:.0f} to {base['high']:.0f}, a factor of {base['high'] / base['low']:.2g}; "
    said += f"solved by epoch {limit}: {percent(base['success'])}"
    if base["epochs"] is not None:
        said += f", restricted mean {number(base['epochs'])}"
    open_rows = [row for row in rows if not row["contrary"]]
    covers = [row for row in open_rows if row["verdict"] in (REPRODUCED, COMPATIBLE)]
    said += f". {len(covers)} of {len(open_rows)} readings that the source leaves open cover it"
    others = [row["words"] for row in open_rows[1:] if row not in covers]
    if others:
        said += f" (not: {', '.join(others)})"
    most = deciding(rows)
    if most:
        e = most["effect"]
        said += f"; most depends on: {most['words']} ({difference(e)} epochs, {p_words(e['p_holm'])})"
    if len(open_rows) < len(rows):
        contrary = [row for row in rows if row["contrary"]]
        out = [row["words"] for row in contrary if row["verdict"] not in (REPRODUCED, COMPATIBLE)]
        said += f". Of the {len(contrary)} settings that the source rules out {len(out)} miss it{': ' if out else ''}{', '.join(out)}"
    return said + "."


def sentences(found: dict[str, Any]) -> list[str]:
    """All of it."""
    said = [entry["sentence"] for entry in found["originals"]]
    if "symmetry" in found:
        said.append(_symmetry(found["symmetry"]))
    said += [_chauvin(found["chauvin"]), _xor_minima(found["xor_minima"], found["footnote"])]
    return said + tendencies.sentences(found["tendencies"])


def _symmetry(m: dict[str, Any]) -> str:
    return (
        f"Symmetry's weights (Nature's 1:2:4 and their negatives on the other side): 1 : {number(m['middle'], 2)} : "
        f"{number(m['largest'], 2)} in our solved runs; the other side is the negative in {percent(m['antisymmetric'])}, each step "
        f"about a doubling in {percent(m['doubling'])}."
    )


def _chauvin(c: dict[str, Any]) -> str:
    base = c["readings"][0]
    slope, bend, relative = base["slope"], base["bend"], base["relative"]
    linear = "no bend is seen" if bend["low"] <= 0 <= bend["high"] else "it bends"
    covers = sum(r["verdict"] == REPRODUCED for r in c["readings"])
    near = min(c["readings"], key=lambda r: abs(r["slope"]["value"] - chauvin.SLOPE))
    return (
        f"Chauvin's line, published 280 - 33 log2 H, {base['verdict']}: ours falls by {-slope['value']:.0f} "
        f"[{-slope['high']:.0f}, {-slope['low']:.0f}] sweeps per doubling, {-100 * relative['value']:.0f}% of its mean; {linear} "
        f"({bend['value']:+.1f} [{bend['low']:+.1f}, {bend['high']:+.1f}] sweeps per squared doubling). {covers} of "
        f"{len(c['readings'])} readings cover -33; nearest is {near['words']} ({number(near['slope'])})."
    )


def _xor_minima(ends: list[dict[str, Any]], footnote: dict[str, Any] | None) -> str:
    base = ends[0]
    soon, bad = base["bad_soon"], base["bad"]
    first, later = xor_minima.BASE.epochs, xor_minima.BASE.epochs * xor_minima.LONGER
    said = (
        f"XOR 2-2-1 has no strict local minimum, yet from U(±1) {percent(soon)} of runs are unsolved after {first} epochs and "
        f"{percent(bad)} after {later}"
    )
    if len(base["gradient"]):
        flat, weight = np.median(base["gradient"]), np.median(base["weight"])
        down = float(np.mean(np.array(base["smallest"]) < 0))
        said += (
            f"; there the gradient is not 0 (median norm {flat:.1e}), the largest weight has grown to {weight:.0f} (median), and "
            f"the Hessian has a negative eigenvalue in {down:.0%} of them"
        )
    theirs = next((e for e in ends if e["words"] == xor_minima.LIKE_PDP), None)
    if theirs is not None:
        said += (
            f". Two in hundreds†, says the PDP chapter; from {xor_minima.LIKE_PDP} ours are {percent(theirs['bad'])}"
        )
    if footnote is not None:
        parts = [f"{n} at {words.partition(',')[0]}" for words, n in footnote["solved"].items()]
        said += (
            f". Its footnote† says that from the minimum it met at η = 0.25 the network escapes at η >= 0.5; of our "
            f"{footnote['stuck']} seeds that are unsolved at 0.25 few are solved at a larger rate: {', '.join(parts)}"
        )
    return said + "."


def table(found: dict[str, Any]) -> str:
    """The readings of every original, and of Chauvin's line, as the page has them."""
    lines = ["| reading | solved | restricted mean | 95% of such numbers | as far out | |", "|---|--:|--:|--:|--:|---|"]
    for entry in found["originals"]:
        memory = " †" * entry["seen"].startswith("unverified")
        lines.append(f"| **{entry['title']}**{memory} | {entry['rows'][0]['published']:g} | | | | |")
        for row in entry["rows"]:
            mean = "" if row["epochs"] is None else number(row["epochs"])
            interval = "" if row["low"] is None else f"{row['low']:.0f} to {row['high']:.0f}"
            words = row["words"] + (" (‡)" if row["contrary"] else "")
            out = "" if row["p"] is None else f"{100 * row['p']:.2g}%"
            share = f"{100 * row['success']['value']:.0f}%"
            lines.append(f"| {words} | {share} | {mean} | {interval} | {out} | {row['verdict']} |")
    c = found["chauvin"]
    lines += ["", "| Chauvin: reading | slope per doubling | sweeps at H = 1 | bend | solved at H = 2 | |"]
    lines.append("|---|--:|--:|--:|--:|---|")
    for r in c["readings"]:
        bend = f"{r['bend']['value']:+.1f} [{r['bend']['low']:+.1f}, {r['bend']['high']:+.1f}]"
        solved = f"{100 * r['success'][0]['value']:.0f}%"
        lines.append(
            f"| {r['words']} | {number(r['slope'])} | {number(r['intercept'])} | {bend} | {solved} | {r['verdict']} |"
        )
    return "\n".join(lines)


def sources(found: dict[str, Any]) -> str:
    """Each original with what it states, what it leaves open, and in what form that was read."""
    lines = [
        f"- **{e['title']}** ({e['source']}). Stated: {e['stated']}. Not stated: {e['not_stated']}. Seen: {e['seen']}."
        for e in found["originals"]
    ]
    lines.append(
        f"- **Hidden nodes** ({chauvin.SOURCE}). Stated: {chauvin.STATED}. Not stated: {chauvin.NOT_STATED}. Seen: {chauvin.SEEN}."
    )
    lines.append(f"- **Minima of XOR 2-2-1** ({PDP}). Stated: {xor_minima.STATED}. Seen: {xor_minima.SEEN}.")
    lines += [f"- {source}. Stated: {claim}. Seen: {seen}." for source, (claim, seen) in CLAIMS.items()]
    lines.append(
        "- SuperSAB and the 12-2-12 encoder of the RPROP paper, and the numbers of RPROP, Quickprop and SuperSAB on the spirals, are "
        "left out: no source was seen."
    )
    return "\n".join(lines)


__all__ = ["ORIGINALS", "measure", "sentences", "sources", "summarise", "table"]

"""How many wrong gradients does the auditor catch, how often does it object to a right one, and how do today's checkers do?

    python -m benchmarks.auditor.kill_study             the whole study, half an hour on two cores
    python -m benchmarks.auditor.kill_study --quick     a look at every part of it, under a minute
    python -m benchmarks.auditor.kill_study --json FILE the figures too
    python -m benchmarks.auditor.kill_study --only right --right 500 --repeats 4 --draws 6 --keep FILE
                                                        2 000 audits of right rules at 500 shapes; begun again, it goes on

Wrong gradients: those of manual.mistakes and 22 more, on two network sizes with two activations, 12 seeds (weights and data), in
float32 and float64. Right ones: 33 common rules and random networks, each configuration with its own shape, range and dtype. Every
checker sees the same gradients in the same run, with its default settings. Torch is optional.
"""

import json
import multiprocessing
import os
import sys
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from benchmarks.auditor.studies import peers, right, wrong
from bpnn_jax import audit

DTYPES = ("float64", "float32")
DRAWS = 6  # of an audit of a wrong gradient: the auditor's default
CHUNK = 8  # mistakes of one network that share what is compiled for the reference


@dataclass(frozen=True)
class Options:
    """What to run."""

    quick: bool = False
    """a look at every part, under a minute"""
    json: Path | None = None
    """write the figures to this file"""
    seeds: int = 12
    right: int = 324
    """configurations of right rules"""
    draws: int = 34
    """of each audit of a right rule"""
    repeats: int = 1
    """audits of each right configuration, each with a seed of its own"""
    keep: Path | None = None
    """add what was said of each right rule to this file, a line of JSON per audit, and leave out the configurations in it"""
    workers: int = 2
    only: str = ""
    """"wrong" or "right": one half of the study"""


class WrongTask(NamedTuple):
    """Some gradients on one network in one dtype, for some seeds; ``chosen`` are positions in RIGHT + WRONG."""

    net: int
    dtype: str
    chosen: tuple[int, ...]
    seeds: tuple[int, ...]


class RightTask(NamedTuple):
    """Some configurations of right rules."""

    numbers: tuple[int, ...]
    draws: int
    repeats: int


class Row(NamedTuple):
    """One wrong gradient (or a right one, to hold the checkers to) on one network and seed, in one dtype."""

    name: str
    net: str
    seed: int
    dtype: str
    is_right: bool
    verdict: str
    apart: float  # from the right gradient, at the example in float64, relative to its largest element
    others: dict[str, bool | None]  # whether each peer objected
    seconds: float
    said: str


GRADIENTS = (*wrong.RIGHT, *wrong.WRONG)


def run_wrong(task: WrongTask) -> list[Row]:
    net, rows = wrong.NETS[task.net], []
    with audit.reusing():
        for n in task.chosen:
            case = GRADIENTS[n]
            hand = case.make(net)
            peer = peers.Case(net, hand, case.argnum)
            for seed in task.seeds:
                args = wrong.example(net, seed, task.dtype)
                began = time.perf_counter()
                with jax.enable_x64(task.dtype == "float64"):
                    report = audit.gradient(
                        wrong.loss(net),
                        hand,
                        *args,
                        argnums=case.argnum,
                        draws=DRAWS,
                        seed=seed,
                        mutate=False,
                        explain=False,
                    )
                seconds = time.perf_counter() - began
                rows.append(
                    Row(
                        case.name,
                        net.name,
                        seed,
                        task.dtype,
                        case in wrong.RIGHT,
                        report.verdict,
                        _apart(net, case, hand, seed, task.dtype),
                        peer.objections(args, seed == task.seeds[0]),
                        seconds,
                        "; ".join(f.sentence for f in report.findings[:1]),
                    )
                )
    return rows


def _apart(net: wrong.Net, case: wrong.Wrong, hand: Any, seed: int, dtype: str) -> float:
    args = jax.tree.map(lambda a: a.astype("float64"), wrong.example(net, seed, dtype))
    good = jax.tree.leaves(wrong.RIGHT[case.argnum].make(net)(*args))
    pairs = zip(jax.tree.leaves(hand(*args)), good, strict=True)
    return max(float(abs(h - g).max() / abs(g).max()) for h, g in pairs)


def run_right(task: RightTask) -> list[right.Outcome]:
    return [outcome for n in task.numbers for outcome in right.audited(n, task.draws, task.repeats)]


def run(task: WrongTask | RightTask) -> list:
    if peers.torch:
        peers.torch.set_num_threads(1)
    try:
        found = run_wrong(task) if isinstance(task, WrongTask) else run_right(task)
    except Exception as error:  # JAX's errors do not survive the way back through a pipe
        raise RuntimeError(f"{task}\n{''.join(traceback.format_exception(error))}") from None
    jax.clear_caches()
    return found


def tasks(options: Options, known: Collection[int] = ()) -> Iterator[WrongTask | RightTask]:
    """Longest first, so that no worker is left alone at the end. ``known``: right configurations to leave out."""
    every = range(len(GRADIENTS))
    if options.quick:
        applies = [[n for n in every if not GRADIENTS[n].reason(net)] for net in wrong.NETS]
        if options.only != "right":
            yield WrongTask(0, "float64", tuple(n for n in applies[0] if n % 3 == 0), (0, 1))
            yield WrongTask(1, "float32", tuple(n for n in applies[1] if n % 4 == 1), (0, 1))
            yield WrongTask(3, "float64", (0, 17, 39), (0,))
        if options.only != "wrong":
            yield from (RightTask((n, n + 1), 40, 1) for n in (12, 35, 58, 4))
        return
    if options.only != "right":
        for k in reversed(range(len(wrong.NETS))):
            chosen = [n for n in every if not GRADIENTS[n].reason(wrong.NETS[k])]
            for dtype in DTYPES:
                for start in range(0, len(chosen), CHUNK):
                    yield WrongTask(k, dtype, tuple(chosen[start : start + CHUNK]), tuple(range(options.seeds)))
    if options.only != "wrong":
        numbers = [n for n in range(options.right) if n not in known]
        for start in range(0, len(numbers), 6):
            yield RightTask(tuple(numbers[start : start + 6]), options.draws, options.repeats)


def kept(path: Path, repeats: int) -> list[right.Outcome]:
    """What an earlier run added to ``path``; a configuration that it did not finish is taken out of the file, to be done again."""
    text = path.read_text() if path.exists() else ""
    lines = text[: text.rfind("\n") + 1].splitlines()  # the last may have been cut off
    found = [right.Outcome(**json.loads(line)) for line in lines]
    count = Counter(o.number for o in found)
    found = [o for o in found if count[o.number] >= repeats]
    path.unlink(missing_ok=True)
    keep(path, found)
    return found


def keep(path: Path | None, outcomes: list[right.Outcome]) -> None:
    """Added to the file, a line of JSON each."""
    if path and outcomes:
        with path.open("a") as file:
            file.write("".join(json.dumps(o._asdict()) + "\n" for o in outcomes))


def work(options: Options, console: Console) -> tuple[list[Row], list[right.Outcome]]:
    rows: list[Row] = []
    outcomes = kept(options.keep, options.repeats) if options.keep and options.only != "wrong" else []
    todo = list(tasks(options, {o.number for o in outcomes}))
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    context = multiprocessing.get_context("spawn")
    with (
        Progress(*columns, console=console, disable=not console.is_terminal) as progress,
        ProcessPoolExecutor(options.workers, mp_context=context) as pool,
    ):
        bar = progress.add_task("auditing", total=len(todo))
        running = {pool.submit(run, task): task for task in todo}
        for done in as_completed(running):
            if isinstance(running[done], WrongTask):
                rows.extend(done.result())
            else:
                outcomes.extend(done.result())
                keep(options.keep, done.result())
            progress.advance(bar)
            if not console.is_terminal and sum(future.done() for future in running) % 10 == 0:
                console.print(f"{sum(future.done() for future in running)} of {len(todo)} tasks", highlight=False)
    return rows, outcomes


# What came out ------------------------------------------------------------------------------------------------------


def fraction(said: list[bool | None]) -> float | None:
    known = [s for s in said if s is not None]
    return sum(known) / len(known) if known else None


def figures(rows: list[Row], outcomes: list[right.Outcome]) -> dict[str, Any]:
    """For us and each peer: the share caught by dtype, of how many, and objections to right gradients."""
    bad, good = [r for r in rows if not r.is_right], [r for r in rows if r.is_right]
    found: dict[str, Any] = {}
    for name in ("ours", *peers.names()):

        def said(of: list[Row], dtype: str | None = None, name: str = name) -> list[bool | None]:
            chosen = [r for r in of if dtype in (None, r.dtype)]
            return [r.verdict != "correct" if name == "ours" else r.others[name] for r in chosen]

        entry: dict[str, Any] = {}
        for dtype in DTYPES:
            entry[f"caught_{dtype}"] = fraction(said(bad, dtype))
            entry[f"cases_{dtype}"] = sum(s is not None for s in said(bad, dtype))
            known = [s for s in said(good, dtype) if s is not None]
            entry[f"right_networks_{dtype}"] = len(known)
            entry[f"right_networks_objected_{dtype}"] = sum(known)
        entry["false_alarms"] = None
        found[name] = entry
    verdicts, draws = Counter(o.verdict for o in outcomes), Counter()
    for o in outcomes:
        draws[o.verdict] += o.draws
    found["ours"] |= {
        "false_alarms": verdicts["wrong"],
        "draws": sum(draws.values()),
        "configurations": len(outcomes),
        "imprecise": verdicts["imprecise"],
        "inconclusive": verdicts["inconclusive"],
        "called_wrong_float64": fraction([r.verdict == "wrong" for r in bad if r.dtype == "float64"]),
        "called_wrong_float32": fraction([r.verdict == "wrong" for r in bad if r.dtype == "float32"]),
        "audits": len(rows) + len(outcomes),
        "median_seconds_reused": float(np.median([r.seconds for r in rows])) if rows else None,
        "median_seconds_new": float(np.median([o.seconds for o in outcomes])) if outcomes else None,
    }
    return found


def percent(value: float | None, cases: int) -> str:
    return "not run" if value is None else f"{100 * value:.2f}% of {cases}"


def show(console: Console, found: dict[str, Any], rows: list[Row], outcomes: list[right.Outcome]) -> None:
    table = Table(title="Wrong gradients caught, and right ones objected to (the same networks)")
    for column in ("checker", "float64", "float32", "right objected to, float64", "float32"):
        table.add_column(column)
    for name, entry in found.items():
        cells = [percent(entry[f"caught_{d}"], entry[f"cases_{d}"]) for d in DTYPES]
        cells += [f"{entry[f'right_networks_objected_{d}']} of {entry[f'right_networks_{d}']}" for d in DTYPES]
        table.add_row(name, *cells)
    if rows:
        console.print(table)
        by_mistake(console, rows)
    for r in [r for r in rows if not r.is_right and r.verdict == "correct"]:
        console.print(
            f"survived: {r.name}, {r.net}, seed {r.seed}, {r.dtype}: {r.apart:.2g} of the largest element apart at the example",
            highlight=False,
        )
    for r in [r for r in rows if r.is_right and r.verdict != "correct"]:
        console.print(f"{r.verdict}, though right: {r.net}, seed {r.seed}, {r.dtype}: {r.said}", highlight=False)
    ours = found["ours"]
    if outcomes:
        console.print(
            f"right rules: {ours['false_alarms']} called wrong in {ours['draws']} draws of {ours['configurations']} "
            f"configurations; imprecise {ours['imprecise']}, inconclusive {ours['inconclusive']}",
            highlight=False,
        )
    for o in [o for o in outcomes if o.verdict != "correct"]:
        console.print(
            f"{o.verdict}: {o.rule}, {o.dtype}, {o.shapes}, range {o.ranges}: {o.said[:300]}", highlight=False
        )


def by_mistake(console: Console, rows: list[Row]) -> None:
    """Those that somebody missed, with the share each caught over both dtypes."""
    grouped = defaultdict(list)
    for r in rows:
        if not r.is_right:
            grouped[r.name].append(r)
    names = peers.names()
    table = Table(title="By mistake, both dtypes (% caught; a line where all caught all is left out)")
    for column in ("mistake", "cases", "ours", *names):
        table.add_column(column)
    for name, group in grouped.items():
        shares = [fraction([r.verdict != "correct" for r in group])]
        shares += [fraction([r.others[peer] for r in group]) for peer in names]
        if any(share is not None and share < 1 for share in shares):
            cells = ["-" if share is None else f"{100 * share:.0f}" for share in shares]
            table.add_row(name, str(len(group)), *cells)
    console.print(table)
    left_out = defaultdict(list)
    for case in wrong.WRONG:
        for net in wrong.NETS:
            if case.reason(net):
                left_out[case.name, case.reason(net)].append(net.name)
    for (name, reason), nets in left_out.items():
        console.print(f"not applicable: {name} on {', '.join(nets)}: {reason}", highlight=False)


def main(options: Options) -> None:
    console = Console(width=None if sys.stdout.isatty() else 160)
    if peers.torch is None:
        console.print(peers.INSTALL_TORCH)
    if options.quick:  # half the compile time; the workers inherit it
        os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"
    began = time.perf_counter()
    rows, outcomes = work(options, console)
    found = figures(rows, outcomes)
    show(console, found, rows, outcomes)
    seconds = time.perf_counter() - began
    console.print(f"{seconds:.0f} s, {options.workers} processes", highlight=False)
    if options.json:
        found["run"] = {"seconds": seconds, "quick": options.quick, "seeds": options.seeds, "jax": jax.__version__}
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))

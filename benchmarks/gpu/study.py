"""A study by the GPU kernel beside the same study on the CPU's loops, checked and then timed, on a machine with a GPU.

    python -m benchmarks.gpu.study [--json FILE]   some two minutes
    python -m benchmarks.gpu.study --interpret     tiny, on the CPU, with the kernel's body interpreted: its times mean nothing

First the kernel's study has to be right: the errors of the first epochs and the success rate are those of the CPU; no bit depends on
how the runs are cut into chunks, nor on how many epochs are recorded; and every arm's certificate is the kernel's own. Then both are
timed as a user meets them: wall time from the command to the results, once compiled and once not.
"""

import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import tyro
from rich.console import Console

from benchmarks.gpu.__main__ import driver
from bpnn_jax.ablation import Results, Study, run
from bpnn_jax.ablation.chunk import place
from bpnn_jax.training._engines import KERNELS

XOR = Study("xor", vary={"momentum": (0.0, 0.5)}, base={"activation": "tanh"}, seeds=4000, epochs=1000)
CODE = Study("code", vary={"momentum": (0.0, 0.1)}, seeds=8192, epochs=100, points=20)
TINY = replace(XOR, seeds=70, epochs=100, points=10)
ON_CPU = 8  # times fewer seeds of ``CODE`` on the CPU, whose rate does not depend on them
CUT = {False: 1024, True: 64}  # runs of the chunks that the study is cut into another time
# The first two recorded epochs of XOR are at most 21 epochs of 4 updates: 84 updates, each rounding some tens of numbers near 1. A
# network on an edge between two basins may go further apart; a wrong equation moves all of them by more than 1e-2.
CLOSE, SHARE = 1e-3, 0.99


@dataclass(frozen=True)
class Options:
    """What to measure."""

    json: Path | None = None
    """write the figures to this file"""
    interpret: bool = False
    """tiny, on the CPU, to see that the script runs"""


@dataclass(frozen=True)
class Timed:
    """One study carried out twice: wall seconds of both, the first of which compiles, and what of the second training took."""

    what: str
    runs: int
    engines: dict[str, int]
    first: float
    second: float
    training: float


def carried_out(study: Study, where: dict[str, str]) -> tuple[Results, float]:
    """The results, and wall seconds."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        found = run(study, folder, where=where)
        return found, time.perf_counter() - began


def check(study: Study, where: dict[str, str], cut: int, console: Console) -> dict[str, Any]:
    """The kernel's study beside the CPU's. Exits where it is wrong."""
    found, _ = carried_out(study, where)
    cpu, _ = carried_out(study, {name: value for name, value in where.items() if name != "kernel"})
    if set(found.engines) != {KERNELS[where["kernel"]]}:
        sys.exit(f"WRONG: expected the kernel alone to train it, got {found.engines}")
    near = abs(found.history[..., :2] - cpu.history[..., :2]).max(axis=2) < CLOSE
    near |= np.isnan(cpu.history[..., 1]) & (found.epochs == cpu.epochs)  # stopped before
    if near.mean() < SHARE:
        sys.exit(f"WRONG: only {near.mean():.1%} of the runs begin as on the CPU")
    console.print(f"{near.mean():.1%} of {near.size} runs begin as on the CPU, their errors within {CLOSE:g}")
    ours, theirs = found.solved.mean(), cpu.solved.mean()
    # 3.29 standard errors of a difference of two shares, were they of other seeds: a right kernel is far within.
    share = (ours + theirs) / 2
    if abs(ours - theirs) > 3.29 * (2 * share * (1 - share) / near.size) ** 0.5 + 1 / near.size:
        sys.exit(f"WRONG: {ours:.1%} of the runs are solved, on the CPU {theirs:.1%}")
    console.print(f"{ours:.1%} of the runs are solved, on the CPU {theirs:.1%}")
    otherwise, _ = carried_out(replace(study, chunk=cut), where)
    if otherwise.sha256 != found.sha256 or otherwise.chunks == found.chunks:
        sys.exit(f"WRONG: in {otherwise.chunks} chunks the results are not those in {found.chunks}, to the bit")
    console.print(f"in {otherwise.chunks} chunks the same bits as in {found.chunks}")
    if where["kernel"] == "gpu":  # which needs another program: the tests have it interpreted
        less, _ = carried_out(replace(study, points=2), where)
        if not ((less.epochs == found.epochs) & ((less.error == found.error) | np.isnan(found.error))).all():
            sys.exit("WRONG: another number of recorded epochs changes how the runs end")
        console.print("with 2 points of the curve the same ends, to the bit")
    for arm, one in found.certificates.items():
        if one.verdict != "gradient" or "GPU kernel" not in one.checks[-1].witness:
            sys.exit(f"WRONG: the certificate of {arm} says {one.verdict}, by {one.checks[-1].witness}")
    console.print(f"{len(found.certificates)} certificates: gradient, by the kernel")
    return {"near": float(near.mean()), "solved": float(ours), "solved_cpu": float(theirs)}


def timed(what: str, study: Study, where: dict[str, str]) -> Timed:
    _, first = carried_out(study, where)
    found, second = carried_out(study, where)
    return Timed(what, study.runs, dict(found.engines), first, second, float(found.seconds.sum()))


def main(options: Options) -> None:
    where = place()
    if options.interpret:
        where = {**where, "kernel": "interpret"}
    elif "kernel" not in where:
        print(f"expected a GPU that the kernel runs on, got {where['device']}: or --interpret", file=sys.stderr)
        sys.exit(2)
    console = Console(width=120)
    machine = {"device": jax.devices()[0].device_kind, "jax": jax.__version__, "driver": driver()}
    console.print(", ".join(f"{name} {value}" for name, value in machine.items() if value), highlight=False)
    checks = check(TINY if options.interpret else XOR, where, CUT[options.interpret], console)
    on_cpu = {name: value for name, value in where.items() if name != "kernel"}
    studies = [("xor, tiny", TINY, 1)] if options.interpret else [("xor", XOR, 1), ("code, 20-8-3", CODE, ON_CPU)]
    lines = []
    for what, study, fewer in studies:
        lines.append(timed(f"{what}, kernel", study, where))
        lines.append(timed(f"{what}, CPU", replace(study, seeds=study.seeds // fewer), on_cpu))
        for line in lines[-2:]:
            console.print(
                f"{line.what}: {line.runs:,} runs, {line.first:.1f} s the first time, then {line.second:.1f} s, of which "
                f"{line.training:.2f} s training: {line.runs / line.second:,.0f} runs/s",
                highlight=False,
            )
    if options.json:
        figures = {"machine": machine, "checks": checks, "lines": [asdict(line) for line in lines]}
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))

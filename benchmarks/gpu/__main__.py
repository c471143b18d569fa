"""The GPU kernel, checked and then measured: one command on a machine with an NVIDIA GPU of compute capability 9.0 or later.

    python -m benchmarks.gpu [--json FILE]     some minutes; prints the table that docs/gpu.md is to hold
    python -m benchmarks.gpu --layouts         how many threads per network are the fastest
    python -m benchmarks.gpu --interpret       the whole script, tiny, on the CPU: it runs, and its times mean nothing

First the kernel has to be right on this device: one step against float64 within the error bound, some epochs against a loop in
float64, and as many networks solving XOR as on the CPU. Then the machine's two ceilings, then the kernel over its layouts beside
the same study by ``jax.grad`` through ``lax.scan`` under ``vmap``. Compiled and warmed up before; medians of many runs.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from jax import lax
from jax.experimental import pallas as pl
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.gpu.right import check
from bpnn_jax import InputError, Network, apply
from bpnn_jax.training import _loop, _settings
from bpnn_jax.training.gpu import block

CHAINS, LENGTH = 16, 4096  # of the multiply-add ceiling: independent chains a thread, and how long each is


@dataclass(frozen=True)
class Options:
    """What to measure."""

    json: Path | None = None
    """write the figures to this file"""
    interpret: bool = False
    """tiny, on the CPU, to see that the script runs"""
    sizes: tuple[int, ...] = (20, 8, 3)
    networks: int = 16384
    patterns: int = 500
    epochs: int = 100
    repeats: int = 20
    scan_epochs: int = 2
    """of the study by lax.scan, which is slower"""
    layouts: bool = False
    """instead: how many threads per network are the fastest, over sizes and numbers of networks"""


LAYOUT_SIZES = ((4, 8, 3), (20, 8, 3), (30, 16, 2))
LAYOUT_NETWORKS = (1024, 16384, 131072)
TINY = {"sizes": (2, 2, 1), "networks": 130, "patterns": 4, "epochs": 3, "repeats": 2, "scan_epochs": 1}


@dataclass(frozen=True)
class Line:
    """One measured program: seconds of each run, and how many network-updates a run is."""

    what: str
    threads: int
    lanes: int
    seconds: tuple[float, ...]
    updates: int

    @property
    def rate(self) -> float:
        return self.updates / median(self.seconds)


def timed(f: Callable, *args: Any, repeats: int) -> tuple[float, ...]:
    """Seconds of each run on the device, after compiling and two runs to warm up; the arguments are there already."""
    f = jax.jit(f).lower(*args).compile()
    for _ in range(2):
        jax.block_until_ready(f(*args))
    found = []
    for _ in range(repeats):
        began = time.perf_counter()
        jax.block_until_ready(f(*args))
        found.append(time.perf_counter() - began)
    return tuple(found)


# The machine's ceilings -----------------------------------------------------------------------------------------------


def multiply_adds(options: Options) -> float:
    """Multiply-adds a second: independent chains in registers, eight programs of 128 threads on each of 132 multiprocessors."""
    programs, length = (8 * 132, LENGTH) if not options.interpret else (2, 8)
    factor = jnp.full(128, 0.999, jnp.float32)

    def body(number: Callable, factor_ref: Any, out_ref: Any) -> None:
        c = factor_ref[:]
        last = lax.fori_loop(
            0, length, lambda _, v: tuple(v_i * c + c for v_i in v), tuple(i * c for i in range(CHAINS))
        )
        out_ref[pl.ds(number() * 128, 128)] = sum(last[1:], last[0])

    out = jax.ShapeDtypeStruct((programs * 128,), jnp.float32)
    if options.interpret:
        run = pl.pallas_call(partial(body, lambda: pl.program_id(0)), out_shape=out, grid=(programs,), interpret=True)
    else:
        from jax.experimental.pallas import mosaic_gpu as plgpu

        def chains(*refs: Any) -> None:
            body(lambda: lax.axis_index("program"), *refs)

        params = plgpu.CompilerParams(lowering_semantics=plgpu.LoweringSemantics.Lane)
        run = plgpu.kernel(chains, out_type=out, grid=(programs,), grid_names=("program",), compiler_params=params)
    return programs * 128 * CHAINS * length / median(timed(run, factor, repeats=options.repeats))


def bandwidth(options: Options) -> float:
    """Bytes a second of a copy, read and written, of much more than a cache holds."""
    a = jnp.arange(2**29 if not options.interpret else 2**16, dtype=jnp.float32)
    return 2 * a.nbytes / median(timed(lambda a: a + 1.0, a, repeats=options.repeats))


def least_instructions(network: Network) -> int:
    """Arithmetic instructions of one update, the fewest: multiply-adds fused, e^-z and 1/(1+e) one each. docs/gpu.md adds them up."""
    n, n_out = network.sizes, network.sizes[-1]
    weights = sum(a * b for a, b in pairwise(n))
    units, hidden = sum(n[1:]), sum(n[1:-1])
    forward = weights + 2 * units + hidden + 2 * units
    backward = 6 * n_out + sum(hi * (above + 4) + above for hi, above in pairwise(n[1:]))
    return forward + backward + weights + 3 * units


# The study ------------------------------------------------------------------------------------------------------------


def by_scan(network: Network, epochs: int, weights: tuple, x: Any, t: Any, rates: _loop.Rates) -> tuple:
    """The same updates of the same networks as a user of JAX writes them: ``jax.grad``, ``lax.scan``, ``vmap``."""

    def one(weights, learning_rate, momentum):
        def update(carry, pattern):
            weights, before = carry
            error = lambda weights: 0.5 * jnp.sum((apply(network, weights, pattern[0]) - pattern[1]) ** 2)  # noqa: E731
            g = jax.grad(error)(weights)
            moved = jax.tree.map(lambda W, g, b: W - learning_rate * g - momentum * b, weights, g, before)
            return (moved, g), None

        carry = (weights, jax.tree.map(jnp.zeros_like, weights))
        return lax.scan(lambda c, _: (lax.scan(update, c, (x, t))[0], None), carry, length=epochs)[0][0]

    return jax.vmap(one, in_axes=-1, out_axes=-1)(weights, rates.learning_rate, rates.momentum)


def measure(options: Options) -> list[Line]:
    network, rng, n = Network(options.sizes), np.random.default_rng(2), options.networks
    weights = tuple(jnp.asarray(rng.uniform(-0.5, 0.5, (*shape, n)), jnp.float32) for shape in network.shapes)
    x = jnp.asarray(rng.uniform(0, 1, (options.patterns, network.sizes[0])), jnp.float32)
    t = jnp.asarray(rng.uniform(0, 1, (options.patterns, network.sizes[-1])), jnp.float32)
    rates = _loop.Rates(*(jnp.asarray(rng.uniform(0, high, n), jnp.float32) for high in (0.5, 0.2, 0.0, 0.0)))
    settings, once = _settings.Settings(epochs=options.epochs), n * options.patterns
    todo: list[tuple[str, int, int, Callable, int]] = []
    if not options.layouts:
        scan = partial(by_scan, network, options.scan_epochs)
        todo.append(("jax.grad, lax.scan, vmap", 0, 0, scan, once * options.scan_epochs))
    for threads in block.splits(network):
        for lanes in (128 // threads, 256 // threads)[: 1 if options.layouts else 2]:
            held = lanes * threads // 128  # networks a thread holds its share of
            if held * block.registers(network, threads=threads) > block.REGISTERS:
                continue
            run = partial(
                block.train_block, network, settings, threads=threads, lanes=lanes, interpret=options.interpret
            )
            todo.append(("kernel", threads, lanes, run, once * options.epochs))
    found = []
    for what, threads, lanes, run, updates in track(todo, "measuring", disable=options.layouts):
        seconds = timed(run, weights, x, t, rates, repeats=options.repeats)
        found.append(Line(what, threads, lanes, seconds, updates))
    return found


def report(options: Options, lines: list[Line], rate: float, copied: float, console: Console) -> None:
    network = Network(options.sizes)
    floor = rate / least_instructions(network)
    console.print(f"ceilings: {rate:.3g} multiply-adds and {copied:.3g} bytes copied a second", highlight=False)
    console.print(
        f"floor: {least_instructions(network)} instructions an update, so {floor:.3g} network-updates a second",
        highlight=False,
    )
    table = Table(title=f"{network}, online, {options.networks} networks, {options.patterns} patterns")
    for heading in ("what", "threads", "lanes", "median", "from", "to", "updates/s", "of the floor", "times lax.scan"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for line in lines:
        layout = (str(line.threads), str(line.lanes)) if line.threads else ("", "")
        times = (f"{1e3 * s:.3f} ms" for s in (median(line.seconds), min(line.seconds), max(line.seconds)))
        shares = (f"{line.rate:.3g}", f"{line.rate / floor:.1%}", f"{line.rate / lines[0].rate:.1f}")
        table.add_row(line.what, *layout, *times, *shares)
    console.print(table)


def layouts(options: Options, machine: dict[str, str], console: Console) -> None:
    """Updates a second over sizes, numbers of networks and threads per network."""
    found, table = [], Table(title="Network-updates per second, by threads per network")
    for heading in ("sizes", "networks", "1", "2", "4", "8", "16"):
        table.add_column(heading, justify="right")
    cells = [(sizes, n) for sizes in LAYOUT_SIZES for n in LAYOUT_NETWORKS]
    for sizes, n in track(cells, "measuring"):
        epochs = max(2, options.epochs * options.networks // n // 4)
        lines = measure(replace(options, sizes=sizes, networks=n, epochs=min(epochs, options.epochs)))
        rates = {line.threads: line.rate for line in lines}
        found.append({"sizes": sizes, "networks": n, "rates": rates})
        name = "-".join(map(str, sizes))
        if options.json:  # as it is measured: a machine may be taken away
            options.json.write_text(json.dumps({"machine": machine, "layouts": found}, indent=1) + "\n")
        table.add_row(name, str(n), *(f"{rates[s]:.3g}" if s in rates else "" for s in (1, 2, 4, 8, 16)))
    console.print(table)


def driver() -> str:
    """The driver's version, by nvidia-smi; empty where there is none."""
    if shutil.which("nvidia-smi") is None:
        return ""
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    return subprocess.run(query, capture_output=True, text=True, check=False).stdout.split("\n")[0].strip()


def main(options: Options) -> None:
    if options.interpret:
        options = Options(json=options.json, interpret=True, **TINY)
    elif jax.default_backend() != "gpu":
        print("expected a GPU that JAX sees, got none: see docs/gpu.md, or --interpret for a dry run", file=sys.stderr)
        sys.exit(2)
    console = Console(width=120)
    device = jax.devices()[0]
    machine = {"device": device.device_kind, "jax": jax.__version__, "driver": driver()}
    console.print(", ".join(f"{what} {value}" for what, value in machine.items() if value), highlight=False)
    if options.layouts:
        layouts(options, machine, console)
        return
    try:
        checks = check(options.interpret, console)
        rate, copied = multiply_adds(options), bandwidth(options)
        lines = measure(options)
    except InputError as error:
        sys.exit(str(error))
    report(options, lines, rate, copied, console)
    if options.json:
        figures = {"machine": machine, "checks": checks, "multiply_adds": rate, "bandwidth": copied}
        rows = [asdict(line) | {"rate": line.rate} for line in lines]
        options.json.write_text(json.dumps(figures | {"lines": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))

"""What one update of the GPU kernel costs in registers and instructions, read off NVIDIA's compiler: no GPU is needed, nvcc is.

    python -m benchmarks.gpu.static [--sizes 20 8 3] [--arch sm_90]

Every operation of ``training.gpu.update`` becomes one line of CUDA C, in a loop over patterns like the kernel's; nvcc compiles
it, and its report and the disassembly are counted. This is not the code that JAX's own compiler makes of the kernel, but the
same operations on the same values in the same order, through the same last stage (ptxas).
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import tyro
from jax.extend.core import Literal
from rich.console import Console
from rich.table import Table

from bpnn_jax import Network
from bpnn_jax.training.gpu import block
from bpnn_jax.training.gpu import rows as gpu_rows
from bpnn_jax.training.gpu.update import Update

BINARY = {"mul": "*", "add": "+", "add_any": "+", "sub": "-", "div": "/"}
CALLS = {"exp": "expf", "tanh": "tanhf"}
SAME = ("broadcast_in_dim", "convert_element_type", "copy", "reshape", "squeeze")


@dataclass(frozen=True)
class Options:
    """The network, and the GPU to compile for."""

    sizes: tuple[int, ...] = (20, 8, 3)
    rule: str = "previous-gradient"
    arch: str = "sm_90"


def lines(jaxpr, names: dict, threads: int) -> list[str]:
    """The operations of a jaxpr as C, one line each; ``names`` holds the C name of each variable and grows."""
    found = []

    def name(v) -> str:
        return f"{float(v.val)!r}f" if isinstance(v, Literal) else names[v]

    for eqn in jaxpr.eqns:
        operands, kind = [name(v) for v in eqn.invars], eqn.primitive.name
        if kind in ("pjit", "jit"):
            inner = eqn.params["jaxpr"].jaxpr
            names.update(zip(inner.invars, operands, strict=True))
            found += lines(inner, names, threads)
            names.update((v, name(w)) for v, w in zip(eqn.outvars, inner.outvars, strict=True))
            continue
        out = names[eqn.outvars[0]] = f"v{len(names)}"
        if kind in SAME:
            right = operands[0]
        elif kind in BINARY:
            right = BINARY[kind].join((operands[0], f"({operands[1]})"))
        elif kind in CALLS:
            right = f"{CALLS[kind]}({operands[0]})"
        elif kind == "neg":
            right = f"-({operands[0]})"
        elif kind == "reduce_sum":
            right = f"total<{threads}>({operands[0]})"
        else:
            raise NotImplementedError(f"expected one of the update's operations, got {kind}")
        found.append(f"float {out} = {right};")
    return found


SOURCE = """
template <int threads> __device__ float total(float v) {
  for (int d = 1; d < threads; d *= 2) v += __shfl_xor_sync(~0u, v, d);
  return v;
}
extern "C" __global__ void __launch_bounds__(128) train(
    float *__restrict__ state, const float *__restrict__ rates, const float *__restrict__ data, int patterns, int epochs) {
  const int me = blockIdx.x * 128 + threadIdx.x, n = gridDim.x * 128;
  const float rate = rates[me], momentum = rates[n + me];
  float error = 0.0f;
  %(load)s
  for (int epoch = 0; epoch < epochs; epoch++)
    #pragma unroll 1
    for (int p = 0; p < patterns; p++) {
      const float *now = data + p * %(record)d;
      %(body)s
    }
  %(store)s
  state[%(rows)d * n + me] = error;
}
"""


def source(network: Network, rule: str, threads: int) -> str:
    """The CUDA C of a program's loop over patterns."""
    update = Update(network, rule, threads=threads)
    template = gpu_rows.template(update)
    rows, n_in, n_out = gpu_rows.row_count(update), network.sizes[0], network.sizes[-1]
    one, scalar = jnp.ones((threads, 1), jnp.float32), jnp.float32(1.0)

    def step(layers, x, t, overlap, rate, momentum, error):
        layers, outputs = update(layers, x, t, overlap, rate, momentum)
        for a, t_k in zip(outputs, t, strict=True):
            error = error + 0.5 * (a - t_k) * (a - t_k)
        return jax.tree.leaves(layers), error

    layers = jax.tree.map(lambda row: one, template)
    closed = jax.make_jaxpr(step)(layers, (scalar,) * n_in, (scalar,) * n_out, scalar, one, one, one)
    record = n_in + n_out + 1
    inputs = [f"w{r}" for r in range(rows)] + [f"now[{i}]" for i in range(record)] + ["rate", "momentum", "error"]
    names = dict(zip(closed.jaxpr.invars, inputs, strict=True))
    body = lines(closed.jaxpr, names, threads)
    results = [names[v] for v in closed.jaxpr.outvars]
    body += [f"{into} = {result};" for into, result in zip([*inputs[:rows], "error"], results, strict=True)]
    return SOURCE % {
        "load": "\n  ".join(f"float w{r} = state[{r} * n + me];" for r in range(rows)),
        "store": "\n  ".join(f"state[{r} * n + me] = w{r};" for r in range(rows)),
        "body": "\n      ".join(body),
        "record": record,
        "rows": rows,
    }


def compiled(code: str, arch: str) -> tuple[int, Counter]:
    """(registers a thread, instructions of the inner loop by kind)."""
    with tempfile.TemporaryDirectory() as folder:
        cuda, binary = Path(folder) / "train.cu", Path(folder) / "train.cubin"
        cuda.write_text(code)
        run = ["nvcc", f"-arch={arch}", "-O3", "-cubin", "-Xptxas", "-v", "-o", str(binary), str(cuda)]
        said = subprocess.run(run, check=True, capture_output=True, text=True).stderr
        sass = subprocess.run(["cuobjdump", "-sass", str(binary)], check=True, capture_output=True, text=True).stdout
    registers = max(map(int, re.findall(r"Used (\d+) registers", said)))
    return registers, inner_loop(sass)


def inner_loop(sass: str) -> Counter:
    """The instructions between the target of the shortest backward jump around most of the multiply-adds, and the jump."""
    found = [(int(a, 16), o.strip()) for a, o in re.findall(r"/\*([0-9a-f]{4,})\*/\s+(?:@!?U?P\d+ )?([^;]+);", sass)]
    jumps = [(a, int(m[1], 16)) for a, o in found if (m := re.match(r"BRA.*?(0x[0-9a-f]+)", o)) and int(m[1], 16) < a]

    def kinds(jump: tuple[int, int]) -> Counter:
        return Counter(o.split()[0].split(".")[0] for a, o in found if jump[1] <= a <= jump[0])

    most = max(kinds(jump)["FFMA"] for jump in jumps)
    return min((kinds(jump) for jump in jumps if kinds(jump)["FFMA"] >= 0.9 * most), key=lambda k: k.total())


def main(options: Options) -> None:
    missing = [tool for tool in ("nvcc", "cuobjdump") if shutil.which(tool) is None]
    if missing:
        sys.exit(
            f"expected nvcc and cuobjdump on the PATH, got no {' and no '.join(missing)}: they come with CUDA's toolkit"
        )
    network = Network(options.sizes)
    table = Table(title=f"{network}, {options.rule}, {options.arch}: one update, a thread")
    headings = ("threads", "registers", "FFMA", "FMUL, FADD", "MUFU", "loads", "spills", "all", "all threads")
    for heading in headings:
        table.add_column(heading, justify="right")
    for threads in block.splits(network):
        registers, kinds = compiled(source(network, options.rule, threads), options.arch)
        spills, reads = kinds["LDL"] + kinds["STL"], kinds["LDG"] + kinds["LDC"]
        cells = (kinds["FFMA"], kinds["FMUL"] + kinds["FADD"], kinds["MUFU"], reads, spills, kinds.total())
        table.add_row(*map(str, (threads, registers, *cells, threads * kinds.total())))
    Console(width=110).print(table)


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))

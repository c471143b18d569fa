"""Trained networks for other programs: JSON, NumPy's npz, and C that needs nothing but the standard library."""

import io
import json
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bpnn_jax._runtime.outputs import MARK
from bpnn_jax.errors import InputError
from bpnn_jax.network import Network, Weights
from bpnn_jax.patterns.encoding import Encoding

C_MARK = "/* bpnn-jax network "
# f(z) of each activation, in C; softmax is written out where it is met.
C_ACTIVATIONS = {
    "sigmoid": "1.0 / (1.0 + exp(-z))",
    "tanh": "tanh(z)",
    "linear": "z",
    "lecun_tanh": "1.7159 * tanh(2.0 / 3.0 * z)",
    "relu": "z > 0.0 ? z : 0.0",
    "leaky_relu": "z > 0.0 ? z : 0.01 * z",
    "elu": "z > 0.0 ? z : expm1(z)",
    "softplus": "(z > 0.0 ? z : 0.0) + log1p(exp(-fabs(z)))",
    "softsign": "z / (1.0 + fabs(z))",
    "silu": "z / (1.0 + exp(-z))",
    "gelu": "0.5 * z * (1.0 + tanh(0.7978845608028654 * (z + 0.044715 * z * z * z)))",
}


def exported(
    path: str | os.PathLike[str],
    network: Network,
    weights: Weights,
    *,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    encoding: Encoding | None = None,
) -> bytes:
    """The content of a file for other programs; its name's ending says which: .json, .npz or .c.

    weights:  L arrays (n_in + bias, n_out), the bias node's row last.
    inputs, outputs: names, or none. ``encoding``: how rows of a table become inputs, for a network that has learnt one.

    Raises InputError for another ending, and for an activation that the C has no formula for.

    >>> content = exported("net.json", Network((1, 1), "linear"), (np.array([[2.0], [1.0]]),))
    >>> json.loads(content)["weights"]
    [[[2.0], [1.0]]]
    """
    said = {
        "inputs": list(inputs),
        "outputs": list(outputs),
        "encoding": None if encoding is None else encoding.as_dict(),
    }
    return writer(path)(network, weights, said)


def writer(path: str | os.PathLike[str]) -> Callable[[Network, Weights, dict[str, Any]], bytes]:
    """What writes a file of that name. Raises InputError for an ending that is not known."""
    ending = os.path.splitext(os.fspath(path))[1].lower()
    if ending not in WRITERS:
        raise InputError(f"expected export to end in {', '.join(WRITERS)}, got {os.fspath(path)!r}")
    return WRITERS[ending]


def is_export(head: bytes, tail: bytes) -> bool:
    """Whether a file that begins so is one that ``exported`` made."""
    return head.startswith((MARK + b'"network"', C_MARK.encode())) or (
        head.startswith(b"PK") and b"bpnn.npy" in head[:60]
    )


def _json(network: Network, weights: Weights, said: dict[str, Any]) -> bytes:
    found = {"bpnn": "network", **_described(network), "weights": [np.asarray(W).tolist() for W in weights], **said}
    return (json.dumps(found, indent=2) + "\n").encode()


def _described(network: Network) -> dict[str, Any]:
    return {
        "sizes": list(network.sizes),
        "activations": list(network.activations),
        "input_bias": network.input_bias,
        "hidden_bias": network.hidden_bias,
        "skip": network.skip,
    }


def _npz(network: Network, weights: Weights, said: dict[str, Any]) -> bytes:
    """W1, W2, ... as arrays; the names as arrays of words; mean and sd of the inputs where they are standardized."""
    encoding = said["encoding"] or {}
    arrays: dict[str, Any] = {"bpnn": np.array(str(network)), **{f"W{l}": W for l, W in enumerate(weights, 1)}}
    arrays |= {"activations": np.array(network.activations), "sizes": np.array(network.sizes)}
    arrays |= {name: np.array(said[name]) for name in ("inputs", "outputs") if said[name]}
    for letter in ("x", "t"):
        if encoding.get(f"scale_{letter}"):
            arrays[f"mean_{letter}"], arrays[f"sd_{letter}"] = map(np.array, encoding[f"scale_{letter}"])
    arrays["description"] = np.array(json.dumps({**_described(network), **said}))
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _c(network: Network, weights: Weights, said: dict[str, Any]) -> bytes:
    for name in network.activations:
        if name not in C_ACTIVATIONS and name != "softmax":
            raise InputError(f"expected an activation that export writes in C ({', '.join(C_ACTIVATIONS)}), got {name}")
    encoding = said["encoding"] or {}
    scale_x, scale_t = encoding.get("scale_x"), encoding.get("scale_t")
    sizes, last = network.sizes, len(weights)
    lines = [
        f"{C_MARK}{network}",
        " *",
        " * bpnn(inputs, outputs) computes the outputs in double precision, from inputs in the table's own units:",
        " * a column of words is an input per word, 1 for the row's word and 0 for the others. bpnn_inputs has their names.",
        " * cc -DBPNN_MAIN FILE.c -lm makes a program: rows of numbers in, outputs out.",
        " */",
        "#include <math.h>",
        f"#define BPNN_INPUTS {sizes[0]}",
        f"#define BPNN_OUTPUTS {sizes[-1]}",
        _c_words("bpnn_inputs", said["inputs"], sizes[0]),
        _c_words("bpnn_outputs", said["outputs"], sizes[-1]),
        *(_c_matrix(f"W{l}", np.asarray(W, np.float64)) for l, W in enumerate(weights, 1)),
        *([] if scale_x is None else [_c_vector("mean_x", scale_x[0]), _c_vector("sd_x", scale_x[1])]),
        *([] if scale_t is None else [_c_vector("mean_t", scale_t[0]), _c_vector("sd_t", scale_t[1])]),
        "",
        "void bpnn(const double *inputs, double *outputs)",
        "{",
        *(f"    double a{k}[{size}];" for k, size in enumerate(sizes)),
        "    int i, j;",
        f"    for (i = 0; i < {sizes[0]}; i++) a0[i] = {'inputs[i]' if scale_x is None else '(inputs[i] - mean_x[i]) / sd_x[i]'};",
    ]
    for l in range(last):
        lines += _c_layer(network, l)
    value = f"a{last}[j]" if scale_t is None else f"a{last}[j] * sd_t[j] + mean_t[j]"
    lines += [f"    for (j = 0; j < {sizes[-1]}; j++) outputs[j] = {value};", "}", C_MAIN]
    return "\n".join(lines).encode()


def _c_layer(network: Network, l: int) -> list[str]:
    name, out, bias = network.activations[l], network.sizes[l + 1], network.biases[l]
    rows = network.shapes[l][0]
    lines = [
        f"    for (j = 0; j < {out}; j++) {{",
        f"        double z = {f'W{l + 1}[{rows - 1}][j]' if bias else '0.0'};",
    ]
    for k in network.below[l]:
        start = network.rows(l, k).start
        lines.append(f"        for (i = 0; i < {network.sizes[k]}; i++) z += a{k}[i] * W{l + 1}[{start} + i][j];")
    lines += [f"        a{l + 1}[j] = {'z' if name == 'softmax' else C_ACTIVATIONS[name]};", "    }"]
    if name == "softmax":
        a = f"a{l + 1}"
        lines += [
            "    {",
            f"        double high = {a}[0], sum = 0.0;",
            f"        for (j = 1; j < {out}; j++) if ({a}[j] > high) high = {a}[j];",
            f"        for (j = 0; j < {out}; j++) sum += {a}[j] = exp({a}[j] - high);",
            f"        for (j = 0; j < {out}; j++) {a}[j] /= sum;",
            "    }",
        ]
    return lines


def _c_vector(name: str, values: Sequence[float]) -> str:
    return f"static const double {name}[{len(values)}] = {{{', '.join(repr(float(v)) for v in values)}}};"


def _c_matrix(name: str, W: np.ndarray) -> str:
    rows = ",\n".join("    {" + ", ".join(repr(float(v)) for v in row) + "}" for row in W)
    return f"static const double {name}[{W.shape[0]}][{W.shape[1]}] = {{\n{rows}}};"


def _c_words(name: str, words: Sequence[str], count: int) -> str:
    """Names as C strings: every byte that is no plain letter, digit or sign as an octal escape."""
    plain = [
        "".join(chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}" for b in word.encode())
        for word in (words or [str(k + 1) for k in range(count)])
    ]
    quoted = ", ".join(f'"{word}"' for word in plain)
    return f"const char *const {name}[{count}] = {{{quoted}}};"


C_MAIN = """
#ifdef BPNN_MAIN
#include <stdio.h>
int main(void)
{
    double x[BPNN_INPUTS], y[BPNN_OUTPUTS];
    int i;
    for (;;) {
        for (i = 0; i < BPNN_INPUTS; i++)
            if (scanf(i ? "%*[,; \\t]%lf" : "%lf", &x[i]) != 1) return i != 0;
        bpnn(x, y);
        for (i = 0; i < BPNN_OUTPUTS; i++) printf("%.17g%c", y[i], i + 1 < BPNN_OUTPUTS ? ' ' : '\\n');
    }
}
#endif
"""
WRITERS: dict[str, Callable[[Network, Weights, dict[str, Any]], bytes]] = {".json": _json, ".npz": _npz, ".c": _c}

"""The article: its random numbers, how its two programs train, and its published numbers beside ours (JAX, float64)."""

import math
import os
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bpnn_jax import patterns
from bpnn_jax.errors import InputError
from bpnn_jax.network import Network
from bpnn_jax.patterns import Patterns, files, scores
from bpnn_jax.training import Settings, TrainResult, predict, train

LEARNING_RATE, MOMENTUM = 0.5, 0.1  # its N and M
SEED = 0  # random.seed(0)
CUTOFF = 0.01  # ERROR_CUTOFF of the code recogniser
HIDDEN, TRAIN_SIZE, TEST_SIZE = 8, 500, 500

NAND_SETTINGS = Settings(epochs=1000, order="article", measure="last-pattern", history_every=50)
RECOGNISER_SETTINGS = Settings(epochs=1000, order="article", measure="last-output")

# What its program prints for its "XOR", whose targets are those of NAND, every 50th iteration from 0.
# fmt: off
NAND_ERRORS = (
    "0.171204877501", "0.190866985872", "0.126126875154", "0.0658488960415", "0.0353249077599",
    "0.0214428399072", "0.0144886807614", "0.0105787745309", "0.00816264126944", "0.00655731212209",
    "0.00542964723539", "0.00460235328667", "0.00397407912435", "0.00348339081276", "0.00309120476889",
    "0.00277163178862", "0.00250692771135", "0.00228457151714", "0.00209550313514", "0.00193302192499",
)
# fmt: on
NAND_OUTPUTS = ["0.9982333356008245", "0.9647325217906978", "0.9627966274767186", "0.05966109502803293"]
NAND_LAST_ERROR_WITH_HIDDEN_BIAS = "0.00262203286178"
SUCCESS_RATE = "65.20"  # in percent, on testdata.200, without and with the hidden bias node


def initial_weights(network: Network, seed: int = SEED) -> tuple[np.ndarray, np.ndarray]:
    """The article's draws, in float64: W1 row by row from ±0.2, then W2 from ±2, from Python's ``random.seed(seed)``.

    With the hidden bias node W1 has one more column, drawn and never used; it is drawn here too, and dropped.

    >>> W1, W2 = initial_weights(Network((2, 2, 1), hidden_bias=False))
    >>> [round(float(w), 12) for w in W1[0]]
    [0.13776874061, 0.103181761176]
    """
    draw = random.Random(seed).uniform
    (rows, hidden), (rows_above, outputs) = network.shapes
    columns = hidden + network.hidden_bias
    W1 = np.array([[draw(-0.2, 0.2) for _ in range(columns)] for _ in range(rows)])[:, :hidden]
    W2 = np.array([[draw(-2.0, 2.0) for _ in range(outputs)] for _ in range(rows_above)])
    return W1, W2


# --- the published numbers beside ours ---

NAND_TABLE = "NAND, 2-2-1"
BIAS_TABLE = "NAND, 2-2-1 with a hidden bias node"
CODE_TABLE = "code recogniser, 20-8-3, testdata.200"
FULL_PRECISION = (
    15  # significant digits that float64 always keeps; the last ones that Python prints are the exponential's
)
DATA_FILE = "testdata.200"
HOW_TO_GET_IT = (
    "testdata.200 is part of the article's repository, github.com/hankcs/neural_net; put it into a folder "
    "and name that by --data FOLDER or the environment variable BPNN_ARTICLE_DATA"
)


@dataclass(frozen=True)
class Row:
    """One published number. ``digits`` is how many significant digits agree; ``match``, whether all that can be expected do."""

    table: str
    what: str
    published: str
    ours: str
    digits: int
    match: bool


def compare(table: str, what: str, published: str, ours: float, form: str) -> Row:
    """Print ours as the article did (``form``), and count the digits that agree.

    >>> row = compare("t", "w", "0.0019", 0.00190000001, ".2g")
    >>> row.match, row.digits
    (True, 2)
    """
    shown, wanted = format(ours, form), float(published)
    printed = len(published.replace(".", "").lstrip("0"))
    apart = abs(float(shown) - wanted)
    digits = printed if apart == 0 else max(0, min(printed, math.floor(-math.log10(apart / abs(wanted)))))
    return Row(table, what, published, shown, digits, shown == published or digits >= FULL_PRECISION)


def nand(hidden_bias: bool) -> tuple[Network, TrainResult]:
    """The article's first program: its "XOR" has the targets 1 1 1 0."""
    network = Network((2, 2, 1), hidden_bias=hidden_bias)
    gate = patterns.load("nand")
    return network, train(
        network,
        gate.x,
        gate.t,
        learning_rate=LEARNING_RATE,
        momentum=MOMENTUM,
        weights=initial_weights(network),
        dtype="float64",
        settings=NAND_SETTINGS,
    )


def recogniser(data: Patterns, hidden_bias: bool) -> tuple[TrainResult, float]:
    """The article's second program, and its success rate in percent. The first line of its file is only read for its shape."""
    network = Network((data.x.shape[1], HIDDEN, data.t.shape[1]), hidden_bias=hidden_bias)
    learn, test = data[1:].split(TRAIN_SIZE, TEST_SIZE)
    result = train(
        network,
        learn.x,
        learn.t,
        learning_rate=LEARNING_RATE,
        momentum=MOMENTUM,
        cutoff=CUTOFF,
        weights=initial_weights(network),
        dtype="float64",
        settings=RECOGNISER_SETTINGS,
    )
    return result, 100.0 * float(scores.hits(predict(network, result.weights, test.x), test.t, 0.5).mean())


def find_data(folder: Path | None = None) -> Path | None:
    """The article's data file: in ``folder`` if one is given (and then it must be there), else where it may lie."""
    if folder is not None:
        if not os.path.isfile(folder / DATA_FILE):  # False too where the folder may not be entered
            raise InputError(f"expected {DATA_FILE} in {folder}, got no such file; {HOW_TO_GET_IT}")
        return folder / DATA_FILE
    places = (os.environ.get("BPNN_ARTICLE_DATA"), ".")
    return next((Path(p) / DATA_FILE for p in places if p and os.path.isfile(Path(p) / DATA_FILE)), None)


def rows(data: Path | None) -> list[Row]:
    """Every number that the article prints; those of the recogniser only where its data file is given."""
    found: list[Row] = []
    network, result = nand(hidden_bias=False)
    for (epoch, error), published in zip(result.history, NAND_ERRORS, strict=True):
        found.append(compare(NAND_TABLE, f"error at iteration {epoch:.0f}", published, error, ".12g"))
    gate = patterns.load("nand")
    outputs = predict(network, result.weights, gate.x).ravel().tolist()
    for x, output, published in zip(gate.x.astype(int).tolist(), outputs, NAND_OUTPUTS, strict=True):
        found.append(compare(NAND_TABLE, f"output for {x}", published, output, ""))
    last = nand(hidden_bias=True)[1].history[-1, 1]
    found.append(compare(BIAS_TABLE, "error at iteration 950", NAND_LAST_ERROR_WITH_HIDDEN_BIAS, last, ".12g"))
    if data is not None:
        read = files.read(data)
        needed = 1 + TRAIN_SIZE + TEST_SIZE
        if len(read) < needed:
            raise InputError(f"{data}: expected the article's file, {needed} patterns or more, got {len(read)}")
        for hidden_bias, what in ((False, "success rate in %"), (True, "success rate in %, hidden bias node")):
            found.append(compare(CODE_TABLE, what, SUCCESS_RATE, recogniser(read, hidden_bias)[1], ".2f"))
    return found

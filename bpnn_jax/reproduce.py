"""The article's published numbers beside ours, which come from the JAX path in float64."""

import math
import os
from dataclasses import dataclass
from pathlib import Path

from bpnn_jax import article, pattern_files, patterns, scores
from bpnn_jax.errors import InputError
from bpnn_jax.network import Network
from bpnn_jax.patterns import Patterns
from bpnn_jax.training import TrainResult, predict, train

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
        learning_rate=article.LEARNING_RATE,
        momentum=article.MOMENTUM,
        weights=article.initial_weights(network),
        dtype="float64",
        settings=article.NAND_SETTINGS,
    )


def recogniser(data: Patterns, hidden_bias: bool) -> tuple[TrainResult, float]:
    """The article's second program, and its success rate in percent. The first line of its file is only read for its shape."""
    network = Network((data.x.shape[1], article.HIDDEN, data.t.shape[1]), hidden_bias=hidden_bias)
    learn, test = data[1:].split(article.TRAIN_SIZE, article.TEST_SIZE)
    result = train(
        network,
        learn.x,
        learn.t,
        learning_rate=article.LEARNING_RATE,
        momentum=article.MOMENTUM,
        cutoff=article.CUTOFF,
        weights=article.initial_weights(network),
        dtype="float64",
        settings=article.RECOGNISER_SETTINGS,
    )
    return result, 100.0 * float(scores.hits(predict(network, result.weights, test.x), test.t, 0.5).mean())


def find_data(folder: Path | None = None) -> Path | None:
    """The article's data file: in ``folder`` if one is given (and then it must be there), else where it may lie."""
    if folder is not None:
        if not os.path.isfile(folder / DATA_FILE):  # False too where the folder may not be entered
            raise InputError(f"expected {DATA_FILE} in {folder}, got no such file; {HOW_TO_GET_IT}")
        return folder / DATA_FILE
    places = (os.environ.get("BPNN_ARTICLE_DATA"), "../shared/data", ".")
    return next((Path(p) / DATA_FILE for p in places if p and os.path.isfile(Path(p) / DATA_FILE)), None)


def rows(data: Path | None) -> list[Row]:
    """Every number that the article prints; those of the recogniser only where its data file is given."""
    found: list[Row] = []
    network, result = nand(hidden_bias=False)
    for (epoch, error), published in zip(result.history, article.NAND_ERRORS, strict=True):
        found.append(compare(NAND_TABLE, f"error at iteration {epoch:.0f}", published, error, ".12g"))
    gate = patterns.load("nand")
    outputs = predict(network, result.weights, gate.x).ravel().tolist()
    for x, output, published in zip(gate.x.astype(int).tolist(), outputs, article.NAND_OUTPUTS, strict=True):
        found.append(compare(NAND_TABLE, f"output for {x}", published, output, ""))
    last = nand(hidden_bias=True)[1].history[-1, 1]
    found.append(compare(BIAS_TABLE, "error at iteration 950", article.NAND_LAST_ERROR_WITH_HIDDEN_BIAS, last, ".12g"))
    if data is not None:
        read = pattern_files.read(data)
        needed = 1 + article.TRAIN_SIZE + article.TEST_SIZE
        if len(read) < needed:
            raise InputError(f"{data}: expected the article's file, {needed} patterns or more, got {len(read)}")
        for hidden_bias, what in ((False, "success rate in %"), (True, "success rate in %, hidden bias node")):
            found.append(compare(CODE_TABLE, what, article.SUCCESS_RATE, recogniser(read, hidden_bias)[1], ".2f"))
    return found

"""The article's settings: its random numbers, and how its two programs train. Numbers from the article and its comments."""

import random

import numpy as np

from bpnn_jax.loop import Settings
from bpnn_jax.network import Network

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

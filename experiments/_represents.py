"""What a network can represent with a bias node on its hidden layer, and without.

Without the node an output is f(w·h), and at the middle of the targets lies w·h = 0, a plane through the origin. Sigmoid's h are all
positive. So a single hidden node only makes constants, where with the node it makes every gate that a line separates, 14 of 16. Two
hidden nodes and n outputs, each high for one of n patterns: a half-plane through the origin can cut the first or the last of n
directions in a quadrant from the others, so n <= 2. Tanh's directions go all round: each must be alone in a half-plane, so the gaps on
its two sides make more than half a turn, and of four directions the first and the third would have more than a whole turn: n <= 3.
With the node any n will do, on a circle. What training finds it proves; what it does not find it does not.
"""

from typing import Any

import numpy as np

from bpnn_jax import Network, Settings, init_paired, load_patterns, train_many

GATES = [np.array([[g >> 3 & 1], [g >> 2 & 1], [g >> 1 & 1], [g & 1]], float) for g in range(16)]
TRIES, TRY_EPOCHS, TRY_RANGES = 128, 4000, (2.0, 4.0)


def represents(kind: str, bias: bool, hidden: tuple[int, ...], encoders: tuple[int, ...]) -> dict[str, Any]:
    """How many of the 16 gates at least one run learnt, for each number of hidden nodes; how many runs learnt each encoder n-2-n."""
    x = load_patterns("xor").x
    gates = {h: _learnt(Network((2, h, 1), kind, hidden_bias=bias), x, GATES) for h in hidden}
    one = {n: _learnt(Network((n, 2, n), kind, hidden_bias=bias), np.eye(n), [np.eye(n)]) for n in encoders}
    return {
        "gates": {str(h): sum(runs > 0 for runs in learnt) for h, learnt in gates.items()},
        "encoders": {str(n): runs for n, (runs,) in one.items()},
    }


def _learnt(network: Network, x: np.ndarray, targets: list[np.ndarray]) -> list[int]:
    """For each of the targets the runs, of 128, that have every output within 0.4 of the distance between high and low."""
    low, rate = (0.0, 2.0) if network.activations[0] == "sigmoid" else (-1.0, 0.1)
    start = init_paired(network, "uniform", TRY_RANGES, np.arange(TRIES))
    settings = Settings(epochs=TRY_EPOCHS, rule="sgd", history_every=TRY_EPOCHS)
    found = []
    for t in targets:
        runs = train_many(
            network,
            x,
            np.where(t == 1, 1.0, low),
            seeds=TRIES,
            learning_rate=rate,
            weights=start,
            tolerance=0.4 * (1.0 - low),
            settings=settings,
        )
        found.append(int((runs.stopped == "solved").sum()))
    return found

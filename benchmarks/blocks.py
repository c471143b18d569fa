"""Many networks by matrix products: how long they take by the width of a block, and what a shuffled epoch costs.

``python -m benchmarks.blocks`` prints nanoseconds per pattern and network on one core, how long an order of the patterns takes to
draw, and what 1024 networks of 784-32-10 take beside 64, with the memory; a minute. docs/speed.md has the tables.
"""

import resource
import time
from functools import partial
from statistics import median
from typing import Any

import jax
import numpy as np

from bpnn_jax import Network, train_many
from bpnn_jax.training._orders import permutation

CELLS = (("64-32-10", "minibatch", 1797), ("64-32-10", "batch", 1797), ("784-32-10", "minibatch", 1000))
WIDTHS = (16, 32, 64)
NETWORKS, EPOCHS, ROUNDS = 64, 3, 3
PATTERNS, DRAWS = (100, 1797, 60_000), 64
LARGE, LARGE_PATTERNS, MANY = Network((784, 32, 10), "sigmoid"), 10_000, (64, 1024)


def nanoseconds(name: str, mode: str, patterns: int, width: int, shuffle: bool) -> float:
    """Per pattern and network, of one core."""
    sizes = tuple(map(int, name.split("-")))
    random = np.random.default_rng(0)
    x, t = random.normal(size=(patterns, sizes[0])), np.eye(sizes[-1])[random.integers(sizes[-1], size=patterns)]
    run = partial(train_many, Network(sizes, ("sigmoid", "softmax")), x, t, seeds=NETWORKS, lanes=width, cores=1)
    options: dict[str, Any] = {"objective": "cross-entropy", "reduction": "mean", "rule": "heavy-ball"}
    options |= {"learning_rate": 0.01, "mode": mode, "shuffle": shuffle, "epochs": EPOCHS}
    return run(**options).seconds / (patterns * NETWORKS * EPOCHS) * 1e9


def microseconds(draw: Any, patterns: int) -> float:
    """Per order of so many patterns; ``DRAWS`` of them, one after the other."""
    some = jax.jit(lambda seeds: jax.lax.map(lambda seed: draw(jax.random.key(seed), 0, patterns), seeds))
    seeds = np.arange(DRAWS, dtype=np.uint32)
    jax.block_until_ready(some(seeds))
    began = time.perf_counter()
    jax.block_until_ready(some(seeds))
    return (time.perf_counter() - began) / DRAWS * 1e6


def jax_s_own(key: Any, epoch: Any, patterns: int) -> Any:
    return jax.random.permutation(jax.random.fold_in(key, epoch), patterns)


def large(networks: int) -> str:
    """One epoch of so many large networks in minibatches of 32, on all cores, and the most memory that the process has had."""
    random = np.random.default_rng(0)
    x = random.normal(size=(LARGE_PATTERNS, LARGE.sizes[0])).astype("float32")
    t = np.eye(10, dtype="float32")[random.integers(10, size=LARGE_PATTERNS)]
    found = train_many(LARGE, x, t, seeds=networks, epochs=1, mode="minibatch", rule="sgd", learning_rate=0.01)
    each = found.seconds / networks / LARGE_PATTERNS * 1e9
    return (
        f"{networks:>4} networks: {each:.0f} ns, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB"
    )


def main() -> None:
    print(f"{'':<24}" + "".join(f"{f'blocks of {width}':>14}" for width in WIDTHS) + f"{'16, shuffled':>14}")
    for cell in CELLS:
        how = [(width, False) for width in WIDTHS] + [(16, True)]
        found = [[nanoseconds(*cell, *one) for one in how] for _ in range(ROUNDS)]  # in turns: the machine is not quiet
        print(f"{cell[0] + ', ' + cell[1]:<24}" + "".join(f"{median(of):>14.0f}" for of in zip(*found, strict=True)))
    print(f"\n{'an order of':<24}{'ours, µs':>14}{'JAX, µs':>14}")
    for patterns in PATTERNS:
        found = [(microseconds(permutation, patterns), microseconds(jax_s_own, patterns)) for _ in range(ROUNDS)]
        print(f"{patterns:<24}" + "".join(f"{median(of):>14.0f}" for of in zip(*found, strict=True)))
    print(f"\n{LARGE}, minibatches of 32, {LARGE_PATTERNS} patterns, all cores")
    for networks in MANY:
        print(large(networks))


if __name__ == "__main__":
    main()

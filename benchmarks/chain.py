"""What an online update of one network waits for: ``python -m benchmarks.chain``.

The forward pass of a pattern takes the weights that the pattern before has moved. From one W^1 to the next leads a chain of additions
and multiplications, each of which waits for the one before, and of one activation per layer. However many cores or vectors there
are, an update is not shorter. The command measures one link of either kind, and prints the chain beside the time of ``train``.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import tyro

from bpnn_jax import InputError, Network, train

LINKS, TIMES, ROUNDS = 50, 20_000, 7  # operations in a loop's body, how often it runs, how often it is measured
PATTERNS = 512


@dataclass(frozen=True)
class Chain:
    """The chain of an online update, beside the update."""

    sizes: str = "20-8-3"
    """The layers of the network."""
    epochs: int = 400
    """How many epochs of 512 patterns ``train`` is timed for."""


def links(sizes: Sequence[int]) -> int:
    """Additions and multiplications from one W^1 to the next, sums as trees, a product and an addition of its own counted apart.

    Of 20-8-3: z^1 1 product and 5 additions of 21 terms, z^2 1 and 4; (8) 3; (9) 1 and 2, and f' 1; the rate 1, the step 1.

    >>> links((20, 8, 3))
    20
    """
    forward = sum(1 + n_in.bit_length() for n_in in sizes[:-1])  # a tree of n_in terms and the bias node's
    back = sum(2 + (n_out - 1).bit_length() for n_out in sizes[2:])
    return forward + 3 + back + 2


def per_link(operation: Callable[[Any], Any], width: int) -> float:
    """Nanoseconds of processor time of ``operation`` on a vector, each on the result of the one before; the least of some rounds."""
    import jax
    import jax.numpy as jnp

    def body(_: Any, v: Any) -> Any:
        for _ in range(LINKS):
            v = operation(v)
        return v

    run = jax.jit(lambda v: jax.lax.fori_loop(0, TIMES, body, v)).lower(jnp.full(width, 0.5)).compile()
    start = jnp.full(width, 0.5)
    return min(_cpu(lambda: jax.block_until_ready(run(start))) for _ in range(ROUNDS)) * 1e9 / LINKS / TIMES


def _cpu(call: Callable[[], Any]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def update(sizes: Sequence[int], epochs: int) -> float:
    """Nanoseconds of processor time per online update by ``train``, without what a call does once; the least of some rounds."""
    rng = np.random.default_rng(0)
    x, t = rng.uniform(0, 1, (PATTERNS, sizes[0])), rng.uniform(0.1, 0.9, (PATTERNS, sizes[-1]))

    def once(n: int) -> float:
        call = lambda: train(Network(tuple(sizes)), x, t, rule="sgd", learning_rate=0.1, epochs=n, history_every=n)  # noqa: E731
        call()
        return min(_cpu(call) for _ in range(ROUNDS))

    return (once(epochs) - once(1)) * 1e9 / (epochs - 1) / PATTERNS


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = tyro.cli(Chain, description=__doc__, args=arguments)
    try:
        sizes = Network(tuple(int(n) for n in chosen.sizes.split("-"))).sizes
    except (ValueError, InputError) as error:
        print(f"benchmarks.chain: expected sizes such as 20-8-3, got {chosen.sizes!r}: {error}", file=sys.stderr)
        return 2
    if chosen.epochs < 2:
        print(f"benchmarks.chain: expected --epochs of 2 or more, got {chosen.epochs}", file=sys.stderr)
        return 2
    import jax

    from bpnn_jax.training.fused.activations import sigmoid as ours

    width = 8  # float32 of a vector; a layer's nodes are one, so its width costs nothing here
    add = per_link(lambda v: v * 0.999 + 0.0005, width)  # a product and an addition in one, as the compiler makes it
    sigmoid, by_jax = per_link(ours, width), per_link(jax.nn.sigmoid, width)
    count, layers = links(sizes), len(list(pairwise(sizes)))
    chain = count * add + layers * sigmoid
    whole = update(sizes, chosen.epochs)
    print(
        f"multiply-add {add:.2f} ns, sigmoid {sigmoid:.1f} ns (JAX's {by_jax:.1f} ns), each on the result of the one before"
    )
    print(
        f"{chosen.sizes}: {count} · {add:.2f} + {layers} · {sigmoid:.1f} = {chain:.0f} ns; an update takes {whole:.0f} ns"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

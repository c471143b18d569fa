"""How long an update takes by the number of outputs, lanes and matrix products side by side: ``python -m benchmarks.outputs``.

Prints nanoseconds of processor time per pattern and network for a block of 64 networks, float32, sgd. The sum over the layer above
in (9) has as many terms as that layer has nodes: ``training.fused.equations.MANY_ABOVE`` is from here, and so are
``training._engines.LANES_BATCH_WEIGHTS`` and, with one network, ``FUSED_WEIGHTS`` and ``BATCH_WEIGHTS``.

    python -m benchmarks.outputs                       the sizes below
    python -m benchmarks.outputs 20-8-3 64-32-10       these
"""

import sys
import time
from collections.abc import Callable
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax import Network
from bpnn_jax.training import _blocks, _engines, _loop
from bpnn_jax.training._loop import Rates
from bpnn_jax.training._settings import Settings

SIZES = ("20-8-3", "20-8-4", "20-8-5", "20-8-10", "30-16-2", "40-16-4", "50-20-5", "64-32-10", "64-64-64-10")
PATTERNS, NETWORKS, ENOUGH = 256, 64, 0.3  # seconds of one measurement


def per_update(run: Callable[[int], object]) -> float:
    """Nanoseconds per pattern of ``run(epochs)``, once compiled."""
    jax.block_until_ready(run(0))
    epochs = 1
    while True:
        began = time.process_time()
        jax.block_until_ready(run(epochs))
        spent = time.process_time() - began
        if spent > ENOUGH or epochs >= 4096:
            return spent / epochs / PATTERNS * 1e9
        epochs *= 2


def settings(mode: str) -> Settings:
    found = Settings(epochs=5000, history_every=5000, rule="sgd", mode=mode)
    return replace(found, batch_size=32) if mode == "minibatch" else found


def arrays(network: Network, networks: tuple[int, ...]) -> tuple:
    random = np.random.default_rng(0)
    x, t = random.normal(size=(PATTERNS, network.sizes[0])), random.uniform(size=(PATTERNS, network.sizes[-1]))
    weights = tuple((0.1 * random.normal(size=(*networks, *shape))).astype("float32") for shape in network.shapes)
    rates = Rates(*(np.full(networks, rate, "float32") for rate in (1e-3, 0.0, 0.0, 0.0)))
    return weights, rates, x.astype("float32"), t.astype("float32")


def many(network: Network, mode: str, engine: str) -> float:
    given = arrays(network, (NETWORKS,))
    return (
        per_update(lambda until: _blocks.run_block(engine, network, settings(mode), "float32", *given, until=until))
        / NETWORKS
    )


def one(network: Network, mode: str, engine: _loop.Engine) -> float:
    weights, rates, x, t = (jax.tree.map(jnp.asarray, part) for part in arrays(network, ()))
    state = _loop.start(settings(mode), weights, rates, network, engine)
    run = jax.jit(
        lambda state, until: _loop.run(
            network, settings(mode), state, x, t, rates, jax.random.key(0), until, engine=engine
        )
    )
    return per_update(lambda until: run(state, until))


def main(sizes: tuple[str, ...]) -> None:
    print(f"{'':<14}{'weights':>8}  {'many':<10}{'lanes':>8}{'products':>10}{'one':>8}{'fused':>8}{'generic':>9}")
    for name in sizes:
        network = Network(tuple(map(int, name.split("-"))))
        for mode in ("online", "minibatch", "batch"):
            line = f"{name:<14}{_engines.weights(network):>8}  {mode:<10}"
            line += f"{many(network, mode, _engines.LANES):>8.0f}{many(network, mode, _engines.MAPPED):>10.0f}"
            fused = _engines.FUSED if mode == "online" else _engines.FUSED_BATCHES
            line += f"{'':>8}{one(network, mode, fused):>8.0f}{one(network, mode, _loop.GENERIC):>9.0f}"
            print(line, flush=True)


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or SIZES)

"""Which loop serves which run. The measurements behind the limits are in docs/speed.md."""

from bpnn_jax.kernels import epoch
from bpnn_jax.kernels.equations import ONE
from bpnn_jax.loop import GENERIC, Engine, Settings
from bpnn_jax.network import Network

WIDEST = 64  # nodes in a layer: a sum is written out term by term, and a wider one is better a matrix product
FUSED = Engine(
    "fused loop",
    lambda network, settings, weights, rates: epoch.memory(network, settings, weights),
    lambda network, settings, carry, x, t, rates: epoch.run(network, settings, ONE, carry, x, t, rates),
)


def written_out(network: Network, settings: Settings) -> bool:
    """Whether ``equations`` serves: small layers, the gradient by hand, a rule of ``epoch.STEPS``."""
    by_hand = settings.gradient == "manual" and isinstance(settings.rule, str) and settings.rule in epoch.STEPS
    return by_hand and max(network.sizes) <= WIDEST


def engine(network: Network, settings: Settings) -> Engine:
    """For one network. Batches have matrix products, and are better left to them."""
    return FUSED if settings.mode == "online" and written_out(network, settings) else GENERIC

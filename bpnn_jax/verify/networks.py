"""What to check, and the networks that each rung checks for it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import cycle

from bpnn_jax.errors import seed, unknown, whole_number
from bpnn_jax.network import Network
from manual import ACTIVATIONS

PROVED_SIZES = ((1, 1), (2, 1), (2, 2, 1), (3, 2, 2), (2, 2, 2, 1), (3, 3, 2, 2))
PROVABLE = 30  # weights; above that a proof takes minutes
PROVED_SKIPPING = ((2, 1, 1), (2, 1, 1, 2))  # with skip connections
CURVED_SIZES = (2, 2, 1)
DRAWN_SIZES = (4, 5, 5, 3)
SCALE_SIZES = (20, 8, 3)
LOOP_SIZES = (3, 2, 2, 2)  # of the training loops, which are written out weight by weight: what compiles soon
LARGER_SIZES = (60, 40, 3)  # more weights than ``train_many`` has in lanes, online
RULE_SIZES = (3, 2, 2)  # of those of many networks that differ in the rule alone
KERNEL_SIZES = (3, 2, 2, 2, 2)  # as many layers as the GPU kernel has activations
OBJECTIVE_SIZES = (4, 5, 3)  # the shapes of the mistakes' networks: operations are compiled for a shape
FURTHER = tuple(name for name, f in ACTIVATIONS.items() if f.equations[1] == 17)
# The networks of the mistakes: one with the activations of (1) to (4), one with those of (17). Both have a square weight matrix, and
# more than one output.
MISTAKEN, MISTAKEN_FURTHER = (
    Network((4, *(5,) * (len(names) - 1), 3), names)
    for names in (tuple(name for name in ACTIVATIONS if name not in FURTHER), FURTHER)
)
# What else there is to minimise, with the output that it is for: (objective, output activation).
OBJECTIVES = (("half-squared-error", "softmax"), ("cross-entropy", "sigmoid"), ("cross-entropy", "softmax"))


@dataclass(frozen=True)
class Options:
    """What to check. ``sizes`` None means the ladder's own: small ones to prove, 4-5-5-3 to compare, 20-8-3 at scale."""

    sizes: tuple[int, ...] | None = None
    activations: tuple[str, ...] = tuple(ACTIVATIONS)
    hidden_bias: bool | None = None  # None: on and off
    networks: int = 100_000
    seed: int = 0

    def __post_init__(self):
        for name in self.activations:
            if name not in ACTIVATIONS:
                raise unknown("activation", name, ACTIVATIONS)
        whole_number("networks", self.networks, 1)
        seed(self.seed)
        if self.sizes is not None:
            Network(self.sizes)

    def bias_choices(self) -> list[tuple[bool, bool]]:
        """(input bias, hidden bias) pairs."""
        if self.hidden_bias is not None:
            return [(True, self.hidden_bias)]
        return [(True, True), (False, False), (True, False), (False, True)]


def with_objectives(options: Options, sizes: tuple[int, ...] = OBJECTIVE_SIZES) -> list[tuple[str, Network]]:
    """Each objective of ``OBJECTIVES`` with a network for it. A single output has no softmax: then the ladder's own sizes serve."""
    sizes = options.sizes if options.sizes and options.sizes[-1] > 1 else sizes
    bias = options.hidden_bias is not False
    return [(objective, with_output(output, sizes, bias)) for objective, output in OBJECTIVES]


def mixed(options: Options, sizes: tuple[int, ...], first: int = 0, skip: bool = False) -> Network:
    """One network with the activations in turn, from the one numbered ``first``."""
    names = [options.activations[(first + l) % len(options.activations)] for l in range(len(sizes) - 1)]
    return Network(sizes, names, hidden_bias=options.hidden_bias is not False, skip=skip)


def in_turn(options: Options, sizes: tuple[int, ...]) -> Iterator[Network]:
    """Networks in which each layer has each activation once; the choices of bias nodes take turns with them."""
    biases = options.bias_choices()
    for i in range(max(len(options.activations), len(biases))):
        input_bias, hidden_bias = biases[i % len(biases)]
        yield replace(mixed(options, sizes, i), input_bias=input_bias, hidden_bias=hidden_bias)


def taking_turns(options: Options, sizes: tuple[int, ...]) -> Iterator[Network]:
    """As few networks as hold every activation, again and again, so that some pieces share what is compiled for one.

    >>> turns = taking_turns(Options(activations=("tanh", "relu", "silu")), (2, 2, 1))
    >>> [next(turns).activations for _ in range(3)]
    [('tanh', 'relu'), ('silu', 'tanh'), ('tanh', 'relu')]
    """
    firsts = range(0, len(options.activations), len(sizes) - 1)
    return cycle([mixed(options, sizes, first) for first in firsts])


def proved(options: Options) -> Iterator[Network]:
    """The networks that are proved, each for any activation: theirs say nothing."""
    small = options.sizes and weights(Network(options.sizes)) <= PROVABLE
    for sizes in (options.sizes,) if options.sizes and small else PROVED_SIZES:
        for bias in options.bias_choices():
            # The mixed choices of bias are proved where that is cheap; the larger networks take both or none.
            if bias[0] == bias[1] or options.hidden_bias is not None or sizes == CURVED_SIZES:
                yield Network(sizes, "sigmoid", *bias)
    for sizes in (options.sizes,) if options.sizes and small else PROVED_SKIPPING:
        if len(sizes) > 2:
            yield Network(sizes, hidden_bias=options.hidden_bias is not False, skip=True)


def weights(net: Network) -> int:
    return sum(rows * columns for rows, columns in net.shapes)


def with_output(output: str, sizes: tuple[int, ...] = OBJECTIVE_SIZES, hidden_bias: bool = True) -> Network:
    """A network with that output activation, tanh below."""
    return Network(sizes, (*("tanh",) * (len(sizes) - 2), output), hidden_bias=hidden_bias)

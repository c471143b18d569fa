"""The network in JAX, written apart from ``manual``: its gradient is JAX's own, so that the two can be held together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax._runtime import products
from bpnn_jax._runtime.arrays import real_array
from bpnn_jax.errors import InputError, seed, switch, unknown, whole_number

Weights = tuple[Any, ...]  # L arrays, W[l] of shape (n_in + bias, n_out)

ACTIVATIONS: dict[str, Callable] = {
    "sigmoid": jax.nn.sigmoid,  # (1)
    "tanh": jnp.tanh,  # (2)
    "linear": lambda z: z,
    "lecun_tanh": lambda z: 1.7159 * jnp.tanh(2.0 / 3.0 * z),
    # (17). At a kink, in f or in f', z = 0 counts to the left side, as in jax.nn.relu and jax.nn.elu. In jax.nn.leaky_relu it
    # counts to the right one, and jax.nn.soft_sign takes the mean of both: these two are written here.
    "relu": jax.nn.relu,
    "leaky_relu": lambda z: jnp.where(z > 0, z, 0.01 * z),
    "elu": jax.nn.elu,
    "softplus": jax.nn.softplus,
    "softsign": lambda z: z / (1.0 + jnp.where(z > 0, z, -z)),
    "silu": jax.nn.silu,
    "gelu": jax.nn.gelu,  # by tanh
}
OUTPUT_ACTIVATIONS: dict[str, Callable] = {**ACTIVATIONS, "softmax": jax.nn.softmax}  # (18): of the output layer alone

INITIAL = ("uniform", "glorot", "lecun", "he", "nguyen-widrow")
DEEPEST = 100  # weight layers: each is compiled, and so is its way back
LARGEST_NETWORK = 100_000_000  # weights, 400 MB of float32; training holds them several times


@dataclass(frozen=True, init=False, repr=False)
class Network:
    """A layered network: hashable, so that it is static under ``jit``. It holds no weights.

    sizes:       (n0, ..., nL), n0 inputs and nL outputs, whole numbers from 1 up: a tuple, a list or an array of integers.
    activations: a name of ``ACTIVATIONS`` for each of the L weight layers, or one name for all; the last may be softmax.
    input_bias:  a bias node (output always 1) feeds the first weight layer.
    hidden_bias: a bias node feeds each later weight layer.
    skip:        skip connections: each layer is fed by all layers below it, the nearest first, the input last.

    Raises InputError for sizes, activations or switches that make no network.

    >>> Network((2, 3, 1), ("tanh", "linear")).shapes
    ((3, 3), (4, 1))
    """

    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    input_bias: bool
    hidden_bias: bool
    skip: bool

    def __init__(
        self,
        sizes: Sequence[int] | np.ndarray,
        activations: str | Sequence[str] = "sigmoid",
        input_bias: bool = True,
        hidden_bias: bool = True,
        skip: bool = False,
    ):
        sizes = _sizes(sizes)
        names = _activation_names(activations, len(sizes) - 1)
        _check_softmax(names, sizes)
        # A frozen dataclass is set this way, once.
        object.__setattr__(self, "sizes", sizes)
        object.__setattr__(self, "activations", names)
        object.__setattr__(self, "input_bias", switch("input_bias", input_bias))
        object.__setattr__(self, "hidden_bias", switch("hidden_bias", hidden_bias))
        object.__setattr__(self, "skip", switch("skip", skip))
        if len(sizes) - 1 > DEEPEST:
            raise InputError(
                f"expected at most {DEEPEST} layers of weights (hidden, and the output's), got {len(sizes) - 1}"
            )
        weights = sum(rows * columns for rows, columns in self.shapes)
        if weights > LARGEST_NETWORK:
            raise InputError(
                f"expected a network of at most {LARGEST_NETWORK:,} weights, got {weights:,}: fewer hidden nodes would fit"
            )

    @property
    def biases(self) -> tuple[bool, ...]:
        """For each weight layer, whether a bias node feeds it."""
        return (self.input_bias,) + (self.hidden_bias,) * (len(self.sizes) - 2)

    @property
    def below(self) -> tuple[tuple[int, ...], ...]:
        """For each weight layer the layers that feed it, by their number, in the order of its rows: 0 is the input.

        >>> Network((2, 3, 1)).below, Network((2, 3, 1), skip=True).below
        (((0,), (1,)), ((0,), (1, 0)))
        """
        return tuple(tuple(range(l, -1, -1)) if self.skip else (l,) for l in range(len(self.sizes) - 1))

    def rows(self, l: int, k: int) -> slice:
        """The rows of weight layer ``l`` (counted from 0) that layer ``k`` feeds.

        >>> Network((2, 3, 1), skip=True).rows(1, 0)
        slice(3, 5, None)
        """
        below = self.below[l]
        first = sum(self.sizes[j] for j in below[: below.index(k)])
        return slice(first, first + self.sizes[k])

    def above(self, k: int) -> tuple[int, ...]:
        """The weight layers (counted from 0) that layer ``k`` feeds, from the nearest up.

        >>> Network((2, 3, 3, 1)).above(1), Network((2, 3, 3, 1), skip=True).above(1)
        ((1,), (1, 2))
        """
        return tuple(l for l, below in enumerate(self.below) if k in below)

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """The shape (n_in + bias, n_out) of each weight matrix."""
        return tuple(
            (sum(self.sizes[k] for k in below) + bias, n_out)
            for below, n_out, bias in zip(self.below, self.sizes[1:], self.biases, strict=True)
        )

    def __repr__(self) -> str:
        """What makes it again.

        >>> Network((2, 3, 1), "tanh", hidden_bias=False)
        Network((2, 3, 1), 'tanh', hidden_bias=False)
        """
        names = self.activations if len(set(self.activations)) > 1 else self.activations[0]
        switches = {"input_bias": True, "hidden_bias": True, "skip": False}
        others = [f", {name}={not usual}" for name, usual in switches.items() if getattr(self, name) is not usual]
        return f"Network({self.sizes}, {names!r}{''.join(others)})"

    def __str__(self) -> str:
        names = self.activations if len(set(self.activations)) > 1 else self.activations[:1]
        bias = {(True, True): "", (True, False): ", no hidden bias", (False, True): ", no input bias"}
        return (
            "-".join(map(str, self.sizes))
            + " "
            + "/".join(names)
            + bias.get((self.input_bias, self.hidden_bias), ", no bias")
            + (", skip connections" if self.skip else "")
        )


def _sizes(given: Any) -> tuple[int, ...]:
    try:
        if isinstance(given, str | bytes):
            raise TypeError
        sizes = tuple(whole_number("each size", n, 1) for n in given)
    except (TypeError, InputError):
        sizes = ()
    if len(sizes) < 2:
        shown = tuple(given) if isinstance(given, list) else given
        raise InputError(f"expected sizes as two or more positive whole numbers, got {shown!r:.200}")
    return sizes


def _activation_names(given: Any, layers: int) -> tuple[str, ...]:
    names: tuple[Any, ...] = (given,) * layers if isinstance(given, str) or callable(given) else tuple(given)
    for name in names:
        if callable(name):
            called = getattr(name, "__name__", repr(name))
            known = repr(called) if called in OUTPUT_ACTIVATIONS else f"one of {', '.join(OUTPUT_ACTIVATIONS)}"
            raise InputError(f"expected each activation by its name, {known}, got the function {called}")
    if len(names) != layers:
        raise InputError(f"expected {layers} activations for {layers + 1} sizes, got {len(names)}: {names!r}")
    for name in names:
        if not isinstance(name, str) or name not in OUTPUT_ACTIVATIONS:
            raise unknown("activation", name, OUTPUT_ACTIVATIONS)
    return names


def _check_softmax(names: tuple[str, ...], sizes: tuple[int, ...]) -> None:
    """Raise InputError for a softmax below the output layer, or of one output."""
    if "softmax" in names[:-1]:
        raise InputError(
            f"expected softmax as the activation of the output layer alone, got it in layer {names.index('softmax') + 1} of "
            f"{len(names)}: each of its outputs depends on every node of its layer; sigmoid or tanh serve below it"
        )
    if names[-1] == "softmax" and sizes[-1] == 1:
        raise InputError(
            "expected softmax with two outputs or more, got one, which would always be 1: sigmoid serves a single output"
        )


def init(
    network: Network,
    key: Any = 0,
    *,
    initial: str = "uniform",
    ranges: Sequence[float] = (0.2, 2.0),
    dtype: Any = jnp.float32,
) -> Weights:
    """Random weights, a tuple of L matrices: W[l] of shape ``network.shapes[l]``, the bias node's weights last.

    initial: ``uniform``, U(-r, r) with r from ``ranges``, the last of which serves all later layers (the article's are 0.2
             and 2); ``glorot``, U(±sqrt(6/(n_in + n_out))), biases 0 (Glorot and Bengio 2010); ``lecun``, normal with
             variance 1/n_in, biases 0 (LeCun and others 1998); ``he``, normal with variance 2/n_in, biases 0 (He and others
             2015); ``nguyen-widrow``, in each layer but the last the weights into a node U(±1), scaled to the length
             β = 0.7 n_out^(1/n_in), and its bias U(±β); in the last U(±0.5), biases too (Nguyen and Widrow 1990).
             n_in counts the nodes below without the bias node.
    key:     a seed (0 to 2^32 - 1), or a JAX key. Drawn in float32 whatever ``dtype``: a seed means the same weights in both.

    Raises InputError for an unknown ``initial``, and for ranges or a seed that are no such numbers.

    >>> [W.shape for W in init(Network((2, 2, 1)), 0)]
    [(3, 2), (3, 1)]
    """
    if initial not in INITIAL:
        raise unknown("initial weights", initial, INITIAL)
    if initial == "uniform" and (not ranges or not all(0 <= r < float("inf") for r in ranges)):
        raise InputError(f"expected ranges as finite numbers from 0 up, got {tuple(ranges)!r}")
    keys = jax.random.split(key if isinstance(key, jax.Array) else jax.random.key(seed(key)), len(network.shapes))
    weights = []
    for l, (k, (rows, n_out), bias) in enumerate(zip(keys, network.shapes, network.biases, strict=True)):
        n_in = rows - bias
        if initial == "uniform":
            r = ranges[min(l, len(ranges) - 1)]
            W = jax.random.uniform(k, (rows, n_out), jnp.float32, -r, r)
        else:
            W, theta = _drawn(initial, k, n_in, n_out, last=l == len(network.shapes) - 1)
            W = jnp.concatenate([W, jnp.broadcast_to(theta[None], (rows - n_in, n_out))])
        weights.append(W.astype(dtype))
    return tuple(weights)


def _drawn(initial: str, key: jax.Array, n_in: int, n_out: int, *, last: bool) -> tuple[jax.Array, jax.Array]:
    """(W̄ of shape (n_in, n_out), θ of shape (n_out,)): the weights do not depend on whether there is a bias node."""
    if initial == "glorot":
        r = (6.0 / (n_in + n_out)) ** 0.5
        return jax.random.uniform(key, (n_in, n_out), jnp.float32, -r, r), jnp.zeros(n_out, jnp.float32)
    if initial in ("lecun", "he"):
        variance = {"lecun": 1.0, "he": 2.0}[initial] / n_in
        return jax.random.normal(key, (n_in, n_out), jnp.float32) * variance**0.5, jnp.zeros(n_out, jnp.float32)
    for_weights, for_biases = jax.random.split(key)
    W = jax.random.uniform(for_weights, (n_in, n_out), jnp.float32, -1.0, 1.0)
    theta = jax.random.uniform(for_biases, (n_out,), jnp.float32, -1.0, 1.0)
    if last:
        return 0.5 * W, 0.5 * theta
    beta = 0.7 * n_out ** (1.0 / n_in)
    return beta * W / jnp.sqrt(jnp.sum(W * W, axis=0, keepdims=True)), beta * theta


def apply(network: Network, weights: Weights, x: Any) -> jax.Array:
    """The outputs a^L, shape (nL,), of one pattern ``x`` of shape (n0,); or (patterns, nL) of a batch (patterns, n0).

    Equations (5) and (6), with the bias as a vector. Pure JAX: it works inside ``jit``, ``vmap`` and ``grad``, and checks nothing.

    >>> apply(Network((1, 1), "linear"), (jnp.array([[2.0], [1.0]]),), jnp.array([3.0]))
    Array([7.], dtype=float32)
    """
    return intermediates(network, weights, x)[1][-1]


def intermediates(
    network: Network, weights: Weights, x: Any, z_taps: Sequence[Any] | None = None
) -> tuple[list[jax.Array], list[jax.Array]]:
    """Every z^l and every a^l. ``z_taps``, zeros added to each z, make the gradient with respect to them the reference δ^l."""
    outputs, zs = [jnp.asarray(x)], []
    for l, (W, name, bias) in enumerate(zip(weights, network.activations, network.biases, strict=True)):
        # A product for each layer below, each with its own rows of W.
        with products.exact():
            z, *more = (jnp.dot(outputs[k], W[network.rows(l, k)]) for k in network.below[l])
        for part in more:
            z = z + part
        if bias:
            z = z + jnp.broadcast_to(W[-1], z.shape)
        if z_taps is not None:
            z = z + z_taps[l]
        zs.append(z)
        outputs.append(OUTPUT_ACTIVATIONS[name](z))
    return zs, outputs[1:]


def check_weights(network: Network, weights: Weights) -> None:
    """Raise InputError unless ``weights`` are L arrays of real numbers, of the network's shapes."""
    shapes = tuple(real_array(f"weights of layer {l}", W).shape for l, W in enumerate(weights, 1))
    if shapes != network.shapes:
        raise InputError(f"expected weights of shapes {network.shapes} for {network}, got {shapes}")


def half_squared_error(network: Network, weights: Weights, x: Any, t: Any) -> jax.Array:
    """E = ½ Σ_patterns Σ_k (a_k - t_k)², a scalar. A sum over outputs and over patterns, with the ½. Equation (7).

    ``x`` has shape (n0,) or (patterns, n0), ``t`` the same with nL. Pure JAX, like ``apply``.

    >>> net = Network((1, 1), "linear")
    >>> float(half_squared_error(net, (jnp.array([[2.0], [1.0]]),), jnp.array([[3.0]]), jnp.array([[5.0]])))
    2.0
    """
    return 0.5 * jnp.sum(jnp.square(apply(network, weights, x) - jnp.asarray(t)))


def cross_entropy(network: Network, weights: Weights, x: Any, t: Any) -> jax.Array:
    """E = -Σ t log a with softmax outputs, E = -Σ [t log a + (1-t) log(1-a)] with sigmoid outputs, a scalar. Equation (19).

    A sum over outputs and over patterns. ``x`` has shape (n0,) or (patterns, n0), ``t`` the same with nL. Pure JAX, like ``apply``.

    >>> net = Network((1, 2), "softmax")
    >>> E = cross_entropy(net, (jnp.zeros((2, 2)),), jnp.array([[3.0]]), jnp.array([[1.0, 0.0]]))
    >>> bool(jnp.isclose(E, jnp.log(2.0)))
    True
    """
    z, a = intermediates(network, weights, x)
    return jnp.sum(error_terms(network, "cross-entropy", z[-1], a[-1], jnp.asarray(t)))


def error_terms(network: Network, objective: str, z: Any, a: Any, t: Any, axis: int = -1) -> Any:
    """The terms of E, one per output, whose sum is (7) or (19); ``z`` and ``a`` are the output layer's, its nodes along ``axis``."""
    if objective == "half-squared-error":
        e = a - t
        return 0.5 * e * e
    if network.activations[-1] == "softmax":
        return -t * jax.nn.log_softmax(z, axis=axis)
    return jax.nn.softplus(-z) * t + jax.nn.softplus(z) * (1.0 - t)


OBJECTIVES: dict[str, Callable] = {"half-squared-error": half_squared_error, "cross-entropy": cross_entropy}


def check_objective(network: Network, objective: str) -> None:
    """Raise InputError where the objective is not for the network's outputs."""
    serving = {"half-squared-error": tuple(OUTPUT_ACTIVATIONS), "cross-entropy": ("sigmoid", "softmax")}[objective]
    if network.activations[-1] not in serving:
        raise InputError(
            f"expected {' or '.join(serving)} outputs for {objective}, got {network.activations[-1]}: half-squared-error serves "
            "every output activation"
        )


@partial(jax.jit, static_argnums=(0, 1, 2, 3))
def _draw_with_biases(
    sizes: tuple[int, ...], skip: bool, initial: str, ranges: tuple[float, ...], seeds: Any
) -> Weights:
    plain, skipping = Network(sizes), Network(sizes, skip=True)  # with every bias node; the activations do not matter

    def one(seed: Any) -> Weights:
        key = jax.random.key(seed)
        if skip and initial != "uniform":  # whose spread depends on how many nodes are below
            return init(skipping, key, initial=initial)
        drawn = init(plain, key, initial=initial, ranges=ranges)
        if not skip:
            return drawn
        more = init(skipping, jax.random.fold_in(key, 0), ranges=ranges)
        return tuple(jnp.concatenate([W[:-1], S[len(W) - 1 : -1], W[-1:]]) for W, S in zip(drawn, more, strict=True))

    return jax.vmap(one)(seeds)


def init_paired(
    network: Network, initial: str, ranges: Sequence[float], seeds: np.ndarray, width: int | None = None
) -> Weights:
    """First weights of each seed, equal in all networks that share them: arrays (n, n_in + bias, n_out) in float32.

    They are drawn for the network with all bias nodes, and the rows of those that it does not have are left out. The rows of skip
    connections come on top: the others are the weights of the same network without, where ``initial`` is uniform (the other kinds
    depend on how many nodes feed a layer, and are drawn anew).
    initial, ranges: as for ``init``.
    seeds: n whole numbers from 0 to 2^32 - 1.
    width: seeds are filled up to a multiple of it, so that other numbers of seeds compile nothing anew.

    Raises InputError for an unknown ``initial``, and for ranges that are no such numbers.

    >>> with_node, without = Network((2, 2, 1)), Network((2, 2, 1), hidden_bias=False)
    >>> a, b = (init_paired(n, "uniform", (0.2, 2.0), np.array([7]))[1][0].tolist() for n in (with_node, without))
    >>> len(a), len(b), a[:2] == b
    (3, 2, True)
    """
    n, width = len(seeds), width or len(seeds)
    found = []
    with jax.enable_x64(False):
        for at in range(0, n, width):
            full = np.resize(np.asarray(seeds[at : at + width], np.uint32), width)
            found.append(jax.device_get(_draw_with_biases(network.sizes, network.skip, initial, tuple(ranges), full)))
    drawn = (np.concatenate(layer)[:n] for layer in zip(*found, strict=True))
    return tuple(W if bias else W[:, :-1] for W, bias in zip(drawn, network.biases, strict=True))

"""``train_block``: thousands of small networks trained by one GPU kernel, from the first to the last epoch, without leaving the chip.

Each network lives in the registers of one thread (or of a few, ``threads``); patterns are read by all threads of a program at
once. The backward pass is the hand derivation, in ``gpu_update``. docs/gpu.md counts what that costs and why it is laid out so.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from inspect import Parameter, signature
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.core import Tracer
from jax.experimental import pallas as pl

import manual
from bpnn_jax.errors import InputError, whole_number
from bpnn_jax.network import Network, Weights
from bpnn_jax.training import _loop, _settings
from bpnn_jax.training.gpu import rows as gpu_rows
from bpnn_jax.training.gpu.kernel import Kernel
from bpnn_jax.training.gpu.update import Update

WARPGROUP = 128  # threads that Mosaic GPU's arrays are dealt out to
REGISTERS = 255  # of a thread, by the instruction set
ACTIVATIONS = ("sigmoid", "tanh", "linear", "lecun_tanh")  # those of (1) to (4), which it was measured with
RULES = tuple(name for name, rule in manual.RULES.items() if rule.momentum)  # those that carry one number a weight
FULL = 132 * 128  # threads of an H100 or H200 that give each of its schedulers one warp
OVERHEAD = 16  # registers for addresses, counters, rates and what is being computed; docs/gpu.md


class Block(NamedTuple):
    """How the networks ended, each on the last axis. Nothing is copied to the host.

    weights:    a tuple of L arrays (n_in + bias, n_out, n); NaN for a network that diverged.
    iterations: (n,) int32, the 0-based index of the last epoch run.
    error:      (n,) float32, of that epoch, as ``settings.measure`` says.
    status:     (n,) int32: ``loop.RUNNING`` (the limit of epochs came first), CUTOFF, SOLVED or DIVERGED.
    """

    weights: Weights
    iterations: jax.Array
    error: jax.Array
    status: jax.Array


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["state", "counts", "errors"],
    meta_fields=["update", "lanes", "networks"],
)
@dataclass(frozen=True)
class Running:
    """Networks between two launches of the kernel, the last axis filled up to whole programs.

    state:  (rows, threads, n), what each thread keeps, as ``gpu.rows`` lays it out: the weights are W, and no launch changes a bit.
    counts: (2, threads, n) int32, status and epochs run. ``errors``: (1, threads, n), that of the last epoch run.
    lanes:  networks in a program. ``networks``: how many there are.
    """

    state: Any
    counts: Any
    errors: Any
    update: Update
    lanes: int
    networks: int

    @property
    def status(self) -> Any:
        """(networks,), as ``Block`` has it."""
        return self.counts[0, 0, : self.networks]

    @property
    def epochs(self) -> Any:
        """(networks,), how many each has run."""
        return self.counts[1, 0, : self.networks]


def registers(network: Network, rule: str = "previous-gradient", threads: int = 1) -> int:
    """How many registers a thread needs at the least: its state, its activations, and ``OVERHEAD``.

    >>> registers(Network((20, 8, 3))), registers(Network((20, 8, 3)), threads=8)
    (241, 52)
    """
    update = Update(network, rule, threads=threads)
    units = sum(n // update.dealt(l + 1) for l, n in enumerate(network.sizes[1:]))
    return gpu_rows.row_count(update) + units + OVERHEAD


def threads_for(network: Network, rule: str = "previous-gradient", networks: int = FULL) -> int:
    """The most threads a network, of those that its registers fit in, that all ``networks`` fill the GPU once with; 0 where none fit.

    Where that is none, the fewest: docs/gpu.md has the measurements.

    >>> [threads_for(Network((20, 8, 3)), networks=n) for n in (1024, 8192, 100_000)]
    [8, 2, 1]
    >>> threads_for(Network((20, 8, 3)), "nesterov"), threads_for(Network((784, 128, 10)))
    (2, 0)
    """
    fitting = [s for s in splits(network) if registers(network, rule, s) <= REGISTERS]
    return max((s for s in fitting if s * networks <= FULL), default=min(fitting, default=0))


def splits(network: Network) -> tuple[int, ...]:
    """Over how many threads the kernel can deal out a network: powers of two that divide the units of its one hidden layer."""
    if len(network.sizes) != 3:
        return (1,)
    return tuple(s for s in (1, 2, 4, 8, 16) if network.sizes[1] % s == 0)


def supports(network: Network, settings: _settings.Settings) -> str:
    """Why the kernel cannot train this network with these settings; empty if it can.

    >>> supports(Network((20, 8, 3)), _settings.Settings())
    ''
    >>> supports(Network((20, 8, 3)), _settings.Settings(mode="batch"))
    "the GPU kernel updates online, in file order; got mode='batch'"
    """
    if settings.mode != "online" or settings.shuffle:
        got = f"mode={settings.mode!r}" if settings.mode != "online" else "shuffle=True"
        return f"the GPU kernel updates online, in file order; got {got}"
    if settings.rule not in RULES:
        return f"the GPU kernel knows the rules {', '.join(RULES)}; got {settings.rule!r}"
    if settings.gradient != "manual":
        return f"the GPU kernel has the gradient by hand; got gradient={settings.gradient!r}"
    if settings.objective != "half-squared-error" or network.activations[-1] == "softmax":
        got = "softmax outputs" if network.activations[-1] == "softmax" else f"objective={settings.objective!r}"
        return f"the GPU kernel has half the squared error, of outputs that are elementwise; got {got}"
    if other := [name for name in network.activations if name not in ACTIVATIONS]:
        return f"the GPU kernel has the activations {', '.join(ACTIVATIONS)}; got {other[0]!r}"
    if settings.weight_decay:
        return f"the GPU kernel has no weight decay; got weight_decay={settings.weight_decay:g}"
    if settings.schedule is not None:
        return f"the GPU kernel has one learning rate for all epochs; got the schedule {settings.schedule.name!r}"
    if network.skip:
        return f"the GPU kernel has no skip connections; got {network}"
    rule = str(settings.rule)
    if not threads_for(network, rule):
        fewest = min(registers(network, rule, s) for s in splits(network))
        return f"{network} needs {fewest} registers per thread in the GPU kernel, which has {REGISTERS}"
    return ""


def train_block(
    network: Network,
    settings: _settings.Settings,
    weights: Weights,
    x: Any,
    t: Any,
    rates: _loop.Rates,
    *,
    lanes: int | None = None,
    threads: int | None = None,
    interpret: bool = False,
) -> Block:
    """Train n networks online from ``weights``, W[l] of shape (n_in + bias, n_out, n), each with its own rates and its own stop.

    x, t:      patterns (patterns, n0) and targets (patterns, nL), float32, the same for all networks.
    rates:     learning rate, momentum, cutoff and tolerance, each (n,) or one number; cutoff 0 never stops a network, and
               the tolerance is looked at where ``settings.stop_solved`` says so.
    threads:   how many threads share a network; by default what ``threads_for`` says.
    lanes:     how many networks one program trains; by default as many as 128 threads hold. ``lanes * threads`` is a multiple
               of 128. A program ends when all its networks have stopped.
    interpret: run the kernel's body on the CPU, to test it.

    Traceable: jit it with ``network`` and ``settings`` static. Raises InputError for what the kernel cannot do, and for a
    machine without a GPU that it runs on (compute capability 9.0 or later).
    """
    if reason := supports(network, settings):
        raise InputError(reason)
    for what, array, columns in (("x", x, network.sizes[0]), ("t", t, network.sizes[-1])):
        if jnp.ndim(array) != 2 or array.shape[1] != columns or len(array) != len(x) or not len(x):
            raise InputError(f"expected {what} of shape (patterns, {columns}) for {network}, got {jnp.shape(array)}")
    found = begin(network, settings, weights, lanes=lanes, threads=threads)
    if not interpret and not isinstance(weights[0], Tracer):
        check_device()
    return ended(advance(settings, found, given(found, x, t, rates), settings.epochs, interpret=interpret))


def begin(
    network: Network,
    settings: _settings.Settings,
    weights: Weights,
    *,
    lanes: int | None = None,
    threads: int | None = None,
) -> Running:
    """Networks before their first epoch; the arguments are those of ``train_block``."""
    rule = str(settings.rule)
    if threads is None:
        threads = threads_for(network, rule, weights[0].shape[-1])
    elif threads not in splits(network):
        raise InputError(f"expected threads as one of {splits(network)} for {network}, got {threads!r}")
    lanes = whole_number("lanes", WARPGROUP // threads if lanes is None else lanes, 1)
    if lanes * threads % WARPGROUP:
        raise InputError(f"expected lanes * threads as a multiple of {WARPGROUP}, got {lanes} * {threads}")
    n = weights[0].shape[-1]
    shapes = tuple((*shape, n) for shape in network.shapes)
    if tuple(W.shape for W in weights) != shapes:
        raise InputError(f"expected weights of shapes {shapes} for {network}, got {tuple(W.shape for W in weights)}")

    update = Update(network, rule, settings.order, threads)
    threaded = partial(_threaded, threads, lanes)
    filled = [jnp.pad(jnp.asarray(W, jnp.float32), [(0, 0), (0, 0), (0, -n % lanes)]) for W in weights]
    status = jnp.full(n, _loop.RUNNING, jnp.int32)
    # What fills up the last program has stopped before it begins.
    counts = jnp.stack([threaded(status, _loop.CUTOFF), threaded(jnp.zeros(n, jnp.int32))])
    errors = threaded(jnp.full((1, n), jnp.nan, jnp.float32))
    return Running(gpu_rows.pack(update, tuple(filled)), counts, errors, update, lanes, n)


def given(running: Running, x: Any, t: Any, rates: _loop.Rates) -> tuple[jax.Array, jax.Array]:
    """What every launch reads of the rates (4, threads, n) and of the patterns, flat."""
    each = [jnp.broadcast_to(jnp.asarray(rate, jnp.float32), running.networks) for rate in rates]
    x, t = jnp.asarray(x, jnp.float32), jnp.asarray(t, jnp.float32)
    threaded = _threaded(running.update.threads, running.lanes, jnp.stack(each))
    return threaded, _records(running.update.network, x, t)


def advance(
    settings: _settings.Settings, running: Running, given: tuple[jax.Array, jax.Array], epochs: Any, *, interpret: bool
) -> Running:
    """One launch: so many epochs more, a number that may be traced, or as many as it takes until all networks have stopped."""
    network = running.update.network
    patterns = given[1].size // (network.sizes[0] + network.sizes[-1] + 1)
    kernel = Kernel(running.update, settings, patterns, running.lanes)
    stretch = jnp.asarray(epochs, jnp.int32).reshape(1)
    state, counts, errors = _launch(kernel, interpret, running.state, running.counts, running.errors, *given, stretch)
    return replace(running, state=state, counts=counts, errors=errors)


def ended(running: Running) -> Block:
    """How the networks ended, or where they are; in NumPy where ``running`` is."""
    weights, xp = gpu_rows.unpack(running.update, running.state), running.state.__array_namespace__()
    # NaN spreads through a network that runs on after it diverged, as far as its block runs: say NaN, whatever the block.
    weights = tuple(xp.where(running.status == _loop.DIVERGED, xp.nan, W[..., : running.networks]) for W in weights)
    return Block(weights, running.epochs - 1, running.errors[0, 0, : running.networks], running.status)


def _threaded(threads: int, lanes: int, a: jax.Array, fill: float = 0.0) -> jax.Array:
    """(..., n) as (..., threads, n), the networks filled up to whole programs."""
    a = jnp.pad(a, [(0, 0)] * (a.ndim - 1) + [(0, -a.shape[-1] % lanes)], constant_values=fill)
    return jnp.broadcast_to(a[..., None, :], (*a.shape[:-1], threads, a.shape[-1]))


def _records(network: Network, x: jax.Array, t: jax.Array) -> jax.Array:
    """Each pattern's inputs, targets and overlap with the pattern before, flat. Before the first comes the last."""
    overlap = jnp.sum(x * jnp.roll(x, 1, axis=0), axis=1, keepdims=True) + float(network.input_bias)
    return jnp.concatenate([x, t, overlap], axis=1).reshape(-1)


def _launch(kernel: Kernel, interpret: bool, *reads: jax.Array) -> list[jax.Array]:
    """One program for each ``kernel.lanes`` networks. Returns state, counts and errors."""
    out = tuple(jax.ShapeDtypeStruct(a.shape, a.dtype) for a in reads[:3])
    grid = (reads[0].shape[-1] // kernel.lanes,)
    if interpret:
        body = partial(_program, kernel, lambda: pl.program_id(0), _load_plainly)
        return pl.pallas_call(body, out_shape=out, grid=grid, interpret=True)(*reads)

    from jax.experimental.pallas import mosaic_gpu as plgpu  # here, because not every machine's jaxlib has it

    layout = _layout(plgpu, kernel)

    def spread(values: Any, shape: tuple) -> Any:
        return plgpu.layout_cast(lax.broadcast_in_dim(values, shape, (1,)), layout)

    kernel = replace(kernel, update=replace(kernel.update, spread=spread))

    def train_networks(*refs: Any) -> None:
        _program(kernel, lambda: lax.axis_index("program"), partial(_load, plgpu, layout), *refs)

    # Lane: every array's layout is ours to say, where the other semantics searches for one, and does not always find it.
    params = plgpu.CompilerParams(lowering_semantics=plgpu.LoweringSemantics.Lane)
    names = {"grid": grid, "grid_names": ("program",)}
    return plgpu.kernel(train_networks, out_type=out, compiler_params=params, **names)(*reads)


def _program(kernel: Kernel, number: Callable, load: Callable, *refs: Any) -> None:
    """What one program reads, does and writes. ``load(ref, networks)`` is the list of a reference's rows."""
    state, counts, errors, rates, patterns, stretch, *writes = refs
    here = pl.ds(number() * kernel.lanes, kernel.lanes)
    rows = gpu_rows.template(kernel.update)
    layers = jax.tree.unflatten(jax.tree.structure(rows), load(state, here))
    (status, epochs), (error,) = load(counts, here), load(errors, here)
    layers, status, epochs, error = kernel(layers, status, epochs, error, tuple(load(rates, here)), patterns, stretch)
    for ref, values in zip(writes, (jax.tree.leaves(layers), (status, epochs), (error,)), strict=True):
        for row, value in enumerate(values):
            ref[row, :, here] = value


def _load_plainly(ref: Any, here: Any) -> list[jax.Array]:
    block = ref[:, :, here]
    return [block[row] for row in range(ref.shape[0])]


def check_device() -> None:
    """Raise InputError unless JAX computes on a GPU that the kernel runs on: its default device, unless ``jax_default_device`` is set.

    For a call that runs at once. A traced one may be lowered for a GPU elsewhere; if not, JAX itself refuses to run it.
    """
    set_by_user: Any = getattr(jax.config, "jax_default_device", None)
    device = jax.devices(set_by_user)[0] if isinstance(set_by_user, str) else set_by_user or jax.devices()[0]
    if device.platform != "gpu":
        raise InputError(
            f"expected a GPU, got {device.platform}; device='interpret' of train_many, or interpret=True of train_block, runs the "
            "kernel's body there, slowly"
        )
    capability = str(getattr(device, "compute_capability", "unknown"))
    if not capability.split(".")[0].isdigit() or int(capability.split(".")[0]) < 9:
        raise InputError(f"expected an NVIDIA GPU of compute capability 9.0 or later, got {capability}")


def _layout(plgpu: Any, kernel: Kernel) -> Any:
    """How an array (threads, lanes) is dealt out: a network's threads sit in one warp, where a sum over them is a few shuffles."""
    threads = kernel.update.threads
    if threads == 1:
        return plgpu.Layout.WG_STRIDED((1, kernel.lanes), vec_size=1)
    networks = WARPGROUP // threads  # of a warpgroup, a quarter of them in each of its four warps
    tiling = plgpu.Tiling(((threads, networks), (networks // 4,), (1,)))
    return plgpu.Layout.TILED(tiling, warp_dims=(-3,), lane_dims=(-4, -2), vector_dim=-1)


def _load(plgpu: Any, layout: Any, ref: Any, here: Any) -> list[jax.Array]:
    # JAX 0.10 asks for an index beside the reference, 0.11 warns of one, and 0.12 takes none.
    asked = signature(plgpu.load).parameters.get("idx")
    index = (...,) if asked is not None and asked.default is Parameter.empty else ()
    rows = (ref.at[row, :, here] for row in range(ref.shape[0]))
    return [plgpu.load(row, *index, layout=layout, optimized=False) for row in rows]

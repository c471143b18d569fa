"""``bpnn``: the options of every command, and nothing that needs JAX. The work is in ``bpnn_jax.commands``."""

import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import Positional, UseAppendAction, arg, subcommand

import bpnn_jax
from bpnn_jax._runtime import cache
from bpnn_jax.settings import Run

Number = Annotated[float | None, arg(metavar="FLOAT")]
Count = Annotated[int | None, arg(metavar="INT")]
ActivationName = Literal["sigmoid", "tanh", "linear", "lecun_tanh"]
Json = Annotated[Path | None, arg(metavar="FILE")]


@dataclass(frozen=True)
class Demo:
    """A tour in some ten seconds: 33 mistakes caught, a wrong gradient audited, the right one checked, the article, a training."""

    folder: Path = Path("demo")
    """Where to put the trained network. Made if need be."""
    json: Json = None
    """Write the results to this file as JSON."""


@dataclass(frozen=True)
class Verify:
    """Is the derivation right? Six rungs, from a symbolic proof to the training step; exit status 0 only if all is right."""

    activation: Literal["all", "sigmoid", "tanh", "linear", "lecun_tanh"] = "all"
    """Check networks of one activation only."""
    sizes: Annotated[str | None, arg(metavar="SIZES")] = None
    """Check networks of these layer sizes only, such as 2-2-1, in place of the ladder's own."""
    hidden_bias: Literal["both", "on", "off"] = "both"
    """Networks with a bias node on the hidden layers (on, or --hidden-bias alone), without (off, or --no-hidden-bias)."""
    networks: int = 100_000
    """How many random networks to compare at scale (rung 4)."""
    seed: int = 0
    """Moves every random number."""
    json: Json = None
    """Write the results to this file as JSON."""


@dataclass(frozen=True)
class Reproduce:
    """Every number that the article prints, beside ours, and the digits that agree."""

    data: Annotated[Path | None, arg(metavar="FOLDER")] = None
    """Where the article's testdata.200 lies; otherwise $BPNN_ARTICLE_DATA or this folder."""
    json: Json = None
    """Write the results to this file as JSON."""


@dataclass(frozen=True)
class Train:
    """Train a network on a file of patterns, or on a named set."""

    data: Positional[str]
    """A file (lines like 0.45 0.05 > 1 0 0, or .csv, or .npz) or a name: nand, xor, parity-4, encoder-8, two-spirals, code."""
    article: bool = False
    """All of the article's settings at once: random numbers, order, header line, split, cut-off, error. Others still count."""
    hidden: tuple[int, ...] = ()
    """Hidden nodes, several numbers for several layers. Otherwise what is customary for the data."""
    activation: ActivationName = "sigmoid"
    """Activation of the hidden layers."""
    output_activation: Literal["same", "sigmoid", "tanh", "linear", "lecun_tanh"] = "same"
    """Activation of the output layer."""
    input_bias: bool = True
    """A bias node among the inputs."""
    hidden_bias: bool = True
    """A bias node on each hidden layer."""
    skip: bool = False
    """Skip connections: each layer is fed by all layers below it, not by the nearest alone."""
    rule: str = "previous-gradient"
    """previous-gradient, heavy-ball, nesterov, sgd, adam, adamw, nadam, adagrad, adadelta, rmsprop, lion or rprop."""
    learning_rate: float = 0.5
    """The article's N."""
    momentum: float = 0.1
    """The article's M, or the decay of the velocity. Only the first three rules have one."""
    epochs: int = 1000
    """At most so many passes over the patterns."""
    cutoff: Number = None
    """Stop after an epoch whose error (summed, with the ½) is below this."""
    tolerance: Number = None
    """Stop when every output is within this of its target."""
    order: Literal["simultaneous", "article"] = "simultaneous"
    """article: the output weights move before the hidden deltas are computed. Not a gradient."""
    mode: Literal["online", "minibatch", "batch"] = "online"
    """Update after each pattern, after batch-size of them, or after all."""
    batch_size: int = 32
    """Patterns in a minibatch; the last may be smaller."""
    gradient: Literal["manual", "autodiff"] = "manual"
    """By the hand derivation or by JAX: the same to rounding."""
    shuffle: bool = False
    """Another order of the patterns each epoch; otherwise that of the file."""
    initial: Literal["uniform", "glorot", "lecun"] = "uniform"
    """Initial weights."""
    ranges: tuple[float, ...] = (0.2, 2.0)
    """Half-widths of the uniform initial weights, layer by layer; the last serves all later layers."""
    dtype: Literal["float32", "float64"] = "float32"
    """Precision of the run."""
    seed: int = 0
    """Moves the initial weights and the shuffling."""
    train_size: Count = None
    """Train on the first so many patterns."""
    test_size: Count = None
    """Test on the so many patterns that follow."""
    test: Annotated[str | None, arg(metavar="DATA")] = None
    """Test on these patterns."""
    targets: Count = None
    """How many of the last columns are targets, for a .csv without a header that says so."""
    history_every: int = 1
    """Keep the error of every so many epochs."""
    save: Annotated[Path | None, arg(metavar="FILE")] = None
    """Save the network, as safetensors."""
    json: Json = None
    """Write the results to this file as JSON."""


ARTICLE = {"article": True, "hidden_bias": False, "order": "article", "dtype": "float64"}


@dataclass(frozen=True)
class Predict:
    """Put patterns through a saved network: targets, errors, OK or FAIL for each, and the success rate."""

    model: Positional[Path]
    """A network saved by bpnn train --save."""
    data: Positional[str]
    """A file or a name, as for bpnn train. For "code" its held-out part."""
    targets: Count = None
    """How many of the last columns are targets, for a .csv without a header that says so."""
    skip: int = 0
    """Leave out the first so many patterns."""
    limit: Count = None
    """Take at most so many patterns."""
    json: Json = None
    """Write the results to this file as JSON."""


@dataclass(frozen=True)
class Featurize:
    """Turn folders of source code into patterns: how often each symbol occurs in a chunk, and which language it is."""

    sources: Positional[tuple[Path, ...]]
    """Folders to search, with their subfolders."""
    out: Annotated[Path, arg(metavar="FILE")] = Path("code.txt")
    """code.txt is written as code.train.txt and code.test.txt, split by file."""
    symbols: int = 20
    """How many of the most frequent symbols to count."""
    chunk: int = 500
    """Characters in a chunk."""
    languages: tuple[str, ...] = ()
    """Which extension is which language, such as .c=C .h=C .py=Python. Otherwise the well-known ones that are found."""
    held_out: float = 0.3
    """Share of the files that is held out for testing."""
    limit: Count = None
    """At most so many chunks a language."""
    seed: int = 0
    """Moves the split."""
    json: Json = None
    """Write the results to this file as JSON."""


@dataclass(frozen=True)
class Audit:
    """Is this hand-written gradient right? Audit a custom_vjp or custom_jvp function, or run your own audits."""

    rule: Positional[str]
    """MODULE:NAME of a decorated function, or of a function without arguments that returns an audit's report (or several)."""
    args: tuple[str, ...] = ()
    """Shapes of the arguments of a decorated function, such as float32[8,4] float32[4]."""
    draws: int = 6
    """How many inputs to try it on."""
    seed: int = 0
    """Moves every random number."""
    order: Literal[1, 2] = 1
    """2 audits second derivatives too."""
    special: bool = False
    """Try special points too: 0, ties, large numbers."""
    mutate: bool = True
    """Audit wrong versions of the rule as well, to see what the draws can show."""
    junit: Annotated[Path | None, arg(metavar="FILE")] = None
    """Write a JUnit XML file for CI."""
    json: Json = None
    """Write the results to this file as JSON."""


@dataclass(frozen=True)
class Ablate:
    """Train every combination of some settings from many seeds, and say what came out, with intervals. Goes on where it stopped."""

    task: Annotated[str | None, arg(metavar="DATA")] = None
    """What to learn: a name or a file, as for bpnn train."""
    vary: Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="FIELD=VALUE,VALUE...")] = ()
    """A setting and its values, such as activation=sigmoid,tanh or hidden=2,4,8:4. Once for each setting that varies."""
    seeds: Annotated[str, arg(metavar="SEEDS")] = "100"
    """How many, or which: 1000, or 100:200, or 3,17,5."""
    epochs: int = 1000
    """At most so many passes over the patterns."""
    out: Annotated[Path | None, arg(metavar="DIR")] = None
    """The folder of the study. What it has already is not trained again."""
    status: Annotated[Path | None, arg(metavar="DIR")] = None
    """Only say how far the study in this folder is, and what has come out so far."""
    force: bool = False
    """Start afresh where the folder has another study, which stays beside this one."""
    points: int = 50
    """Of each run's error curve, about."""
    chunk: int = 512
    """Runs that are kept together in a file."""
    engine: Literal["local", "ray"] = "local"
    """ray: on a Ray cluster, one process a GPU, or a processor where it has none."""
    address: Annotated[str | None, arg(metavar="HOST:PORT")] = None
    """Of the Ray cluster's head, or auto for the one that this machine belongs to. Otherwise one is begun, on this machine."""
    settings: Annotated[Run, arg(name="")] = field(default_factory=Run)
    """What does not vary."""
    json: Json = None
    """Write the results to this file as JSON."""


@dataclass(frozen=True)
class Report:
    """A study, finished or not, as one page that needs no network: what came out, tables, charts, and how to repeat it."""

    folder: Positional[Path]
    """The folder of the study, as made by bpnn ablate --out."""
    html: Annotated[Path | None, arg(metavar="FILE")] = None
    """The page; otherwise report.html in that folder."""
    pdf: Annotated[Path | None, arg(metavar="FILE")] = None
    """Write the charts to this file as well, a page each, for a paper."""
    json: Json = None
    """Write the results and what each chart shows to this file as JSON."""


@dataclass(frozen=True)
class Bpnn:
    """Back-propagation derived by hand: check it, repeat it, train with it. bpnn COMMAND --help says more."""

    command: (
        Annotated[Demo, subcommand("demo", prefix_name=False)]
        | Annotated[Verify, subcommand("verify", prefix_name=False)]
        | Annotated[Reproduce, subcommand("reproduce", prefix_name=False)]
        | Annotated[Train, subcommand("train", prefix_name=False)]
        | Annotated[Predict, subcommand("predict", prefix_name=False)]
        | Annotated[Featurize, subcommand("featurize", prefix_name=False)]
        | Annotated[Audit, subcommand("audit", prefix_name=False)]
        | Annotated[Ablate, subcommand("ablate", prefix_name=False)]
        | Annotated[Report, subcommand("report", prefix_name=False)]
    ) = field()


COMMANDS = {c.__name__.lower(): c for c in (Demo, Verify, Reproduce, Train, Predict, Featurize, Audit, Ablate, Report)}
BIAS_CHOICES = ("both", "on", "off")
NO_HIDDEN_BIAS = {"--no-hidden-bias": "off", "--hidden-bias": "on"}


def parse(arguments: Sequence[str]) -> object:
    """The options of one command. Ends the program, with tyro's message and status 2, where they do not fit."""
    if list(arguments) == ["--version"]:
        print(f"bpnn-jax {bpnn_jax.__version__}")
        sys.exit(0)
    if not arguments or arguments[0] not in COMMANDS:
        return tyro.cli(Bpnn, prog="bpnn", args=list(arguments))
    name, rest = arguments[0], list(arguments[1:])
    command = COMMANDS[name]
    if name == "verify":  # a switch, as everywhere else, that has a third state when it is not given
        spelt = [a in NO_HIDDEN_BIAS and b not in BIAS_CHOICES for a, b in pairwise([*rest, ""])]
        rest = [
            w for a, s in zip(rest, spelt, strict=True) for w in (("--hidden-bias", NO_HIDDEN_BIAS[a]) if s else (a,))
        ]
    if (
        name == "train" and "--article" in rest
    ):  # what --article sets becomes the default, so that other options still count
        default = replace(Train(data=tyro.MISSING), **ARTICLE)  # type: ignore[arg-type]
        return tyro.cli(command, prog=f"bpnn {name}", args=rest, default=default)
    return tyro.cli(command, prog=f"bpnn {name}", args=rest)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0, 1 for a verdict that is not good, 2 for input that cannot be used."""
    from bpnn_jax.errors import InputError

    options = parse(sys.argv[1:] if arguments is None else arguments)
    name = type(options).__name__.lower()
    try:
        with cache.compile_cache():  # before the command imports JAX, which reads where it is
            return importlib.import_module(f"bpnn_jax.commands.{name}").run(options)
    except InputError as error:
        print(f"bpnn {name}: {error}", file=sys.stderr)
        return 2
    except FloatingPointError as error:  # a run that diverged
        print(f"bpnn {name}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # somebody like head has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a disk that is full, a folder that may not be entered
        print(f"bpnn {name}: {error.strerror}: {error.filename or 'the output'}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"bpnn {name}: interrupted", file=sys.stderr)
        return 130

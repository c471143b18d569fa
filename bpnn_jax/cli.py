"""``bpnn``: finds the command on a command line, reads its options, and runs it inside the wall (``_runtime.wall``).

Each command is a file of ``bpnn_jax.commands`` with its options on top and ``run`` below. None of them imports JAX before it runs.
Importing this file imports nothing else that takes time, so that Ctrl-C finds the wall already there.
"""

import contextlib
import importlib
import io
import os
import shlex
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import make_dataclass
from types import ModuleType
from typing import Annotated, Any, Union, get_type_hints

import bpnn_jax
from bpnn_jax._runtime import wall
from bpnn_jax._runtime.text import one_line, plain
from bpnn_jax.errors import InputError

GROUPS = {  # the commands, by what people want
    "learn how it works": ("demo", "play", "reproduce"),
    "check a gradient": ("verify", "audit"),
    "train a network": ("train", "predict", "featurize"),
    "ask what a choice is worth": ("ablate", "report"),
    "report a bug": ("doctor",),
}
COMMANDS = tuple(name for group in GROUPS.values() for name in group)
SUBJECTS = {  # the option that a word without one is likely meant for, of commands that take options alone
    "ablate": "--task",
    "demo": "--folder",
    "play": "--view",
    "reproduce": "--data",
    "verify": "--activation",
}
QUIET = "--quiet"
SHELLS = ("bash", "zsh")  # that tyro completes for by itself
ABOUT = "Back-propagation derived by hand: check it, repeat it, train with it. bpnn COMMAND --help says more."
WENT = {  # command lines of before, and what took their place
    ("bench",): "make bench, or python -m benchmarks.speed, in a checkout of the repository",
    ("reproduce", "--published"): "python -m experiments.published, in a checkout of the repository",
}


def command(name: str) -> tuple[ModuleType, type]:
    """The module of a command, and the dataclass of its options.

    >>> module, options = command("predict")
    >>> module.__name__, options.__name__
    ('bpnn_jax.commands.predict', 'Predict')
    """
    module = importlib.import_module(f"bpnn_jax.commands.{name}")
    return module, getattr(module, name.capitalize())


def parse(arguments: Sequence[str]) -> Any:
    """The options of one command. Ends the program, with tyro's message and status 2, where they do not fit.

    A command may have a function ``prepared``: from its arguments, the arguments that tyro is given, and the defaults (or None).
    """
    import tyro

    if list(arguments) == ["--version"]:
        print(f"bpnn-jax {bpnn_jax.__version__}")
        sys.exit(0)
    if list(arguments) in (["-h"], ["--help"]):
        print(usage())
        sys.exit(0)
    if len(arguments) > 1 and arguments[0].startswith("--tyro-") and arguments[1] not in SHELLS:
        raise InputError(f"expected {arguments[0]} with {' or '.join(SHELLS)}, got {arguments[1]}")
    if not arguments or arguments[0] not in COMMANDS:
        tyro.cli(_bpnn(), prog="bpnn", args=list(arguments), config=(tyro.conf.OmitArgPrefixes,))
        raise InputError(f"expected a command first, got {' '.join(arguments)}")
    name, rest = arguments[0], list(arguments[1:])
    module, options = command(name)
    _refuse_bare(name, rest, options)
    rest, default = module.prepared(rest) if hasattr(module, "prepared") else (rest, None)
    given = {} if default is None else {"default": default}
    return tyro.cli(options, prog=f"bpnn {name}", args=rest, **given)


def _refuse_bare(name: str, rest: Sequence[str], options: type) -> None:
    """Raises InputError where a command that takes options alone is given a word first, such as ``bpnn ablate iris``."""
    if not rest or not rest[0] or rest[0].startswith("-"):
        return
    if "Positional" in str(get_type_hints(options, include_extras=True)):
        return
    word = one_line(rest[0])
    meant = f"write {SUBJECTS[name]} {shlex.quote(word)}, or see" if name in SUBJECTS else "see"
    raise InputError(f"expected an option first, got {word}: {meant} bpnn {name} --help")


def usage() -> str:
    r"""What ``bpnn --help`` prints: the commands in their groups, each with the first sentence of its own help.

    >>> "check a gradient\n  verify     Is the derivation right?" in usage()
    True
    """
    lines = ["usage: bpnn [--quiet] COMMAND ...", "", ABOUT]
    for title, names in GROUPS.items():
        lines += ["", title]
        for name in names:
            about = " ".join((command(name)[1].__doc__ or "").split())
            lines += textwrap.wrap(f"{name:<11}{about}", 80, initial_indent="  ", subsequent_indent=" " * 13)
    lines += [
        "",
        "options",
        "  -h, --help               this text, or a command's options",
        "  --version                the version",
        "  --quiet                  before or after a command: no result on the screen and no progress, only",
        "                           warnings, errors and the exit status; --json FILE keeps the result",
        "  --tyro-print-completion  bash or zsh: what makes the shell complete commands and options",
    ]
    return "\n".join(lines)


def _bpnn() -> Any:
    """What tyro lists the commands by, and refuses others by: a dataclass whose one field is any of them."""
    from tyro.conf import subcommand

    kinds = [Annotated[command(name)[1], subcommand(name, prefix_name=False)] for name in COMMANDS]
    made = make_dataclass("Bpnn", [("command", Union[tuple(kinds)])])  # noqa: UP007
    made.__doc__ = ABOUT
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0, 1 for a verdict that is not good, 2 for input that cannot be used.

    arguments: otherwise those of this process, which is then the command's own, and is left at once after Ctrl-C.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    given, quiet = _without_quiet(given)
    known = given and given[0] in (*COMMANDS, *(words[0] for words in WENT))
    name = f"bpnn {given[0]}" if known else "bpnn"
    return wall.guarded(name, lambda: _carried_out(given, quiet), process=arguments is None)


def _without_quiet(arguments: Sequence[str]) -> tuple[list[str], bool]:
    """The arguments without ``--quiet``, which stands anywhere before ``--``, and whether it was there.

    >>> _without_quiet(["train", "xor", "--quiet"]), _without_quiet(["audit", "--", "--quiet"])
    ((['train', 'xor'], True), (['audit', '--', '--quiet'], False))
    """
    end = list(arguments).index("--") if "--" in arguments else len(arguments)
    before = [word for word in arguments[:end] if word != QUIET]
    return [*before, *arguments[end:]], len(before) < end


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Nothing on standard output, and no progress on standard error."""
    from bpnn_jax._runtime import progress

    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), progress.hidden():
        yield


@contextlib.contextmanager
def _plain_refusals(arguments: Sequence[str]) -> Iterator[None]:
    """tyro repeats the argument that it refuses: without its control characters."""
    if all(plain(word) == word for word in arguments):
        yield
        return
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            yield
    finally:
        sys.stderr.write(plain(said.getvalue()))


def _carried_out(arguments: Sequence[str], quiet: bool = False) -> int:
    for (name, *flags), instead in WENT.items():
        if arguments[:1] == [name] and set(flags) <= set(arguments):
            raise InputError(
                f"expected a command, got {' '.join((name, *flags))}, which is none any more: it is now {instead}"
            )
    from bpnn_jax._runtime import cache

    with _plain_refusals(arguments):
        options = parse(arguments)
    silence = _silence() if quiet else contextlib.nullcontext()
    with cache.compile_cache(), silence:  # before the command imports JAX, which reads where the cache is
        return command(type(options).__name__.lower())[0].run(options)

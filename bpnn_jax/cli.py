"""``bpnn``: finds the command on a command line, reads its options, and runs it inside the wall (``_runtime.wall``).

Each command is a file of ``bpnn_jax.commands`` with its options on top and ``run`` below. None of them imports JAX before it runs.
Importing this file imports nothing else that takes time, so that Ctrl-C finds the wall already there.
"""

import contextlib
import importlib
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import make_dataclass
from types import ModuleType
from typing import Annotated, Any, Union

import bpnn_jax
from bpnn_jax._runtime import wall
from bpnn_jax._runtime.text import plain
from bpnn_jax.errors import InputError

COMMANDS = ("demo", "play", "verify", "reproduce", "train", "predict", "featurize", "audit", "ablate", "report")
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
    if not arguments or arguments[0] not in COMMANDS:
        tyro.cli(_bpnn(), prog="bpnn", args=list(arguments))
        raise InputError(f"expected a command first, got {' '.join(arguments)}")
    name, rest = arguments[0], list(arguments[1:])
    module, options = command(name)
    rest, default = module.prepared(rest) if hasattr(module, "prepared") else (rest, None)
    given = {} if default is None else {"default": default}
    return tyro.cli(options, prog=f"bpnn {name}", args=rest, **given)


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
    known = given and given[0] in (*COMMANDS, *(words[0] for words in WENT))
    name = f"bpnn {given[0]}" if known else "bpnn"
    return wall.guarded(name, lambda: _carried_out(given), process=arguments is None)


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


def _carried_out(arguments: Sequence[str]) -> int:
    for (name, *flags), instead in WENT.items():
        if arguments[:1] == [name] and set(flags) <= set(arguments):
            raise InputError(
                f"expected a command, got {' '.join((name, *flags))}, which is none any more: it is now {instead}"
            )
    from bpnn_jax._runtime import cache

    with _plain_refusals(arguments):
        options = parse(arguments)
    with cache.compile_cache():  # before the command imports JAX, which reads where it is
        return command(type(options).__name__.lower())[0].run(options)

"""Standard streams that are closed, full, or read by somebody who goes away, under every command."""

import os
from collections.abc import Callable, Iterator

from benchmarks.attacks.attack import Attack
from benchmarks.attacks.ground import AUDIT, SOURCES, STUDY, Ground

KIND = "descriptors"
COMMANDS = {
    "train": (("train", "d.txt", "--epochs", "2"), ()),
    "predict": (("predict", "net.safetensors", "d.txt"), ()),
    "study": ((*STUDY, "--out", "s"), ("s/summary.json",)),
    "status": (("ablate", "--status", "s"), ()),
    "report": (("report", "s", "--html", "r.html"), ("r.html",)),
    "featurize": (SOURCES, ("made.*.txt",)),
    "audit": (AUDIT, ("__pycache__/*",)),
    "help": (("--help",), ()),
    "train help": (("train", "--help"), ()),
    "version": (("--version",), ()),
    "verify help": (("verify", "--help"), ()),
    "no command": ((), ()),
    "unknown": (("trian",), ()),
}


def attacks(ground: Ground) -> Iterator[Attack]:
    for what, (command, writes) in COMMANDS.items():
        usage = what in ("no command", "unknown")
        good = (2,) if usage else (0,)
        yield Attack(KIND, f"{what} into a closed pipe", command, inside=_pipe(1), status=good, writes=writes)
        yield Attack(
            KIND, f"{what}, errors into a closed pipe", command, inside=_pipe(2), status=good, writes=writes, said=("",)
        )
        yield Attack(KIND, f"{what} on a full disk", command, inside=_full(1), status=(2,), writes=writes)
        yield Attack(
            KIND, f"{what}, errors on a full disk", command, inside=_full(2), status=good, writes=writes, said=("",)
        )
        yield Attack(KIND, f"{what} without output", command, inside=_closed(1), status=(2,), writes=writes)
        yield Attack(KIND, f"{what} without errors", command, inside=_closed(2), status=good, writes=writes, said=("",))
        yield Attack(KIND, f"{what} without input", command, inside=_closed(0), status=good, writes=writes, said=("",))
        yield Attack(
            KIND, f"{what} without any", command, inside=_closed(0, 1, 2), status=(2,), writes=writes, said=("",)
        )
    for name in ("/dev/full", "/dev/stdout", "/dev/null"):
        yield Attack(
            KIND, f"--json {name}", ("train", "d.txt", "--epochs", "2", "--json", name),
            status=(2,) if name == "/dev/full" else (0,), said=(name,),
        )  # fmt: skip
    bad = "import jax.numpy as jnp\nfrom bpnn_jax import audit\ndef f():\n  return audit.gradient(lambda x: jnp.sum(x*x), lambda x: 3*x, jnp.ones(3), draws=2, mutate=False)\n"  # noqa: E501
    yield Attack(
        KIND, "a bad verdict into a closed pipe", ("audit", "bad:f"), lambda folder: (folder / "bad.py").write_text(bad),
        inside=_pipe(1), status=(1,), writes=("__pycache__/*",), said=("",),
    )  # fmt: skip


def _pipe(number: int) -> Callable[[], None]:
    def close() -> None:
        reading, writing = os.pipe()
        os.close(reading)
        os.dup2(writing, number)
        os.close(writing)

    return close


def _full(number: int) -> Callable[[], None]:
    return lambda: _onto("/dev/full", number)


def _onto(path: str, number: int) -> None:
    handle = os.open(path, os.O_WRONLY)
    os.dup2(handle, number)
    os.close(handle)


def _closed(*numbers: int) -> Callable[[], None]:
    def close() -> None:
        import sys

        for number in numbers:
            os.close(number)
            name = ("stdin", "stdout", "stderr")[number]
            setattr(sys, name, None)  # as Python has it where a descriptor is closed when it starts

    return close

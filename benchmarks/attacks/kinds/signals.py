"""Signals at every moment: Ctrl-C ends a command within two seconds, and a study that was killed goes on."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator

from benchmarks.attacks.attack import Attack
from benchmarks.attacks.ground import STUDY, Ground

KIND = "signals"
LONG = ("ablate", "--task", "d.txt", "--vary", "momentum=0,0.9", "--seeds", "512", "--epochs", "2000000", "--tolerance", "0", "--chunk", "512", "--out", "o")  # fmt: skip  # noqa: E501
COMMANDS = {
    "help": (("--help",), (0.0, 0.05)),
    "train": (("train", "code", "--epochs", "200000", "--save", "o.net"), (0.0, 0.2, 0.5, 1.0, 2.0, 4.0)),
    "a study of a long chunk": (LONG, (0.0, 0.3, 0.6, 1.0, 2.0, 4.0, 8.0)),
    "verify": (("verify",), (0.0, 0.3, 0.8, 1.5, 3.0, 6.0)),
    "audit": (("audit", "m:square", "--args", "float32[3]"), (0.0, 0.5, 1.0, 2.0)),
    "report": (("report", "s", "--html", "o.html"), (0.0, 0.5, 1.0)),
    "featurize": (("featurize", "src", "--symbols", "5", "--out", "o.txt"), (0.0, 0.2)),
}


def attacks(ground: Ground) -> Iterator[Attack]:
    for what, (command, moments) in COMMANDS.items():
        for moment in moments:
            for presses in (1, 2):
                yield Attack(
                    KIND, f"{what}, Ctrl-C after {moment} s, {presses} times", process(*command),
                    outside=presser(signal.SIGINT, moment, presses), status=(130, 0), said=("interrupted",),
                    writes=("o.*", "o/*", "__pycache__/*"), leaves=True, seconds=2.0 + moment,
                )  # fmt: skip
    whole = ("is-whole", "o", ground.sha256)
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP):
        for moment in (0.0, 0.3, 0.6, 1.0, 1.5, 2.0, 3.0):
            yield Attack(
                KIND, f"a study, {number.name} after {moment} s", process(*STUDY, "--out", "o"),
                outside=presser(number, moment, 1), status=(0, -number), writes=("o/*",), leaves=True, said=("",),
                then=((*STUDY, "--out", "o"), whole),
            )  # fmt: skip


def process(*arguments: str) -> Callable[[], None]:
    """The command as a process that is begun anew, imports and all."""
    return lambda: os.execv(sys.executable, [sys.executable, "-m", "bpnn_jax", *arguments])


def presser(number: signal.Signals, moment: float, presses: int) -> Callable[[int], None]:
    """Sends a signal so many seconds after the command has its wall: before, Python itself starts."""

    def press(child: int) -> None:
        until = time.monotonic() + 20
        while time.monotonic() < until and not _has_a_wall(child):
            time.sleep(0.005)
        time.sleep(moment)
        for _ in range(presses):
            try:
                os.kill(child, number)
            except ProcessLookupError:
                return
            time.sleep(0.05)

    return press


def _has_a_wall(child: int) -> bool:
    """It is the command by now, and the pipe that tells of signals is open."""
    try:
        with open(f"/proc/{child}/cmdline", "rb") as file:
            begun = b"\0bpnn_jax\0" in file.read()
        links = [os.readlink(f"/proc/{child}/fd/{name}") for name in os.listdir(f"/proc/{child}/fd") if int(name) > 2]
    except OSError:
        return False
    return begun and sum(link.startswith("pipe:") for link in links) >= 2

"""What an attack is: a folder made hostile, a command run in it, and what is allowed to come of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


def nothing(*_: object) -> None:
    """No preparation."""


@dataclass(frozen=True)
class Attack:
    """One attack.

    kind, name: what it is, for the table.
    work:     the arguments of ``bpnn``, or a function that is run in the child in place of a command.
    prepare:  makes the folder hostile; called with the folder, before the child is begun.
    inside:   called in the child, in the folder, just before the work: closes descriptors, makes the disk fail.
    outside:  called with the child's process number while it runs: sends signals.
    status:   the exit statuses that are right.
    said:     words of which the output must have one, where the status is not 0 or the answer is not the usual one.
    silent:   words that it must not have: escape sequences, markup taken for markup.
    writes:   patterns (``fnmatch``) of paths that may be made or replaced; everything else is left as it is.
    answer:   a file with the numbers, which are those of the same command in a folder that is not hostile, or a word is said.
    seconds:  that it may take.
    then:     commands after it, each of which must end with status 0: what was attacked goes on.
    leaves:   whether half-written files may stay (after ``kill -9``), for ``then`` to clear away.
    """

    kind: str
    name: str
    work: tuple[str, ...] | Callable[[], object]
    prepare: Callable[[Path], object] = nothing
    inside: Callable[[], object] = nothing
    outside: Callable[[int], object] | None = None
    status: tuple[int, ...] = (2,)
    said: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    answer: str | None = None
    seconds: float = 30.0
    then: tuple[tuple[str, ...], ...] = ()
    leaves: bool = False


@dataclass(frozen=True)
class Outcome:
    """How a child ended. status: negative for a signal. peak: bytes of memory. late: it had to be killed."""

    status: int
    out: str
    err: str
    seconds: float
    peak: int
    late: bool

    @property
    def text(self) -> str:
        return self.out + self.err

"""What an audit may be told, each field once: the four faces pass their keywords on to this record."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from bpnn_jax.errors import InputError, finite, unknown, whole_number


@dataclass(frozen=True)
class Options:
    """Settings of one audit. Every field is a keyword of ``audit.gradient``, ``vjp``, ``custom_vjp`` and ``custom_jvp``.

    Raises InputError for a number of draws below 1 or an order other than 1 and 2.
    """

    draws: int = 6
    """inputs that are tried: the example first, then random ones of the example's shapes and dtypes"""

    seed: int = 0
    """of every random choice; the same seed gives the same report on every machine"""

    ranges: Any = None
    """(low, high) of the random inputs, or a mapping from an argument's number or a leaf's name to such a pair; by default found
    from the example"""

    special: bool = False
    """try 0, 1, -1, 30 and -30 in every element at once too: ties, kinks and saturated branches"""

    domain: Any = None
    """the set on which the rule holds, where it is no box: "binary", "symmetric", "skew", "positive-definite", "simplex" (along the
    last axis), "unit" (likewise), or a function ``(rng, shape) -> array``; for all leaves, or a mapping as in ``ranges``"""

    examples: Sequence[tuple] = ()
    """further examples: each a tuple of all arguments, for what only the author knows, such as other static options"""

    variants: int = 24
    """further draws and other shapes that are found from the example: integers and what is carried along redrawn, values out of the
    program, ties, zeros, lengths; the likeliest to show a mistake first, the same on every machine. 0 leaves all of them out"""

    seconds: float | None = 30.0
    """no variant is begun after that many seconds; the report says how many were left out. None sets no limit"""

    stages: Mapping[str, Callable] | None = None
    """``name -> f(cotangents, values, *args)``, the hand-written cotangent of each intermediate that the reference names by
    ``audit.stage``"""

    order: int = 1
    """2 differentiates the rule once more, too"""

    mutate: bool = True
    """audit wrong versions of the rule as well, for ``Report.power``; none is made of a rule that was found wrong"""

    explain: bool = True
    """look for the cause of a wrong leaf and for the smallest draw that shows it: most of the time that a wrong rule takes"""

    def __post_init__(self):
        if not isinstance(self.draws, int) or self.draws < 1:
            raise InputError(f"expected draws as a whole number from 1 up, got {self.draws!r}")
        whole_number("variants", self.variants, 0)
        if self.seconds is not None:
            finite("seconds", self.seconds)
        if not isinstance(self.examples, list | tuple) or not all(isinstance(e, tuple) for e in self.examples):
            raise InputError(
                f"expected examples as a list of tuples, each with all arguments, got {self.examples!r:.80}"
            )
        if self.order not in (1, 2):
            raise InputError(f"expected order 1 or 2, got {self.order!r}")


KEYWORDS = ("argnums", "reference", *(field.name for field in fields(Options)))


def refuse(misspelt: Mapping[str, Any]) -> None:
    """Raise InputError for a keyword that no face has, with the nearest that there is.

    >>> refuse({"drwas": 3})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    bpnn_jax.errors.InputError: unknown keyword 'drwas'; did you mean 'draws'...? Known: argnums, reference, draws, ...
    """
    for name in misspelt:
        raise unknown("keyword", name, KEYWORDS)

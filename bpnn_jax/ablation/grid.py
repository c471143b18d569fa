"""What varies and what is tuned: fields of a run with their values, checked; and ranges such as 0.001:1:log8."""

import itertools
import re
from collections.abc import Iterable, Mapping
from typing import Any

from bpnn_jax import settings
from bpnn_jax.errors import InputError

LARGEST_GRID = 1_000  # arms; more of them no table can show, and no comparison survive Holm's correction
TUNABLE = ("learning_rate", "momentum", "weight_decay", "ranges")  # the numbers that shape no program
DIGITS = 4  # of the values that a range stands for


def grid(vary: Any) -> tuple[tuple[str, tuple], ...]:
    """Fields and values, checked. ``vary`` is a mapping, or pairs."""
    found: dict[str, tuple] = {}
    for given, values in vary.items() if isinstance(vary, Mapping) else vary:
        name = settings.known(given)
        if name in found:
            raise InputError(f"expected each field once, got {given} more than once")
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise InputError(f"expected the values of {given} as a list, got {values!r}")
        values = tuple(itertools.islice(values, LARGEST_GRID + 1))
        if len(values) > LARGEST_GRID:
            raise InputError(f"expected at most {LARGEST_GRID:,} arms, got more values of {given} than that")
        found[name] = tuple(settings.checked(name, value) for value in values)
        if not found[name]:
            raise InputError(f"expected one value or more for {given}, got none: the grid is empty")
        for value in found[name]:
            if found[name].count(value) > 1:
                shown = settings.shown(name, value)
                raise InputError(f"expected values of {given} that are all different, got {shown} more than once")
    arms = 1
    for values in found.values():
        arms *= len(values)
    if arms > LARGEST_GRID:
        raise InputError(f"expected at most {LARGEST_GRID:,} arms, got {arms:,}")
    return tuple(found.items())


def tuned(tune: Any) -> tuple[tuple[str, tuple], ...]:
    """Fields and the values that are tried for each of them, in rising order; two or more.

    >>> tuned({"learning-rate": (0.5, 0.1)})
    (('learning_rate', (0.1, 0.5)),)
    """
    found = []
    for name, values in grid(tune):
        if name not in TUNABLE:
            fields = ", ".join(n.replace("_", "-") for n in TUNABLE if n in settings.NAMES)
            raise InputError(
                f"expected one of {fields} to tune, got {name.replace('_', '-')}; --vary compares its values"
            )
        if len(values) < 2:
            raise InputError(f"expected two values or more of {name.replace('_', '-')} to tune, got {len(values)}")
        found.append((name, tuple(sorted(values))))
    return tuple(found)


def in_range(text: str) -> list[str]:
    """The values of a list, 0.1,0.5, or of a range with their number: 0.001:1:log4 in equal ratios, 0:0.9:lin4 in equal steps.

    Each as a command line has it, to four digits. Raises InputError for another text.

    >>> in_range("0.001:1:log4"), in_range("0:0.9:lin4"), in_range("0.1,0.5")
    (['0.001', '0.01', '0.1', '1'], ['0', '0.3', '0.6', '0.9'], ['0.1', '0.5'])
    """
    found = re.fullmatch(r"([^:,]+):([^:,]+):(log|lin)(\d{1,3})", text)
    if not found:
        return [value for value in text.split(",") if value]
    try:
        low, high, count = float(found[1]), float(found[2]), int(found[4])
    except ValueError:
        raise InputError(f"expected a range of numbers such as 0.001:1:log8, got {text!r}") from None
    logarithmic = found[3] == "log"
    if not low < high or (logarithmic and low <= 0) or count < 2:
        above = "from above 0 " if logarithmic else ""
        raise InputError(f"expected a range {above}up with two values or more, such as 0.001:1:log8, got {text!r}")
    steps = [k / (count - 1) for k in range(count)]
    values = [low * (high / low) ** s if logarithmic else low + (high - low) * s for s in steps]
    return [f"{value:.{DIGITS}g}" for value in values]

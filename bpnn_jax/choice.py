"""What a user may say of a table. Needs no NumPy, so that the help of a command is quick."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Choice:
    """What a user says of a table where the guess is not what was meant."""

    target: str | None = None
    """What to learn from a table: a column's name, its number counted from 1, or a pattern such as species_*; several with commas."""
    kind: Literal["classification", "multi-label", "regression", "boolean"] | None = None
    """What to learn: otherwise words and few whole numbers are classes, other numbers a quantity."""
    missing: Literal["refuse", "drop", "mean"] = "refuse"
    """Rows with missing cells: refuse the file, drop these rows, or put the mean (for words the commonest)."""
    ignore: tuple[str, ...] = ()
    """Columns to leave out, by name, number or pattern."""

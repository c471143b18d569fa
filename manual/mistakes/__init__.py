"""Wrong derivations that people really make, each the right one with one thing changed.

A check that passes any of these is no check. ``bpnn verify`` runs all of them and says at which equation each was caught.
``gradients`` and ``steps`` hold the wrong functions; what is above one says its name, the equation where it goes wrong, and what
the author was thinking. ``catalogue`` holds what they are put into.
"""

from manual.mistakes import gradients, steps  # noqa: F401  (to import them is to put theirs into the catalogue)
from manual.mistakes.catalogue import FOUND, Mistake, mistake

__all__ = ["MISTAKES", "Mistake", "mistake"]

MISTAKES = tuple(FOUND)

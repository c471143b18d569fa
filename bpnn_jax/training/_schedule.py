"""Schedules: the learning rate of an epoch as a multiple of the run's, by optax's functions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import optax

from bpnn_jax.errors import InputError, finite, unknown, whole_number


class Form(NamedTuple):
    """numbers: what each number is, those with a default last. make: (epochs, *numbers) -> optax's schedule of the multiple."""

    numbers: tuple[str, ...]
    defaults: tuple[float, ...]
    make: Callable[..., Callable[[Any], Any]]


FORMS = {
    "linear": Form(("last multiple",), (0.0,), lambda epochs, last: optax.linear_schedule(1.0, last, epochs)),
    "cosine": Form(("last multiple",), (0.0,), lambda epochs, last: optax.cosine_decay_schedule(1.0, epochs, last)),
    "exponential": Form(("factor per epoch",), (), lambda _, factor: optax.exponential_decay(1.0, 1, factor)),
    "step": Form(
        ("factor", "epochs per step"),
        (),
        lambda _, factor, every: optax.exponential_decay(1.0, int(every), factor, staircase=True),
    ),
    "warmup-cosine": Form(
        ("epochs of warm-up",),
        (),
        lambda epochs, warm: optax.warmup_cosine_decay_schedule(1 / (int(warm) + 1), 1.0, int(warm), epochs),
    ),
}
IN_ALL = "epochs in all"
COUNTS = ("epochs per step", "epochs of warm-up", IN_ALL)
ENDING = ("linear", "cosine", "warmup-cosine")  # that end with the run, or after epochs of their own


@dataclass(frozen=True)
class Schedule:
    """A schedule of the learning rate: hashable, static under ``jit``.

    name:    linear, cosine (each from 1 to a last multiple), exponential (times a factor after each epoch), step (times a factor
             after so many epochs), or warmup-cosine (rises for so many epochs, then as cosine).
    numbers: those of its form, in that order.
    epochs:  the epochs of the run, counted from its first; linear and the two cosines end there, and keep their last multiple.

    Raises InputError for a name or numbers that make no schedule.

    >>> round(float(Schedule("step", (0.5, 10), 30).multiple(25)), 3)
    0.25
    """

    name: str
    numbers: tuple[float, ...]
    epochs: int

    def __post_init__(self):
        if self.name not in FORMS:
            raise unknown("schedule", self.name, ("constant", *FORMS))
        form = FORMS[self.name]
        missing = len(form.numbers) - len(self.numbers)
        if missing < 0 or missing > len(form.defaults):
            raise InputError(f"expected schedule {spelt(self.name)}, got {len(self.numbers)} numbers")
        numbers = (*self.numbers, *form.defaults[len(form.defaults) - missing :])
        object.__setattr__(self, "numbers", tuple(map(_checked, form.numbers, numbers)))
        object.__setattr__(self, "epochs", whole_number("epochs", self.epochs, 1))
        if self.name == "warmup-cosine" and self.numbers[0] >= self.epochs:
            raise InputError(f"expected a warm-up shorter than the {self.epochs} epochs, got {self.numbers[0]:g}")

    @property
    def ends(self) -> bool:
        """Whether it comes to an end after ``epochs``, which therefore move every rate before."""
        return self.name in ENDING

    def multiple(self, epoch: Any) -> Any:
        """What the learning rate of an epoch, counted from 0, is multiplied by; ``epoch`` may be traced."""
        with jax.numpy_dtype_promotion("standard"):  # optax's own arithmetic mixes whole numbers with floats
            return FORMS[self.name].make(self.epochs, *self.numbers)(epoch)


def schedule(text: str, epochs: int) -> Schedule | None:
    """The schedule of a command line, ``step:0.5:30``; None for ``constant``. Raises InputError for a text that is none.

    epochs: those of the run. ``cosine:0:100`` has 100 epochs whatever the run has, which may be done in parts.

    >>> schedule("cosine", 100)
    Schedule(name='cosine', numbers=(0.0,), epochs=100)
    >>> schedule("cosine:0:100", 5) == schedule("cosine", 100)
    True
    """
    name, *rest = text.split(":")
    if name == "constant" and not rest:
        return None
    if name not in FORMS:
        raise unknown("schedule", text, ("constant", *FORMS))
    try:
        numbers = tuple(map(float, rest))
    except ValueError:
        raise InputError(f"expected schedule {spelt(name)}, got {text!r}") from None
    if name in ENDING and len(numbers) == len(FORMS[name].numbers) + 1:
        *numbers, last = numbers
        return Schedule(name, tuple(numbers), int(_checked(IN_ALL, last)))
    return Schedule(name, numbers, epochs)


def spelt(name: str) -> str:
    """How a schedule is written on a command line.

    >>> spelt("step"), spelt("cosine")
    ('step:FACTOR:EPOCHS-PER-STEP', 'cosine:LAST-MULTIPLE[:EPOCHS-IN-ALL]')
    """
    end = "[:EPOCHS-IN-ALL]" if name in ENDING else ""
    return ":".join((name, *(word.upper().replace(" ", "-") for word in FORMS[name].numbers))) + end


def _checked(what: str, value: float) -> float:
    if what in COUNTS:
        return float(whole_number(what, int(value) if float(value).is_integer() else value, 1))
    return finite(what, value)

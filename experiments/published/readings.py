"""How an original may be meant: a base setup, and beside it every ambiguity as a setup that differs in that."""

from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Setup:
    """One way to train for a number. Heavy ball is the momentum of the originals: Δw(t) = -ε g + α Δw(t-1), equation (14).

    rule:          another one, quickprop (21) or rprop (22), takes no momentum.
    learning_rate: of the gradient of E as in (7), summed over patterns, with the ½.
    initial:       half-width of the uniform initial weights of all layers, biases too.
    tolerance:     solved when every output is this near to its target, after an epoch. 0: only the cut-off counts.
    cutoff:        solved when E of an epoch is below. 0: only the tolerance counts.
    low, high:     the targets.
    raised:        over how many epochs learning rate and momentum rise, in steps of ``STEP`` epochs, from a half and from 0.5.
    """

    task: str
    sizes: tuple[int, ...]
    skip: bool = False
    mode: str = "batch"
    learning_rate: float = 0.5
    momentum: float = 0.9
    initial: float = 0.3
    tolerance: float = 0.4
    cutoff: float = 0.0
    low: float = 0.0
    high: float = 1.0
    epochs: int = 10_000
    raised: int = 0
    rule: str = "heavy-ball"


@dataclass(frozen=True)
class Reading:
    """A setup, and in words what it takes the original to mean. ``contrary``: the source states otherwise, so that it is no reading
    of it, but says what would have become of its number.
    """

    words: str
    setup: Setup
    contrary: bool = False


STEP = 2000  # epochs between two rises of a rate
ENCODER = Setup("encoder-10-5-10", (10, 5, 10), learning_rate=1.7, momentum=0.0, initial=1.0, epochs=3000)
XOR_SKIP = Setup("xor", (2, 1, 1), skip=True, epochs=5000)
SYMMETRY = Setup("symmetry-6", (6, 2, 1), learning_rate=0.1, epochs=10_000)
PARITY = Setup("parity-4", (4, 4, 1), initial=0.5, epochs=20_000)
SPIRAL = Setup(
    "two-spirals",
    (2, 5, 5, 5, 1),
    skip=True,
    learning_rate=0.002,
    momentum=0.95,
    initial=0.5,
    tolerance=0.3,
    low=0.2,
    high=0.8,
    epochs=30_000,
    raised=8000,
)
WALKER = Setup(
    "two-spirals", (2, 20, 10, 1), learning_rate=0.1, momentum=0.7, initial=0.5, tolerance=0.3, epochs=20_000
)
BY_RPROP = replace(ENCODER, rule="rprop", learning_rate=2.0, epochs=1000)
BY_QUICKPROP = replace(ENCODER, rule="quickprop", learning_rate=1.5, epochs=1000)
EIGHT = Setup("xor", (2, 8, 1), learning_rate=0.1, initial=0.5, tolerance=0.0, cutoff=0.04, epochs=4000)


def _readings(
    base: Setup, words: str, changes: dict[str, dict[str, Any]], contrary: tuple[str, ...] = ()
) -> tuple[Reading, ...]:
    """The first reading, and beside it what each change makes of it; those named in ``contrary`` the source rules out."""
    changed = (Reading(name, replace(base, **change), name in contrary) for name, change in changes.items())
    return Reading(words, base), *changed


def _within(share: float, low: float = 0.0, high: float = 1.0) -> dict[str, float]:
    return {"low": low, "high": high, "tolerance": share * (high - low)}


TIGHTER = {"outputs within 0.1": _within(0.1), "targets 0.1 and 0.9": _within(0.4, 0.1, 0.9)}
WHEN_UNSTATED = {  # what PDP's chapter leaves open of XOR and of parity alike
    "no momentum": {"momentum": 0.0},
    "online": {"mode": "online"},
    "online without momentum": {"mode": "online", "momentum": 0.0},
}
READINGS = {
    "encoder": _readings(
        ENCODER,
        "as stated",
        {
            "mean gradient": {"learning_rate": 0.17},
            "error without the ½": {"learning_rate": 3.4},
            "online": {"mode": "online"},
            "U(±0.5)": {"initial": 0.5},
            "U(±0.3)": {"initial": 0.3},
            "outputs within 0.5": _within(0.5),
            **TIGHTER,
        },
        ("mean gradient", "online", "U(±0.5)", "U(±0.3)", "outputs within 0.5", "outputs within 0.1"),
    ),
    "xor-skip": _readings(
        XOR_SKIP,
        "batch, momentum 0.9, U(±0.3), 40-20-40, targets 0 and 1",
        {
            **WHEN_UNSTATED,
            "mean gradient": {"learning_rate": 0.125},
            "U(±0.1)": {"initial": 0.1},
            "U(±1)": {"initial": 1.0},
            **TIGHTER,
        },
    ),
    "symmetry": _readings(
        SYMMETRY,
        "as stated, 40-20-40, targets 0 and 1",
        {
            "outputs within 0.5": _within(0.5),
            **TIGHTER,
            "error without the ½": {"learning_rate": 0.2},
            "mean gradient": {"learning_rate": 0.1 / 64},
            "online": {"mode": "online"},
            "U(±1)": {"initial": 1.0},
            "no momentum": {"momentum": 0.0},
        },
        ("mean gradient", "online", "U(±1)", "no momentum"),
    ),
    "parity": _readings(
        PARITY,
        "batch, momentum 0.9, U(±0.5), 40-20-40, targets 0 and 1",
        {
            **WHEN_UNSTATED,
            "mean gradient": {"learning_rate": 0.5 / 16},
            "U(±0.3)": {"initial": 0.3},
            "U(±1)": {"initial": 1.0},
            **TIGHTER,
        },
    ),
    "spirals": _readings(
        SPIRAL,
        "U(±0.5), rates raised over the first 8000 epochs",
        {
            "error without the ½": {"learning_rate": 0.004},
            "U(±1)": {"initial": 1.0},
        },
    ),
    "walker": _readings(
        WALKER,
        "U(±0.5), targets 0 and 1, summed gradient",
        {
            "mean gradient": {"learning_rate": 0.1 / 194},
            "U(±1)": {"initial": 1.0},
            "targets 0.1 and 0.9": {"low": 0.1, "high": 0.9, "tolerance": 0.3},
        },
    ),
    **{
        key: _readings(
            base, f"{words}, U(±1), 40-20-40, targets 0 and 1", {"U(±0.3)": {"initial": 0.3}, **more, **TIGHTER}
        )
        for key, base, words, more in (
            ("encoder-rprop", BY_RPROP, "Δ0 = 2", {}),
            ("encoder-rprop-standard", replace(BY_RPROP, learning_rate=0.1), "Δ0 = 0.1", {}),
            ("encoder-quickprop", BY_QUICKPROP, "ε = 1.5", {}),
            (
                "encoder-plain",
                replace(ENCODER, learning_rate=1.9),
                "ε = 1.9",
                {"error without the ½": {"learning_rate": 3.8}},
            ),
        )
    },
    **{
        key: _readings(
            replace(EIGHT, learning_rate=rate),
            "batch, momentum 0.9, U(±0.5), E below 0.01 a pattern, targets 0 and 1",
            {
                "online": {"mode": "online"},
                "no momentum": {"momentum": 0.0},
                "online without momentum": {"mode": "online", "momentum": 0.0},
                "error without the ½": {"learning_rate": 2 * rate, "cutoff": 0.02},
                "U(±1)": {"initial": 1.0},
            },
        )
        for key, rate in (("eight-slow", 0.1), ("eight-fast", 0.75))
    },
}

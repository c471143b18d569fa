"""The momentum rules on a quadratic, E = ½ λ w²: the exact rate at which w shrinks a step, and the rate that is measured.

With g = λ w each rule is a linear recurrence w_(t+1) = b w_t - c w_(t-1), and the rate is the larger root of z² - b z + c = 0 in
absolute value; below 1 it converges, above 1 it diverges. The largest curvature is 1 here, the smallest 1/κ.
"""

from typing import Any

import numpy as np

import manual

STEP = {
    "previous-gradient": manual.previous_gradient,  # (13)
    "heavy-ball": manual.heavy_ball,  # (14)
    "nesterov": manual.nesterov,  # (15)
}


def exact(rule: str, learning_rate: Any, momentum: Any, curvature: Any = 1.0) -> Any:
    """The rate a step, from the roots.

    (13) b = 1 - Nλ,         c = Mλ
    (14) b = 1 + μ - ηλ,     c = μ               (Polyak 1964)
    (15) b = (1+μ)(1-ηλ),    c = μ(1-ηλ)         (Lessard, Recht and Packard 2016, section 2.2)

    >>> float(exact("heavy-ball", 0.5, 0.0)), float(exact("heavy-ball", 4.0, 1.0))
    (0.5, 1.0)
    """
    step = np.asarray(learning_rate * curvature)
    b, c = {
        "previous-gradient": (1 - step, momentum * curvature + 0 * step),
        "heavy-ball": (1 + momentum - step, momentum + 0 * step),
        "nesterov": ((1 + momentum) * (1 - step), momentum * (1 - step)),
    }[rule]
    root = np.sqrt(b * b - 4 * c + 0j)
    return np.maximum(abs(b + root), abs(b - root)) / 2


def measured(rule: str, learning_rate: Any, momentum: Any, curvatures: Any = 1.0, steps: int = 4000) -> np.ndarray:
    """The rate a step of the rule itself, over the second half of its steps. The rates and curvatures broadcast.

    Where both roots are one, w shrinks as t rate^t: the rate that is measured is then by log(2)/(steps/2) too large.
    The weight and what the rule remembers are divided by the larger of them after each step, so that nothing under- or overflows.

    >>> round(float(measured("heavy-ball", 0.5, 0.0)), 12)
    0.5
    """
    shape = np.broadcast_shapes(*map(np.shape, (learning_rate, momentum, curvatures)))
    w, kept, total = np.ones(shape), np.zeros(shape), np.zeros(shape)
    for step in range(steps):
        w, kept = STEP[rule](w, curvatures * w, kept, learning_rate, momentum)
        size = np.maximum(abs(w), abs(kept))
        arrived = size == 0
        size = np.where(arrived, 1.0, size)
        w, kept = w / size, kept / size
        if step >= steps // 2:
            total += np.where(arrived, -np.inf, np.log(size))
    return np.exp(total / (steps - steps // 2))


def border(rule: str, momentum: Any) -> Any:
    """The learning rate, times λ, from which on the rule diverges. For the article's rule ``momentum`` is M/N.

    Heavy ball 2+2μ, Nesterov (2+2μ)/(1+2μ). The article's rule is stable for Mλ < 1 and (N-M)λ < 2.

    >>> [float(border(rule, 0.5)) for rule in STEP]
    [2.0, 3.0, 1.5]
    """
    mu = np.asarray(momentum, float)
    if rule == "heavy-ball":
        return 2 + 2 * mu
    if rule == "nesterov":
        return (2 + 2 * mu) / (1 + 2 * mu)
    with np.errstate(divide="ignore"):
        return np.minimum(1 / mu, np.where(mu < 1, 2 / (1 - mu), np.inf))


def best(rule: str, condition: float) -> tuple[float, float, float]:
    """(learning rate, momentum, rate) that are fastest over all curvatures from 1/κ to 1; ``condition`` is κ.

    Heavy ball: η = 4/(1+√(1/κ))², μ = ((√κ-1)/(√κ+1))², rate (√κ-1)/(√κ+1) (Polyak 1964). Nesterov: η = 4/(3+1/κ),
    μ = (s-2)/(s+2), rate 1-2/s with s = √(3κ+1) (Lessard, Recht and Packard 2016, proposition 1). Without momentum (``sgd``)
    η = 2/(1+1/κ), rate (κ-1)/(κ+1).
    The article's rule: both roots are within r for every λ if Mλ <= r², (N - M/r)λ <= 1+r and (N + M/r)λ >= 1-r. The first two at
    λ = 1 allow M = r², N = 1+2r; the third at λ = 1/κ then gives r = (κ-1)/(κ+3).

    >>> [round(best(rule, 100.0)[2], 3) for rule in ("sgd", *STEP)]
    [0.98, 0.961, 0.818, 0.885]
    """
    if rule == "heavy-ball":
        rate = (condition**0.5 - 1) / (condition**0.5 + 1)
        return 4 / (1 + condition**-0.5) ** 2, rate**2, rate
    if rule == "nesterov":
        s = (3 * condition + 1) ** 0.5
        return 4 / (3 + 1 / condition), (s - 2) / (s + 2), 1 - 2 / s
    if rule == "previous-gradient":
        rate = (condition - 1) / (condition + 3)
        return 1 + 2 * rate, rate**2, rate
    return 2 / (1 + 1 / condition), 0.0, (condition - 1) / (condition + 1)

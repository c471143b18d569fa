"""Everything that a single run's outcome varies by: the choices, the split, the seed, and the rest."""

import numpy as np

from bpnn_jax import statistics


def everything(values: np.ndarray, splits: np.ndarray | None = None) -> dict[str, float]:
    """The shares of choices, splits, seeds and residual in the variance of a single run of any arm; each may be below 0.

    values: (rows, arms), all seeds of a split together; splits: (rows,), or None for one. Variances are by the method of moments.
    That of the choices is among arm means, without what noise adds; those of splits and of seeds are of what all arms have in
    common; the rest is the residual. Without several splits there are none of splits.

    >>> rng = np.random.default_rng(0)
    >>> values = np.array([0.0, 4.0]) + 2 * rng.normal(size=(500, 1)) + rng.normal(size=(500, 2))
    >>> {name: round(share, 1) for name, share in everything(values).items()}
    {'choices': 0.4, 'seeds': 0.5, 'residual': 0.1}
    """
    splits = np.zeros(len(values)) if splits is None else splits
    numbers = np.unique(splits)
    cube = np.stack([values[splits == number] for number in numbers])  # (splits, seeds, arms)
    if len(numbers) > 1:
        choices = statistics.total(cube.mean(axis=1))
        between = _crossed(cube.mean(axis=2))
        within = float(np.mean([sum(_crossed(cube[..., k])) for k in range(cube.shape[2])]))
        parts = {"choices": choices, "splits": between[0], "seeds": between[1]}
    else:
        choices = statistics.total(values)
        within = float(values.var(axis=0, ddof=1).mean())
        parts = {"choices": choices, "seeds": _crossed(values)[0]}
    parts["residual"] = within - sum(part for name, part in parts.items() if name != "choices")
    total = sum(parts.values())
    return {name: float(part / total) if total > 0 else 0.0 for name, part in parts.items()}


def _crossed(table: np.ndarray) -> tuple[float, float, float]:
    """Variances of rows, columns and the rest of a table (rows, columns), by the mean squares; one column has none of its own."""
    rows, columns = table.shape
    means = table.mean(axis=1)
    if columns == 1:
        return float(means.var(ddof=1)), 0.0, 0.0
    rest = table - means[:, None] - table.mean(axis=0) + table.mean()
    residual = float((rest**2).sum() / ((rows - 1) * (columns - 1)))
    by_row = float(means.var(ddof=1)) - residual / columns
    by_column = float(table.mean(axis=0).var(ddof=1)) - residual / rows
    return by_row, by_column, residual

"""Is this hand-written gradient right, where is it wrong, and what could the check have seen?

For ``jax.custom_vjp`` and ``custom_jvp`` rules, kernels with a backward pass of their own, and gradients from paper. It stands on
JAX and NumPy alone.

>>> import jax.numpy as jnp
>>> from bpnn_jax import audit
>>> def loss(w):
...     return jnp.sum(jnp.tanh(w) ** 2)
>>> report = audit.gradient(loss, lambda w: 2 * jnp.tanh(w), jnp.array([0.3, -0.7]))
>>> report.verdict, report.findings[0].code
('wrong', 'wrong-value')
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bpnn_jax.audit._options import Options
from bpnn_jax.audit._options import refuse as _refuse
from bpnn_jax.audit._report import Finding, Power, Report, Stage, Survivor, assert_correct

if TYPE_CHECKING:
    from bpnn_jax.audit._judge import ratio
    from bpnn_jax.audit._reused import reusing
    from bpnn_jax.audit._stages import stage

__all__ = [
    "Finding",
    "Options",
    "Power",
    "Report",
    "Stage",
    "Survivor",
    "assert_correct",
    "custom_jvp",
    "custom_vjp",
    "gradient",
    "ratio",
    "reusing",
    "stage",
    "vjp",
]

Argnums = int | Sequence[int] | None
Stages = Mapping[str, Callable] | None

# What needs JAX comes when it is used: pytest loads the plugin in this package in every run of its environment.
_LATER = {"reusing": "_reused", "ratio": "_judge", "stage": "_stages"}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _audited(taken_from: str, arguments: tuple, options: Options) -> Report:
    from bpnn_jax.audit import _audit, _rules

    return _audit.audit(getattr(_rules, taken_from)(*arguments), options)


def gradient(
    loss: Callable,
    hand_gradient: Callable,
    *args: Any,
    argnums: Argnums = None,
    reference: Callable | None = None,
    draws: int = 6,
    seed: int = 0,
    ranges: Any = None,
    special: bool = False,
    domain: Any = None,
    examples: Sequence[tuple] = (),
    variants: int = 24,
    seconds: float | None = 30.0,
    stages: Stages = None,
    order: int = 1,
    mutate: bool = True,
    explain: bool = True,
    **misspelt: Any,
) -> Report:
    """Audit ``hand_gradient(*args)``, which should be ``jax.grad(loss, argnums)(*args)``.

    loss:      returns a scalar. ``reference``, another function to trust, stands in for it if given.
    args:      examples; pytrees. Their shapes and dtypes are what is audited.
    argnums:   as for ``jax.grad``; by default 0.
    The other keywords are the fields of ``audit.Options``, which documents them one by one.

    Raises InputError for a loss that is not scalar, no floating argument, or a gradient of another structure.
    """
    _refuse(misspelt)
    options = Options(
        draws=draws,
        seed=seed,
        ranges=ranges,
        special=special,
        domain=domain,
        examples=examples,
        variants=variants,
        seconds=seconds,
        stages=stages,
        order=order,
        mutate=mutate,
        explain=explain,
    )
    return _audited("gradient_rule", (loss, hand_gradient, args, argnums, reference), options)


def vjp(
    fun: Callable,
    fwd: Callable,
    bwd: Callable,
    *args: Any,
    argnums: Argnums = None,
    reference: Callable | None = None,
    draws: int = 6,
    seed: int = 0,
    ranges: Any = None,
    special: bool = False,
    domain: Any = None,
    examples: Sequence[tuple] = (),
    variants: int = 24,
    seconds: float | None = 30.0,
    stages: Stages = None,
    order: int = 1,
    mutate: bool = True,
    explain: bool = True,
    **misspelt: Any,
) -> Report:
    """Audit the pieces of a reverse-mode rule: ``fwd(*args) -> (output, residuals)``, ``bwd(residuals, cotangent) -> cotangents``.

    ``fun(*args)`` is the function that they belong to, for a kernel a plain jnp version of it. ``reference`` stands in for it if
    given; ``argnums`` are by default all arguments with a float in them. The other keywords are the fields of ``audit.Options``.

    >>> import jax.numpy as jnp
    >>> from bpnn_jax import audit
    >>> def fwd(x):
    ...     return x**2, x
    >>> audit.vjp(lambda x: x**2, fwd, lambda x, c: (2 * x * c,), jnp.array([0.3, -0.7]), mutate=False).verdict
    'correct'
    """
    _refuse(misspelt)
    options = Options(
        draws=draws,
        seed=seed,
        ranges=ranges,
        special=special,
        domain=domain,
        examples=examples,
        variants=variants,
        seconds=seconds,
        stages=stages,
        order=order,
        mutate=mutate,
        explain=explain,
    )
    return _audited("vjp_rule", (fun, fwd, bwd, args, argnums, reference), options)


def custom_vjp(
    f: Any,
    *args: Any,
    argnums: Argnums = None,
    reference: Callable | None = None,
    draws: int = 6,
    seed: int = 0,
    ranges: Any = None,
    special: bool = False,
    domain: Any = None,
    examples: Sequence[tuple] = (),
    variants: int = 24,
    seconds: float | None = 30.0,
    stages: Stages = None,
    order: int = 1,
    mutate: bool = True,
    explain: bool = True,
    **misspelt: Any,
) -> Report:
    """Audit a function decorated with ``jax.custom_vjp``; its undecorated body is the reference unless one is given.

    ``args`` are examples, ``argnums`` by default all arguments with a float in them that the rule differentiates. The other
    keywords are the fields of ``audit.Options``.
    """
    _refuse(misspelt)
    options = Options(
        draws=draws,
        seed=seed,
        ranges=ranges,
        special=special,
        domain=domain,
        examples=examples,
        variants=variants,
        seconds=seconds,
        stages=stages,
        order=order,
        mutate=mutate,
        explain=explain,
    )
    return _audited("decorated_rule", ("custom_vjp", f, args, argnums, reference), options)


def custom_jvp(
    f: Any,
    *args: Any,
    argnums: Argnums = None,
    reference: Callable | None = None,
    draws: int = 6,
    seed: int = 0,
    ranges: Any = None,
    special: bool = False,
    domain: Any = None,
    examples: Sequence[tuple] = (),
    variants: int = 24,
    seconds: float | None = 30.0,
    stages: Stages = None,
    order: int = 1,
    mutate: bool = True,
    explain: bool = True,
    **misspelt: Any,
) -> Report:
    """Audit a function decorated with ``jax.custom_jvp``; its undecorated body is the reference unless one is given.

    ``args``, ``argnums`` and the other keywords as for ``custom_vjp``.
    """
    _refuse(misspelt)
    options = Options(
        draws=draws,
        seed=seed,
        ranges=ranges,
        special=special,
        domain=domain,
        examples=examples,
        variants=variants,
        seconds=seconds,
        stages=stages,
        order=order,
        mutate=mutate,
        explain=explain,
    )
    return _audited("decorated_rule", ("custom_jvp", f, args, argnums, reference), options)

"""Planted mistakes of precision, of limits, and against the contract of a rule: as planted.py, which is about algebra."""

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax import audit
from tests.bpnn_jax.audit.planted import Case, normal, plain, planted

CASES: list[Case] = []

# --- limits: x*0 and 0/0 where the derivative exists ---


@planted(CASES, code="nan-in-rule", special=True)
def sinc_derivative_at_zero(bug):
    def sinc(x):
        return jnp.sinc(x / np.pi).sum()

    def hand(x):
        safe = x if bug else jnp.where(abs(x) < 1e-2, 1, x)
        series = -x / 3 + x**3 / 30 - x**5 / 840
        return jnp.where((abs(x) < 1e-2) & (not bug), series, (jnp.cos(safe) - jnp.sin(safe) / safe) / safe)

    return audit.gradient, sinc, hand, normal(5)


@planted(CASES, code="nan-in-rule", special=True)
def cube_of_a_norm_at_zero(bug):
    """n³ is smooth at 0; a chain rule that goes through x/n is not."""

    def cube(x):
        return (x * x).sum() ** 1.5

    def hand(x):
        n = jnp.sqrt((x * x).sum())
        return 3 * n**2 * (x / n) if bug else 3 * n * x

    return audit.gradient, cube, hand, normal(3)


@planted(CASES, code="nan-in-rule", special=True, ranges=(0.0, 2.0))
def square_times_logarithm_at_zero(bug):
    def safe(x):
        return jnp.where(x == 0, 1, abs(x))

    def entropic(x):
        return (x**2 * jnp.log(safe(x))).sum()

    def hand(x):
        return 2 * x * jnp.log(abs(x) if bug else safe(x)) + x

    return audit.gradient, entropic, hand, np.array([0.0, 0.5, 1.5], np.float32)


@planted(CASES, code="nan-in-rule", ranges=(-900.0, 900.0))
def logsumexp_without_the_maximum(bug):
    def hand(x):
        e = jnp.exp(x if bug else x - x.max())
        return e / e.sum()

    return audit.gradient, jax.nn.logsumexp, hand, normal(5)


# --- precision ---


@planted(CASES, verdict="imprecise", ranges=(80.0, 200.0))
def exponential_that_overflows_in_float32_only(bug):
    def softplus(x):
        return jnp.logaddexp(x, 0).sum()

    return (
        audit.gradient,
        softplus,
        lambda x: jnp.exp(x) / (1 + jnp.exp(x)) if bug else jax.nn.sigmoid(x),
        normal(5) + 100,
    )


@planted(CASES, verdict="imprecise", ranges=(-1e-3, 1e-3))
def exponential_minus_one_written_out(bug):
    def loss(x):
        return (x * jnp.expm1(x)).sum()

    return (
        audit.gradient,
        loss,
        lambda x: (jnp.exp(x) - 1 if bug else jnp.expm1(x)) + x * jnp.exp(x),
        normal(5) * np.float32(1e-3),
    )


@planted(CASES, verdict="imprecise", ranges=(1e-4, 1e-3))
def logarithm_of_one_plus_written_out(bug):
    def loss(x):
        return (x * jnp.log1p(x)).sum()

    return (
        audit.gradient,
        loss,
        lambda x: (jnp.log(1 + x) if bug else jnp.log1p(x)) + x / (1 + x),
        abs(normal(5)) * np.float32(1e-3),
    )


@planted(CASES, verdict="imprecise", ranges=(50.0, 60.0))
def variance_as_a_difference_of_squares(bug):
    """E[x²] - E[x]² loses everything to cancellation in float32 when the mean is far from 0."""

    def scale(x):
        return jnp.log(x.var())

    def hand(x):
        d = x - x.mean()
        d -= d.mean()  # what the mean's own rounding left
        variance = (x * x).mean() - x.mean() ** 2 if bug else (d * d).mean()
        return 2 * d / x.size / variance

    return audit.gradient, scale, hand, normal(5) / 10 + 50


@planted(CASES, cause="bfloat16")
def cotangent_cast_to_bfloat16(bug):
    def bwd(residuals, c):
        (x,) = residuals
        return ((c.astype(jnp.bfloat16).astype(c.dtype) if bug else c) * (1 - jnp.tanh(x) ** 2),)

    return audit.vjp, jnp.tanh, plain(jnp.tanh), bwd, normal(5)


@planted(CASES, leaf="argument 1", cause="float16")
def residual_kept_in_float16(bug):
    def fwd(x, w):
        return x @ w, (x.astype(jnp.float16) if bug else x, w)

    def bwd(residuals, c):
        x, w = residuals
        return c @ w.T, x.astype(c.dtype).T @ c

    return audit.vjp, jnp.matmul, fwd, bwd, normal(3, 4), normal(4, 2)


# --- the contract ---


@planted(CASES, code="not-linear")
def backward_pass_that_clips(bug):
    def bwd(residuals, c):
        d = c * jnp.cos(residuals[0])
        return (jnp.clip(d, -1, 1) if bug else d,)

    return audit.vjp, jnp.sin, plain(jnp.sin), bwd, normal(6)


@planted(CASES, code="not-linear")
def cotangent_clipped_by_its_norm(bug):
    def bwd(residuals, c):
        return (c / (jnp.maximum(jnp.sqrt((c * c).sum()), 1) if bug else 1) * jnp.cos(residuals[0]),)

    return audit.vjp, jnp.sin, plain(jnp.sin), bwd, normal(6)


@planted(CASES, leaf="argument 1", cause="0.01 times argument 1 is added")
def weight_decay_slipped_into_the_rule(bug):

    def bwd(residuals, c):
        x, w = residuals
        return c @ w.T, x.T @ c + (0.01 * w if bug else 0)

    return audit.vjp, jnp.matmul, plain(jnp.matmul), bwd, normal(3, 4), normal(4, 2)


@planted(CASES, code="wrong-dtype")
def float32_returned_for_bfloat16(bug):
    def bwd(residuals, c):
        (x,) = residuals
        d = c.astype(jnp.float32) * jnp.cos(x.astype(jnp.float32))
        return (d if bug else d.astype(x.dtype),)

    def sine(x):
        return jnp.sin(x.astype(jnp.float32)).astype(x.dtype)

    return audit.vjp, sine, plain(sine), bwd, jnp.asarray(normal(5), jnp.bfloat16)


@planted(CASES, code="primal-differs", leaf="")
def forward_pass_of_another_function(bug):
    """fwd uses the approximate GELU, the function the exact one; the backward pass fits the function."""

    def exact(x):
        return jax.nn.gelu(x, approximate=False)

    def fwd(x):
        return jax.nn.gelu(x, approximate=bug), x

    def bwd(x, c):
        return (c * (jax.scipy.stats.norm.cdf(x) + x * jax.scipy.stats.norm.pdf(x)),)

    return audit.vjp, exact, fwd, bwd, normal(5)


@planted(CASES, code="second-order", order=2)
def second_derivative_cut_off(bug):
    """The first derivative is right: the residual is only held constant when the rule itself is differentiated."""

    def fwd(x):
        y = jnp.tanh(x)
        return y, jax.lax.stop_gradient(y) if bug else y

    return audit.vjp, jnp.tanh, fwd, lambda y, c: (c * (1 - y * y),), normal(5)


@planted(CASES, leaf="argument 1", code="wrong-value")
def tangent_of_one_argument_ignored(bug):
    @jax.custom_jvp
    def ratio(x, y):
        return x / y

    @ratio.defjvp
    def _(primals, tangents):
        (x, y), (dx, dy) = primals, tangents
        return x / y, dx / y - (0 if bug else x / y**2 * dy)

    return audit.custom_jvp, ratio, normal(4), 1 + abs(normal(4, seed=1))


@planted(CASES, code="mutates-input", leaf="argument 0")
def numpy_gradient_that_works_in_place(bug):
    def loss(x, t):
        return 0.5 * ((x - t) ** 2).sum()

    def hand(x, t):
        x = np.asarray(x)
        d = x if bug else x.copy()
        d -= np.asarray(t)
        return d

    return audit.gradient, loss, hand, normal(5), normal(5, seed=1)


@planted(CASES, code="nondeterministic", verdict="inconclusive", leaf="argument 0")
def sum_in_an_order_of_its_own(bug):
    """Right to rounding, and different from run to run, as atomic adds are."""
    rng = np.random.default_rng(0)

    def hand(x, w):
        x, w = np.asarray(x), np.asarray(w)
        order = rng.permutation(len(x)) if bug else np.arange(len(x))
        total = x.dtype.type(0)
        for i in order:
            total += x[i] * w[i]
        return 2 * total * w

    return audit.gradient, lambda x, w: (x @ w) ** 2, hand, normal(50), normal(50, seed=1)


@planted(CASES, code="eager-differs")
def half_precision_where_values_can_be_seen(bug):
    """Compiled it is right: the short cut is taken only where the rule is run eagerly, as in a debugger."""

    def hand(x):
        seen = bug and not isinstance(x, jax.core.Tracer)
        return jnp.cos(x).astype(jnp.float16).astype(x.dtype) if seen else jnp.cos(x)

    return audit.gradient, lambda x: jnp.sin(x).sum(), hand, normal(5)


@planted(CASES, code="vmap-differs")
def batching_rule_of_its_own(bug):
    @jax.custom_batching.custom_vmap
    def square(x):
        return x * x

    @square.def_vmap
    def _(size, batched, x):
        return (x * x / size if bug else x * x), batched[0]

    return audit.gradient, lambda x: (x**3).sum() / 3, square, normal(5)

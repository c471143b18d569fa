"""Bugs that people really make in hand-written backward passes, each one expression away from its correct twin.

A case is a function of ``bug``: what to audit with the mistake in it, or without. It says what the auditor must answer to the
mistake: verdict, finding, leaf, and a word of the cause where the numbers give it away. Precision, limits and the contract of a rule
are in planted_contract.py.
"""

import functools
import os
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax import audit


class Case(NamedTuple):
    """``audited(bug)`` returns the report. ``leaf`` must be among the leaves named, ``cause`` within that finding's cause."""

    name: str
    audited: Callable[[bool], audit.Report]
    verdict: str
    code: str
    leaf: str
    cause: str


def planted(
    cases: list[Case],
    leaf: str = "argument 0",
    cause: str = "",
    *,
    verdict: str = "wrong",
    code: str = "",
    **options: object,
):
    """Register a case. The function it decorates returns (face, its positional arguments...)."""

    def register(build: Callable) -> Callable:
        reference = functools.cache(lambda: build(False)[1])

        def audited(bug: bool) -> audit.Report:
            face, fun, *arguments = build(bug)
            if face is not audit.custom_jvp:  # elsewhere both twins have one reference: compiled once, inside reusing()
                fun = reference()
            return face(
                fun, *arguments, **{"draws": 3, "mutate": False, "variants": 0, "explain": bool(cause), **options}
            )

        expected = code or {"wrong": "wrong-value", "imprecise": "imprecise"}[verdict]
        cases.append(Case(build.__name__, audited, verdict, expected, leaf, cause))
        return build

    return register


def enough(variants: int) -> int:
    """So many variants as find the mistake of a test, which its right twin passes too; at length as many as there are by default."""
    return 24 if os.environ.get("BPNN_DEEP") else variants


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng((seed, *shape)).standard_normal(shape).astype(np.float32)


CASES: list[Case] = []


def plain(fun: Callable) -> Callable:
    """A forward pass that keeps its arguments."""
    return lambda *args: (fun(*args), args)


# --- attention ---

CAUSAL = np.tril(np.ones((4, 4), bool))


def attention(q, k, v, masked: bool = True):
    scores = q @ k.T / np.sqrt(q.shape[-1]).astype(np.float32)
    return jax.nn.softmax(jnp.where(CAUSAL, scores, -jnp.inf) if masked else scores, axis=-1) @ v


@functools.cache
def attention_backward(mistake: str = ""):
    """The backward pass of ``attention``, with at most one mistake in it."""

    def bwd(residuals, c):
        q, k, v = residuals
        scale = 1 / np.sqrt(q.shape[-1]).astype(np.float32)
        scores = q @ k.T * scale
        p = jax.nn.softmax(jnp.where(CAUSAL | (mistake == "mask"), scores, -jnp.inf), axis=-1)
        dv = p.T @ c
        dp = c @ v.T
        ds = p * (dp if mistake == "sum" else dp - (dp * p).sum(axis=-1, keepdims=True))
        dq = ds @ k * scale
        dk = (ds if mistake == "transpose" else ds.T) @ q * (1 if mistake == "scale" else scale)
        return (dk, dq, dv) if mistake == "swapped" else (dq, dk, dv)

    return audit.vjp, attention, plain(attention), bwd, normal(4, 4), normal(4, 4, seed=1), normal(4, 4, seed=2)


@planted(CASES, leaf="argument 1", cause="twice too large")
def attention_scale_missing_in_dk_only(bug):
    return attention_backward("scale" if bug else "")


@planted(CASES, leaf="argument 2")
def attention_mask_applied_in_forward_only(bug):
    return attention_backward("mask" if bug else "")


@planted(CASES, leaf="argument 0")
def attention_softmax_backward_without_the_sum(bug):
    return attention_backward("sum" if bug else "")


@planted(CASES, leaf="argument 1")
def attention_scores_not_transposed_for_dk(bug):
    return attention_backward("transpose" if bug else "")


@planted(CASES, leaf="argument 0", cause="the gradient of argument 1")
def attention_dq_and_dk_swapped(bug):
    return attention_backward("swapped" if bug else "")


@planted(CASES, leaf="argument 1")
def grouped_query_keys_get_one_heads_gradient(bug):
    """Two query heads share a key head: its gradient is the sum over both."""

    def scores(q, k):  # q: [2 heads, 3, 4], k: [3, 4]
        return jnp.einsum("hqd,kd->hqk", q, k)

    def bwd(residuals, c):
        q, k = residuals
        dk = jnp.einsum("hqk,hqd->hkd", c, q)
        return jnp.einsum("hqk,kd->hqd", c, k), dk[0] if bug else dk.sum(axis=0)

    return audit.vjp, scores, plain(scores), bwd, normal(2, 3, 4), normal(3, 4)


@planted(CASES, leaf="argument 0")
def rotary_embedding_rotated_the_same_way_backwards(bug):
    angle = np.linspace(0.1, 2.0, 6, dtype=np.float32).reshape(3, 2)

    def rotate(x, angle):
        a, b = jnp.split(x, 2, axis=-1)
        return jnp.concatenate(
            [a * jnp.cos(angle) - b * jnp.sin(angle), a * jnp.sin(angle) + b * jnp.cos(angle)], axis=-1
        )

    def rope(x):
        return rotate(x, angle)

    return audit.vjp, rope, plain(rope), lambda r, c: (rotate(c, angle if bug else -angle),), normal(3, 4)


# --- normalisation ---

EPSILON = np.float32(1e-3)


def layer_norm(x, gain, bias):
    mean, variance = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + EPSILON) * gain + bias


@functools.cache
def layer_norm_backward(mistake: str = ""):
    def bwd(residuals, c):
        x, gain, _ = residuals
        r = jax.lax.rsqrt(x.var(axis=-1, keepdims=True) + EPSILON)
        normed = (x - x.mean(axis=-1, keepdims=True)) * r
        dn = c if mistake == "gain" else c * gain
        mean_term = 0 if mistake == "mean" else dn.mean(axis=-1, keepdims=True)
        variance_term = 0 if mistake == "variance" else normed * (dn * normed).mean(axis=-1, keepdims=True)
        dx = (dn - mean_term - variance_term) * r
        return dx, (c * (x if mistake == "input" else normed)).sum(axis=0), c.sum(axis=0)

    return audit.vjp, layer_norm, plain(layer_norm), bwd, normal(3, 5), 1 + normal(5) / 4, normal(5, seed=1)


@planted(CASES, leaf="argument 0")
def layer_norm_gain_forgotten_in_dx(bug):
    return layer_norm_backward("gain" if bug else "")


@planted(CASES, leaf="argument 0")
def layer_norm_without_the_mean_term(bug):
    return layer_norm_backward("mean" if bug else "")


@planted(CASES, leaf="argument 0")
def layer_norm_variance_held_constant(bug):
    return layer_norm_backward("variance" if bug else "")


@planted(CASES, leaf="argument 1")
def layer_norm_gain_gradient_from_the_raw_input(bug):
    return layer_norm_backward("input" if bug else "")


@planted(CASES, leaf="argument 0")
def rms_norm_cube_forgotten(bug):
    def rms_norm(x, gain):
        return x * jax.lax.rsqrt((x * x).mean(axis=-1, keepdims=True) + EPSILON) * gain

    def bwd(residuals, c):
        x, gain = residuals
        r = jax.lax.rsqrt((x * x).mean(axis=-1, keepdims=True) + EPSILON)
        dn = c * gain
        dx = r * dn - x * r ** (2 if bug else 3) * (dn * x).mean(axis=-1, keepdims=True)
        return dx, (c * x * r).sum(axis=0)

    return audit.vjp, rms_norm, plain(rms_norm), bwd, normal(3, 5), 1 + normal(5) / 4


@planted(CASES, leaf="argument 0")
def stop_gradient_on_the_norm(bug):
    def unit(x):
        return x / jnp.sqrt((x * x).sum(axis=-1, keepdims=True) + EPSILON)

    def held(x):
        norm = jnp.sqrt((x * x).sum(axis=-1, keepdims=True) + EPSILON)
        return x / (jax.lax.stop_gradient(norm) if bug else norm)

    return audit.vjp, unit, lambda x: jax.vjp(held, x), lambda pull, c: pull(c), normal(3, 4)


# --- sums, shapes and orders ---


@planted(CASES, leaf="argument 1", cause="not summed over axis 0", code="wrong-shape")
def bias_not_summed_over_the_batch(bug):
    def shift(x, b):
        return x + b

    return audit.vjp, shift, plain(shift), lambda r, c: (c, c if bug else c.sum(axis=0)), normal(3, 4), normal(4)


@planted(CASES, leaf="argument 1", cause="divided by 3")
def kept_axis_averaged_where_it_is_summed(bug):
    def scaled(x, s):
        return x * s

    def bwd(residuals, c):
        x, s = residuals
        ds = c * x
        return c * s, ds.mean(axis=0, keepdims=True) if bug else ds.sum(axis=0, keepdims=True)

    return audit.vjp, scaled, plain(scaled), bwd, normal(3, 4), normal(1, 4)


@planted(CASES, leaf="argument 1")
def convolution_bias_summed_over_the_wrong_axes(bug):
    """As many columns as channels, so the shape gives nothing away."""

    def add(images, b):
        return images + b

    def bwd(residuals, c):
        return c, c.sum(axis=(0, 1, 3) if bug else (0, 1, 2))

    return audit.vjp, add, plain(add), bwd, normal(2, 3, 4, 4), normal(4)


@planted(CASES, leaf="argument 0")
def square_weights_not_transposed(bug):
    def linear(x, w):
        return x @ w

    def bwd(residuals, c):
        x, w = residuals
        return c @ (w if bug else w.T), x.T @ c

    return audit.vjp, linear, plain(linear), bwd, normal(3, 4), normal(4, 4)


@planted(CASES, leaf="argument 1", cause="transposed")
def weight_gradient_transposed(bug):
    def linear(x, w):
        return x @ w

    def bwd(residuals, c):
        x, w = residuals
        return c @ w.T, c.T @ x if bug else x.T @ c

    return audit.vjp, linear, plain(linear), bwd, normal(3, 4), normal(4, 4)


@planted(CASES, leaf="argument 1")
def reshaped_in_place_of_a_transpose(bug):
    """Right for a batch of one, where the two are the same."""

    def linear(x, w):
        return x @ w

    def bwd(residuals, c):
        x, w = residuals
        return c @ w.T, (x.reshape(x.shape[::-1]) if bug else x.T) @ c

    return audit.vjp, linear, plain(linear), bwd, normal(3, 4), normal(4, 2)


@planted(CASES, leaf="argument 0", cause="the gradient of argument 1")
def cotangents_in_the_wrong_order(bug):
    def product(x, y):
        return x * y

    return (
        audit.vjp,
        product,
        plain(product),
        lambda r, c: (c * r[0], c * r[1])[:: 1 if bug else -1],
        normal(5),
        normal(5, seed=1),
    )


@planted(CASES, leaf="argument 0")
def scatter_that_overwrites_duplicates(bug):
    """A row that is looked up twice gets both gradients."""
    rows = np.array([0, 2, 2, 1], np.int32)

    def lookup(table, rows):
        return table[rows]

    def bwd(residuals, c):
        table, rows = residuals
        at = jnp.zeros_like(table).at[rows]
        return (at.set(c) if bug else at.add(c)), None

    return audit.vjp, lookup, plain(lookup), bwd, normal(5, 3), rows


@planted(CASES, leaf="argument 0")
def cumulative_sum_not_reversed(bug):
    def cumulative(x):
        return jnp.cumsum(x)

    return (
        audit.vjp,
        cumulative,
        plain(cumulative),
        lambda r, c: (jnp.cumsum(c) if bug else jnp.cumsum(c[::-1])[::-1],),
        normal(6),
    )


@planted(CASES, leaf="argument 0")
def convolution_kernel_not_flipped(bug):
    def convolve(x, kernel):
        return jnp.convolve(x, kernel, mode="same")

    def bwd(residuals, c):
        x, kernel = residuals
        return jnp.convolve(c, kernel if bug else kernel[::-1], mode="same"), jnp.convolve(c, x[::-1], mode="full")[4:7]

    return audit.vjp, convolve, plain(convolve), bwd, normal(6), normal(3)


@planted(CASES, leaf="argument 0", cause="transposed")
def inverse_matrix_transposed_once_only(bug):
    def bwd(inverse, c):
        return (-(inverse @ c.T @ inverse if bug else inverse.T @ c @ inverse.T),)

    def fwd(a):
        inverse = jnp.linalg.inv(a)
        return inverse, inverse

    return audit.vjp, jnp.linalg.inv, fwd, bwd, normal(3, 3) + 4 * np.eye(3, dtype=np.float32)


# --- paths left out ---


@planted(CASES, leaf="argument 0")
def residual_connection_dropped(bug):
    def block(x, w):
        return x + jnp.tanh(x @ w)

    def bwd(residuals, c):
        x, w = residuals
        dz = c * (1 - jnp.tanh(x @ w) ** 2)
        return dz @ w.T + (0 if bug else c), x.T @ dz

    return audit.vjp, block, plain(block), bwd, normal(3, 4), normal(4, 4)


@planted(CASES, leaf="argument 0['table']")
def tied_weights_counted_once(bug):
    """The table embeds the token and scores the next one."""
    token = np.int32(1)

    def loss(parameters, token):
        scores = parameters["table"] @ jnp.tanh(parameters["table"][token])
        return jax.nn.logsumexp(scores) - scores[2]

    def hand(parameters, token):
        table = parameters["table"]
        h = jnp.tanh(table[token])
        ds = jax.nn.softmax(table @ h) - jnp.eye(len(table), dtype=table.dtype)[2]
        grad = jnp.outer(ds, h)
        return {"table": grad if bug else grad.at[token].add(table.T @ ds * (1 - h * h))}

    return audit.gradient, loss, hand, {"table": normal(4, 3)}, token


@planted(CASES, leaf="argument 1", code="none-for-live")
def none_for_a_live_input(bug):
    def affine(x, w):
        return x * w

    return (
        audit.vjp,
        affine,
        plain(affine),
        lambda r, c: (c * r[1], None if bug else c * r[0]),
        normal(4),
        normal(4, seed=1),
    )


@planted(CASES, leaf="argument 0")
def input_gate_without_its_derivative(bug):
    """One step of an LSTM: gates [i, f, g, o] before their nonlinearities, and the cell before."""

    def cell(gates, before):
        i, f, g, o = gates
        new = jax.nn.sigmoid(f) * before + jax.nn.sigmoid(i) * jnp.tanh(g)
        return jax.nn.sigmoid(o) * jnp.tanh(new), new

    def bwd(residuals, cotangents):
        (i, f, g, o), before = residuals
        dh, dc = cotangents
        i, f, g, o = jax.nn.sigmoid(i), jax.nn.sigmoid(f), jnp.tanh(g), jax.nn.sigmoid(o)
        t = jnp.tanh(f * before + i * g)
        dc = dc + dh * o * (1 - t * t)
        di = dc * g * (1 if bug else i * (1 - i))
        return jnp.stack([di, dc * before * f * (1 - f), dc * i * (1 - g * g), dh * t * o * (1 - o)]), dc * f

    return audit.vjp, cell, plain(cell), bwd, normal(4, 3), normal(3)


@planted(CASES, leaf="argument 1")
def recurrence_truncated_after_one_step(bug):
    def recur(x, w):
        return jax.lax.scan(lambda h, row: (jnp.tanh(row + h @ w),) * 2, jnp.zeros_like(x[0]), x)[0]

    def bwd(residuals, c):
        x, w = residuals
        _, after = jax.lax.scan(lambda h, row: (jnp.tanh(row + h @ w),) * 2, jnp.zeros_like(x[0]), x)
        before = jnp.concatenate([jnp.zeros_like(x[:1]), after[:-1]])

        def back(d, pair):
            h, h_before = pair
            dz = d * (1 - h * h)
            return dz @ w.T, (dz, jnp.outer(h_before, dz))

        _, (dx, dw) = jax.lax.scan(back, c, (after, before), reverse=True)
        return dx, dw[-1] if bug else dw.sum(axis=0)

    return audit.vjp, recur, plain(recur), bwd, normal(4, 3), normal(3, 3) / 2


# --- factors ---


@planted(CASES, cause="the sign")
def divergence_with_the_wrong_sign(bug):
    p = np.array([0.125, 0.25, 0.125, 0.5], np.float32)  # adds up to 1 in every precision

    def divergence(logits, p):
        return (p * (jnp.log(p) - jax.nn.log_softmax(logits))).sum()

    return audit.gradient, divergence, lambda s, p: (p - jax.nn.softmax(s)) * (1 if bug else -1), normal(4), p


@planted(CASES, leaf="argument 0['w']", cause="divided by 5")
def mean_taken_twice(bug):
    x, t = normal(5, 3), normal(5)

    def loss(weights, x, t):
        return ((x @ weights["w"] + weights["b"] - t) ** 2).mean()

    def hand(weights, x, t):
        d = 2 * (x @ weights["w"] + weights["b"] - t) / len(t)
        return {"w": x.T @ d / (len(t) if bug else 1), "b": d.sum()}

    return audit.gradient, loss, hand, {"w": normal(3), "b": np.float32(0.3)}, x, t


@planted(CASES, cause="0.6 times")
def padding_counted_in_the_mean(bug):
    """Three of five positions are valid; the gradient is divided by five."""
    valid = np.array([1, 1, 0, 1, 0], np.float32)

    def loss(x, valid):
        return (valid * x**2).sum() / valid.sum()

    return audit.gradient, loss, lambda x, v: 2 * v * x / (v.size if bug else v.sum()), normal(5), valid


@planted(CASES)
def gelu_without_the_inner_derivative(bug):
    a = np.float32(np.sqrt(2 / np.pi))

    def gelu(x):
        return 0.5 * x * (1 + jnp.tanh(a * (x + 0.044715 * x**3)))

    def bwd(residuals, c):
        (x,) = residuals
        t = jnp.tanh(a * (x + 0.044715 * x**3))
        inner = a * (1 if bug else 1 + 3 * 0.044715 * x**2)
        return (c * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner),)

    return audit.vjp, gelu, plain(gelu), bwd, normal(6)


@planted(CASES, cause="half as large")
def dropout_scale_forgotten_backwards(bug):
    """A PRNG key is carried along."""

    def dropout(x, key):
        return jnp.where(jax.random.bernoulli(key, 0.5, x.shape), x / 0.5, 0)

    def bwd(residuals, c):
        x, key = residuals
        return jnp.where(jax.random.bernoulli(key, 0.5, x.shape), c if bug else c / 0.5, 0), None

    return audit.vjp, dropout, plain(dropout), bwd, normal(4, 3), jax.random.key(3)


@planted(CASES)
def label_smoothing_forgotten_backwards(bug):
    label = np.int32(1)

    def smoothed(label, n, amount, dtype):
        return (1 - amount) * jax.nn.one_hot(label, n, dtype=dtype) + amount / n

    def loss(logits, label):
        return -(smoothed(label, 5, 0.1, logits.dtype) * jax.nn.log_softmax(logits)).sum()

    def hand(logits, label):
        return jax.nn.softmax(logits) - smoothed(label, 5, 0.0 if bug else 0.1, logits.dtype)

    return audit.gradient, loss, hand, normal(5), label


@planted(CASES)
def huber_branch_not_clipped(bug):
    def huber(e):
        return jnp.where(abs(e) < 1, 0.5 * e * e, abs(e) - 0.5).sum()

    return audit.gradient, huber, lambda e: e if bug else jnp.clip(e, -1, 1), 2 * normal(6)

"""Right backward rules, as people write them: each a function ``make(shape) -> (fun, fwd, bwd, arguments)``."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.auditor.studies.drawn import Made, Shape


def _elementwise(fun: Callable, derivative: Callable) -> Callable[[Shape], Made]:
    def make(s: Shape) -> Made:
        return Made(fun, lambda x: (fun(x), x), lambda x, c: (c * derivative(x),), (s.many(),))

    return make


def _gelu_slope(x):
    return 0.5 * jax.lax.erfc(-x / 2**0.5) + x * jnp.exp(-0.5 * x * x) / (2 * np.pi) ** 0.5


def _silu_slope(x):
    s = jax.nn.sigmoid(x)
    return s * (1 + x * (1 - s))


def _gelu_tanh(x):
    return 0.5 * x * (1 + jnp.tanh(0.7978845608 * (x + 0.044715 * x**3)))


def _gelu_tanh_slope(x):
    th = jnp.tanh(0.7978845608 * (x + 0.044715 * x**3))
    return 0.5 * (1 + th) + 0.5 * x * (1 - th * th) * 0.7978845608 * (1 + 3 * 0.044715 * x * x)


def softmax(s: Shape) -> Made:
    def bwd(p, c):
        return (p * (c - jnp.sum(p * c, axis=-1, keepdims=True)),)

    fun = lambda x: jax.nn.softmax(x, axis=-1)  # noqa: E731
    return Made(fun, lambda x: (fun(x), fun(x)), bwd, (s.many(2),))


def log_sum_exp(s: Shape) -> Made:
    fun = lambda x: jax.nn.logsumexp(x, axis=-1)  # noqa: E731
    return Made(fun, lambda x: (fun(x), x), lambda x, c: (c[..., None] * jax.nn.softmax(x, axis=-1),), (s.many(),))


def log_softmax(s: Shape) -> Made:
    fun = lambda x: jax.nn.log_softmax(x, axis=-1)  # noqa: E731

    def bwd(y, c):
        return (c - jnp.exp(y) * jnp.sum(c, axis=-1, keepdims=True),)

    return Made(fun, lambda x: (fun(x), fun(x)), bwd, (s.many(2),))


def cross_entropy(s: Shape) -> Made:
    B, n = s.size(), s.size(2)

    def fun(x, labels):
        return jnp.sum(jax.nn.logsumexp(x, axis=-1) - x[jnp.arange(B), labels])

    def bwd(res, c):
        x, labels = res
        return c * (jax.nn.softmax(x, axis=-1) - jax.nn.one_hot(labels, n, dtype=x.dtype)), None

    return Made(fun, lambda *a: (fun(*a), a), bwd, (s.array(B, n), s.rng.integers(0, n, B).astype(np.int32)))


def binary_cross_entropy(s: Shape) -> Made:
    def fun(x, t):
        return jnp.sum(jnp.maximum(x, 0) - x * t + jnp.log1p(jnp.exp(-abs(x))))

    def bwd(res, c):
        x, t = res
        return c * (jax.nn.sigmoid(x) - t), -c * x

    x = s.many()
    return Made(fun, lambda *a: (fun(*a), a), bwd, (x, s.array(*x.shape)))


def layer_norm(s: Shape) -> Made:
    B, n = s.size(), s.size(3)

    def parts(x):
        centred = x - jnp.mean(x, axis=-1, keepdims=True)
        r = jax.lax.rsqrt(jnp.mean(centred**2, axis=-1, keepdims=True) + 1e-5)
        return centred * r, r

    def fun(x, gain, bias):
        return parts(x)[0] * gain + bias

    def bwd(res, c):
        (y, r), gain = res
        g = c * gain
        dx = r * (g - jnp.mean(g, axis=-1, keepdims=True) - y * jnp.mean(g * y, axis=-1, keepdims=True))
        return dx, jnp.sum(c * y, axis=0), jnp.sum(c, axis=0)

    def fwd(x, gain, bias):
        return fun(x, gain, bias), (parts(x), gain)

    return Made(fun, fwd, bwd, (s.array(B, n), s.array(n), s.array(n)))


def rms_norm(s: Shape) -> Made:
    B, n = s.size(), s.size(2)

    def fun(x, gain):
        return x * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + 1e-5) * gain

    def bwd(res, c):
        x, gain = res
        r = jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + 1e-5)
        g = c * gain
        return r * (g - x * r * r * jnp.mean(g * x, axis=-1, keepdims=True)), jnp.sum(c * x * r, axis=0)

    return Made(fun, lambda *a: (fun(*a), a), bwd, (s.array(B, n), s.array(n)))


def batch_norm(s: Shape) -> Made:
    B, n = s.size(3), s.size()

    def parts(x):
        centred = x - jnp.mean(x, axis=0)
        r = 1 / jnp.sqrt(jnp.mean(centred**2, axis=0) + 1e-3)
        return centred * r, r

    def bwd(res, c):
        y, r = res
        return (r * (c - jnp.mean(c, axis=0) - y * jnp.mean(c * y, axis=0)),)

    return Made(lambda x: parts(x)[0], lambda x: (parts(x)[0], parts(x)), bwd, (s.array(B, n),))


def attention(s: Shape) -> Made:
    T, d, causal = s.size(2, 8), s.size(2, 8), bool(s.size(0, 1))
    mask = np.tril(np.ones((T, T), bool)) if causal else np.ones((T, T), bool)

    def weights(q, k):
        return jax.nn.softmax(jnp.where(mask, q @ k.T / d**0.5, -1e9), axis=-1)

    def fun(q, k, v):
        return weights(q, k) @ v

    def bwd(res, c):
        q, k, v, p = res
        dp = c @ v.T
        ds = p * (dp - jnp.sum(dp * p, axis=-1, keepdims=True)) / d**0.5
        return ds @ k, ds.T @ q, p.T @ c

    def fwd(q, k, v):
        return fun(q, k, v), (q, k, v, weights(q, k))

    return Made(fun, fwd, bwd, (s.array(T, d), s.array(T, d), s.array(T, d)))


def affine(s: Shape) -> Made:
    B, n, m = s.size(), s.size(), s.size()
    fun = lambda x, W, b: x @ W + b  # noqa: E731

    def bwd(res, c):
        x, W = res
        return c @ W.T, x.T @ c, jnp.sum(c, axis=0)

    return Made(fun, lambda x, W, b: (fun(x, W, b), (x, W)), bwd, (s.array(B, n), s.array(n, m), s.array(m)))


def convolution(s: Shape) -> Made:
    n, k = s.size(4), s.size(1, 4)
    fun = lambda x, w: jnp.convolve(x, w, mode="valid")  # noqa: E731

    def bwd(res, c):
        x, w = res
        return jnp.convolve(c, w[::-1], mode="full"), jnp.correlate(x, c, mode="valid")[::-1]

    return Made(fun, lambda *a: (fun(*a), a), bwd, (s.array(n), s.array(k)))


def embedding(s: Shape) -> Made:
    rows, d = s.size(2), s.size()
    index = s.rng.integers(0, rows, s.size()).astype(np.int32)

    def bwd(res, c):
        return jnp.zeros((rows, d), c.dtype).at[res].add(c), None

    return Made(lambda E, i: E[i], lambda E, i: (E[i], i), bwd, (s.array(rows, d), index))


def cosine(s: Shape) -> Made:
    def norm(x):
        return jnp.sqrt(jnp.sum(x * x, axis=-1, keepdims=True) + 1e-6)

    def fun(x, y):
        return jnp.sum(x * y / (norm(x) * norm(y)), axis=-1)

    def bwd(res, c):
        x, y = res
        u, v = x / norm(x), y / norm(y)
        similar = jnp.sum(u * v, axis=-1, keepdims=True)
        c = c[..., None]
        return c * (v - similar * u) / norm(x), c * (u - similar * v) / norm(y)

    B, n = s.size(), s.size(2)
    return Made(fun, lambda *a: (fun(*a), a), bwd, (s.array(B, n), s.array(B, n)))


def kl(s: Shape) -> Made:
    B, n = s.size(), s.size(2)

    def fun(x, y):
        p = jax.nn.softmax(x, axis=-1)
        return jnp.sum(p * (jax.nn.log_softmax(x, axis=-1) - jax.nn.log_softmax(y, axis=-1)))

    def bwd(res, c):
        x, y = res
        p, q = jax.nn.softmax(x, axis=-1), jax.nn.softmax(y, axis=-1)
        r = jax.nn.log_softmax(x, axis=-1) - jax.nn.log_softmax(y, axis=-1)
        return c * p * (r - jnp.sum(p * r, axis=-1, keepdims=True)), c * (q - p)

    return Made(fun, lambda *a: (fun(*a), a), bwd, (s.array(B, n), s.array(B, n)))


def nll(s: Shape) -> Made:
    n = s.size()

    def fun(mean, variance, t):
        return jnp.sum(0.5 * jnp.log(variance) + 0.5 * (t - mean) ** 2 / variance)

    def bwd(res, c):
        mean, variance, t = res
        e = (mean - t) / variance
        return c * e, c * 0.5 * (1 - e * (mean - t)) / variance, -c * e

    return Made(fun, lambda *a: (fun(*a), a), bwd, (s.array(n), abs(s.array(n)) + s.dtype.type(0.1), s.array(n)))


def quadratic(s: Shape) -> Made:
    n = s.size(2)
    fun = lambda x, A: x @ A @ x  # noqa: E731

    def bwd(res, c):
        x, A = res
        return c * (A @ x + A.T @ x), c * jnp.outer(x, x)

    return Made(fun, lambda *a: (fun(*a), a), bwd, (s.array(n), s.array(n, n)))


def cumulative_sum(s: Shape) -> Made:
    fun = lambda x: jnp.cumsum(x, axis=-1)  # noqa: E731
    return Made(
        fun, lambda x: (fun(x), None), lambda _, c: (jnp.cumsum(c[..., ::-1], axis=-1)[..., ::-1],), (s.many(),)
    )


def log_add_exp(s: Shape) -> Made:
    fun = jnp.logaddexp

    def bwd(res, c):
        x, y = res
        return c * jax.nn.sigmoid(x - y), c * jax.nn.sigmoid(y - x)

    x = s.many()
    return Made(fun, lambda *a: (fun(*a), a), bwd, (x, s.array(*x.shape)))


def recurrence(s: Shape) -> Made:
    """h ← a h + x over time, and its adjoint, the same recurrence backwards."""
    T, n = s.size(2), s.size()

    def states(a, x):
        return jax.lax.scan(lambda h, u: ((a * h + u),) * 2, jnp.zeros_like(x[0]), x)[1]

    def fun(a, x):
        return states(jnp.tanh(a), x)

    def bwd(res, c):
        a, x = res
        a = jnp.tanh(a)
        h = states(a, x)
        adjoint = jax.lax.scan(lambda g, u: ((a * g + u),) * 2, jnp.zeros_like(c[0]), c[::-1])[1][::-1]
        before = jnp.concatenate([jnp.zeros_like(h[:1]), h[:-1]])
        return (1 - a * a) * jnp.sum(adjoint * before, axis=0), adjoint

    return Made(fun, lambda *a: (fun(*a), a), bwd, (s.array(n), s.array(T, n)))


def row_maximum(s: Shape) -> Made:
    fun = lambda x: jnp.max(x, axis=-1)  # noqa: E731

    def bwd(x, c):
        return (c[..., None] * jax.nn.one_hot(jnp.argmax(x, axis=-1), x.shape[-1], dtype=x.dtype),)

    return Made(fun, lambda x: (fun(x), x), bwd, (s.many(2),))


def glu(s: Shape) -> Made:
    fun = lambda x, y: x * jax.nn.sigmoid(y)  # noqa: E731

    def bwd(res, c):
        x, y = res
        g = jax.nn.sigmoid(y)
        return c * g, c * x * g * (1 - g)

    x = s.many()
    return Made(fun, lambda *a: (fun(*a), a), bwd, (x, s.array(*x.shape)))


RULES: dict[str, Callable[[Shape], Made]] = {
    "gelu": _elementwise(lambda x: 0.5 * x * jax.lax.erfc(-x / 2**0.5), _gelu_slope),
    "gelu by tanh": _elementwise(_gelu_tanh, _gelu_tanh_slope),
    "silu": _elementwise(lambda x: x * jax.nn.sigmoid(x), _silu_slope),
    "softplus": _elementwise(lambda x: jnp.logaddexp(x, 0), jax.nn.sigmoid),
    "log cosh": _elementwise(lambda x: jnp.logaddexp(x, -x) - jnp.log(2.0).astype(x.dtype), jnp.tanh),
    "huber": _elementwise(lambda x: jnp.where(abs(x) < 1, 0.5 * x * x, abs(x) - 0.5), lambda x: jnp.clip(x, -1, 1)),
    "relu": _elementwise(lambda x: jnp.maximum(x, 0), lambda x: (x > 0).astype(x.dtype)),
    "leaky relu": _elementwise(
        lambda x: jnp.where(x > 0, x, 0.01 * x), lambda x: jnp.where(x > 0, 1.0, 0.01).astype(x.dtype)
    ),
    "elu": _elementwise(
        lambda x: jnp.where(x > 0, x, jnp.expm1(jnp.minimum(x, 0))),
        lambda x: jnp.where(x > 0, 1.0, jnp.exp(jnp.minimum(x, 0))).astype(x.dtype),
    ),
    "softsign": _elementwise(lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2),
    "arctan": _elementwise(jnp.arctan, lambda x: 1 / (1 + x * x)),
    "sin": _elementwise(jnp.sin, jnp.cos),
    "softmax": softmax,
    "log softmax": log_softmax,
    "log-sum-exp": log_sum_exp,
    "cross-entropy": cross_entropy,
    "binary cross-entropy": binary_cross_entropy,
    "layer norm": layer_norm,
    "rms norm": rms_norm,
    "batch norm": batch_norm,
    "attention": attention,
    "affine": affine,
    "convolution": convolution,
    "embedding": embedding,
    "cosine": cosine,
    "KL divergence": kl,
    "nll": nll,
    "quadratic form": quadratic,
    "cumulative sum": cumulative_sum,
    "log-add-exp": log_add_exp,
    "recurrence": recurrence,
    "row maximum": row_maximum,
    "gated linear unit": glu,
}

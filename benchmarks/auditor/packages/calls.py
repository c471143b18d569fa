"""Public calls of other people's packages, which run their hand-written rules: ``python calls.py NAME``.

A function per package, which imports it. Each call stands alone: one that fails (a package that does not run with this JAX) is
printed, and the next is tried.
"""

# pyright: reportMissingImports=false, reportAttributeAccessIssue=false, reportMissingModuleSource=false
# The packages are in an environment of their own.

import sys
import traceback
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

PACKAGES: dict[str, Callable[[], list[Callable]]] = {}


def normal(*shape: int, seed: int = 0) -> jax.Array:
    return jnp.asarray(np.random.default_rng((seed, *shape)).standard_normal(shape).astype(np.float32))


def between(low: float, high: float, *shape: int) -> jax.Array:
    return jnp.asarray(np.random.default_rng(len(shape)).uniform(low, high, shape).astype(np.float32))


def spd(n: int) -> jax.Array:
    a = normal(n, n)
    return a @ a.T + n * jnp.eye(n)


def calls(function: Callable[[], list[Callable]]) -> Callable[[], list[Callable]]:
    """Register a function that returns the calls of the package of its name."""
    PACKAGES[function.__name__] = function
    return function


@calls
def numpyro():
    from numpyro.distributions import DoublyTruncatedPowerLaw
    from numpyro.distributions.util import log1mexp

    x, alpha, low, high = between(1.5, 4.0, 4), jnp.float32(-2.5), jnp.float32(1.0), jnp.float32(5.0)
    law = DoublyTruncatedPowerLaw(alpha, low, high)
    at_one = DoublyTruncatedPowerLaw(jnp.float32(-1.0), low, high)
    u = between(0.1, 0.9, 4)
    return [
        lambda: law.log_prob(x),
        lambda: law.cdf(x),
        lambda: law.icdf(u),
        lambda: at_one.log_prob(x),
        lambda: at_one.cdf(x),
        lambda: at_one.icdf(u),
        lambda: log1mexp(-x),
    ]


@calls
def ott():
    from ott.geometry import costs, pointcloud
    from ott.math import matrix_square_root, utils
    from ott.problems.linear import linear_problem
    from ott.solvers.linear import sinkhorn

    x = normal(3, 4)
    a, b = normal(5, 2), normal(6, 2, seed=1)
    return [
        lambda: utils.softmin(x, jnp.float32(0.7), 1),
        lambda: utils.logsumexp(x, 1, False, None, False),
        lambda: utils.logsumexp(x, 1, False, between(0.2, 2.0, 3, 4), False),
        lambda: utils.norm(x, None, 1, False),
        lambda: utils.lambertw(between(0.2, 3.0, 4)),
        lambda: matrix_square_root.sqrtm(spd(3)),
        lambda: matrix_square_root.sqrtm_only(spd(3)),
        lambda: matrix_square_root.inv_sqrtm_only(spd(3)),
        lambda: costs.RegTICost(costs_regularizer(), 0.5)(normal(4), normal(4, seed=1)),
        lambda: sinkhorn.Sinkhorn()(linear_problem.LinearProblem(pointcloud.PointCloud(a, b, epsilon=0.5))).reg_ot_cost,
    ]


def costs_regularizer():
    from ott.geometry import regularizers

    return regularizers.L1()


@calls
def optax():
    import optax

    x = normal(5)
    return [
        lambda: optax.scale_gradient(x, 0.5),
        lambda: optax.losses.softmax_cross_entropy(normal(3, 4), jax.nn.softmax(normal(3, 4, seed=1))),
        lambda: optax.losses.kl_divergence(jax.nn.log_softmax(normal(3, 4)), jax.nn.softmax(normal(3, 4, seed=1))),
        lambda: optax.losses.safe_softmax_cross_entropy(normal(3, 4), jax.nn.softmax(normal(3, 4, seed=1))),
        lambda: optax.projections.projection_simplex(x),
        lambda: optax.projections.projection_l1_ball(3 * x),
    ]


@calls
def lineax():
    import lineax as lx
    from lineax.internal import two_norm

    operator = lx.MatrixLinearOperator(spd(3))
    return [
        lambda: lx.linear_solve(operator, normal(3)).value,
        lambda: two_norm(normal(4)),
        lambda: lx.linear_solve(operator, normal(3), lx.GMRES(rtol=1e-5, atol=1e-5)).value,
        lambda: (
            lx.linear_solve(
                lx.TaggedLinearOperator(operator, lx.positive_semidefinite_tag), normal(3), lx.CG(1e-5, 1e-5)
            ).value
        ),
    ]


@calls
def equinox():
    import equinox as eqx
    from equinox import internal as eqxi

    return [
        lambda: eqx.filter_grad(lambda x: jnp.sum(eqx.debug.backward_nan(x) ** 2))(normal(3)),
        lambda: eqxi.nextafter(normal(3)),
        lambda: eqxi.prevbefore(normal(3)),
        lambda: eqxi.while_loop(
            lambda x: x[1] < 3, lambda x: (jnp.sin(x[0]), x[1] + 1), (normal(3), 0), max_steps=8, kind="checkpointed"
        ),
        lambda: eqx.error_if(normal(3), jnp.array(False), "no"),
    ]


@calls
def jaxopt():
    import jaxopt
    from jaxopt import perturbations

    x = normal(5)
    return [
        lambda: jaxopt.projection.projection_simplex(x),
        lambda: jaxopt.projection.projection_simplex(x, 2.0),
        lambda: jaxopt.projection.projection_sparse_simplex(x, 3),
        lambda: jaxopt.projection.projection_l1_ball(x, 1.5),
        lambda: perturbations.make_perturbed_max(lambda y: (y == y.max()).astype(y.dtype), 10)(
            x, jax.random.PRNGKey(0)
        ),
        lambda: jaxopt.GradientDescent(lambda w, d: jnp.sum((w - d) ** 2), maxiter=50).run(x, normal(5, seed=1)).params,
    ]


@calls
def distrax():
    import distrax
    from distrax._src.utils import math

    return [
        lambda: math.multiply_no_nan(normal(4), normal(4, seed=1)),
        lambda: math.power_no_nan(between(0.5, 2, 4), between(0.5, 2, 4)),
        lambda: distrax.VonMises(jnp.float32(0.3), jnp.float32(1.5)).cdf(normal(4)),
        lambda: distrax.VonMises(jnp.float32(0.3), jnp.float32(1.5)).sample(seed=jax.random.PRNGKey(0), sample_shape=4),
        lambda: distrax.Categorical(logits=normal(4)).entropy(),
    ]


@calls
def flax():
    from flax.linen import fp8_ops

    scale, history = jnp.ones(1, jnp.float32), jnp.zeros(4, jnp.float32)
    return [
        lambda: fp8_ops.in_qdq(jnp.float32, jnp.float8_e4m3fn, normal(3, 4), scale, history),
        lambda: fp8_ops.out_qdq(jnp.float32, jnp.float8_e5m2, normal(3, 4), scale, history),
        lambda: fp8_ops.dot_general_with_precision(normal(3, 4), normal(4, 2), (((1,), (0,)), ((), ()))),
    ]


@calls
def tensorflow_probability():
    from tensorflow_probability.substrates import jax as tfp

    m, d = tfp.math, tfp.distributions
    x, y, z = between(0.4, 2.5, 4), between(1.0, 3.0, 4), between(0.2, 0.8, 4)
    key = jax.random.PRNGKey(0)
    return [
        lambda: m.bessel_iv_ratio(x, y),
        lambda: m.bessel_ive(x, y),
        lambda: m.bessel_kve(x, y),
        lambda: m.log_bessel_ive(x, y),
        lambda: m.log_bessel_kve(x, y),
        lambda: m.log_cosh(normal(4)),
        lambda: m.hpsd_logdet(spd(3)),
        lambda: m.hpsd_solve(spd(3), normal(3, 2)),
        lambda: m.hpsd_quadratic_form_solve(spd(3), normal(3, 2)),
        lambda: m.hpsd_quadratic_form_solvevec(spd(3), normal(3)),
        lambda: m.betainc(x, y, z),
        lambda: tfp.math.special.betaincinv(x, y, z),
        lambda: m.dawsn(normal(4)),
        lambda: m.erfcx(normal(4)),
        lambda: m.igammainv(x, z),
        lambda: m.igammacinv(x, z),
        lambda: m.lambertw(x),
        lambda: m.log_gamma_difference(x, 8 + y),
        lambda: m.lbeta(x, y),
        lambda: m.owens_t(normal(4), normal(4, seed=1)),
        lambda: d.VonMises(0.3, 1.5).cdf(normal(4)),
        lambda: d.VonMises(jnp.float32(0.3), jnp.float32(1.5)).sample(4, seed=key),
        lambda: d.StudentT(jnp.float32(4.0), 0.0, 1.0).cdf(normal(4)),
        lambda: d.StudentT(jnp.float32(4.0), 0.0, 1.0).quantile(z),
        lambda: d.Gamma(jnp.float32(2.0), jnp.float32(1.5)).sample(4, seed=key),
        lambda: d.InverseGaussian(jnp.float32(2.0), jnp.float32(1.5)).sample(4, seed=key),
        lambda: d.NoncentralChi2(jnp.float32(3.0), jnp.float32(1.5)).cdf(y),
        lambda: d.NoncentralChi2(jnp.float32(3.0), jnp.float32(1.5)).quantile(z),
        lambda: d.TwoPieceNormal(jnp.float32(0.0), jnp.float32(1.0), jnp.float32(1.5)).sample(4, seed=key),
        lambda: tfp.bijectors.Softplus().forward(normal(4)),
        lambda: tfp.bijectors.Sigmoid(low=jnp.float32(-1.0), high=jnp.float32(2.0)).forward(normal(4)),
        lambda: tfp.math.psd_kernels.MaternOneHalf().apply(normal(3), normal(3, seed=1)),
    ]


@calls
def optimistix():
    import optimistix as optx

    return [
        lambda: (
            optx.root_find(lambda y, a: y**3 - a, optx.Newton(1e-6, 1e-6), jnp.float32(1.0), jnp.float32(2.0)).value
        ),
        lambda: (
            optx.fixed_point(
                lambda y, a: jnp.cos(a * y), optx.FixedPointIteration(1e-6, 1e-6), jnp.float32(0.5), jnp.float32(0.8)
            ).value
        ),
    ]


@calls
def diffrax():
    import diffrax as dfx

    term = dfx.ODETerm(lambda t, y, a: -a * y)
    solve = partial(dfx.diffeqsolve, term, dfx.Tsit5(), 0.0, 1.0, 0.1)
    return [
        lambda: solve(normal(3), args=jnp.float32(0.7)).ys,
        lambda: solve(normal(3), args=jnp.float32(0.7), adjoint=dfx.BacksolveAdjoint()).ys,
    ]


@calls
def exojax():
    from exojax.opacity.lpf.lpf import hjert
    from exojax.postproc.spin_rotation import rotkernel
    from exojax.rt import chord
    from exojax.special import faddeeva

    return [
        lambda: hjert(jnp.float32(0.7), jnp.float32(0.4)),
        lambda: rotkernel(between(0.1, 0.8, 4), jnp.float32(0.3), jnp.float32(0.2)),
        lambda: chord.safe_sqrt(between(0.2, 3, 4)),
        lambda: faddeeva.rewofzx(jnp.float32(0.7), jnp.float32(0.4)),
    ]


@calls
def e3nn_jax():
    import e3nn_jax as e3nn

    return [
        lambda: e3nn.spherical_harmonics(e3nn.Irreps("0e + 1o + 2e"), normal(4, 3), True),
        lambda: e3nn.spherical_harmonics(e3nn.Irreps("1o"), normal(4, 3), False),
    ]


@calls
def jax_md():
    from jax_md import rigid_body, space
    from jax_md.mm_forcefields.reaxff import reaxff_helper

    quaternion = normal(4)
    return [
        lambda: space.transform(normal(3, 3), normal(4, 3)),
        lambda: rigid_body.quaternion_rotate(
            rigid_body.Quaternion(quaternion / jnp.linalg.norm(quaternion)), normal(3)
        ),
        lambda: reaxff_helper.safe_sqrt(between(0.2, 3, 4)),
    ]


@calls
def brax():
    from brax import math

    return [lambda: math.safe_arccos(between(-0.8, 0.8, 4)), lambda: math.safe_arcsin(between(-0.8, 0.8, 4))]


@calls
def mujoco():
    from mujoco.mjx._src import collision_sdf

    return [lambda: collision_sdf._cylinder(normal(3), between(0.3, 1.0, 3))]


@calls
def neural_tangents():
    from neural_tangents import stax

    _, _, kernel = stax.serial(stax.Dense(8), stax.Relu(), stax.Dense(8), stax.Erf(), stax.Dense(1))
    return [lambda: kernel(normal(3, 4), normal(2, 4, seed=1), "ntk"), lambda: kernel(normal(3, 4), None, "nngp")]


@calls
def rlax():
    import rlax

    return [lambda: rlax.clip_gradient(normal(4), -0.5, 0.5)]


@calls
def probdiffeq():
    from probdiffeq.backend import linalg

    return [lambda: linalg.qr_r(normal(4, 3)), lambda: linalg.qr_r(normal(3, 3))]


@calls
def dynamiqs():
    import dynamiqs as dq
    from dynamiqs.integrators.core import low_rank_integrator as low

    return [
        lambda: low._qr_solve_cached(normal(3, 3), tuple(jnp.linalg.qr(normal(3, 3))), normal(3, 2)),
        lambda: low._cholesky_solve_cached(spd(3), jnp.linalg.inv(spd(3)), normal(3, 2)),
        lambda: dq.mesolve(dq.sigmaz(), [dq.sigmam()], dq.basis(2, 0), jnp.linspace(0, 1.0, 3)).states,
    ]


@calls
def netket():
    import netket.jax as nkjax

    def log_probability(w, s):
        return -0.5 * jnp.sum((s - w) ** 2, -1)

    return [lambda: nkjax.expect(log_probability, lambda w, s: jnp.sum(jnp.sin(w) * s, -1), normal(3), normal(8, 3))[0]]


@calls
def zernipax():
    from zernipax import zernike

    r = between(0.1, 0.9, 4)
    return [
        lambda: zernike.zernike_radial_cpu(r, np.array([2, 3, 4]), np.array([0, 1, 2])),
        lambda: zernike.zernike_radial_unique(r, np.array([2, 3, 4]), np.array([0, 1, 2])),
        lambda: zernike.jacobi_poly_single(r, 2, 1, 1),
        lambda: zernike.fourier(between(0.1, 3.0, 3), jnp.array([1, -1, 2])),
    ]


@calls
def ejkernel():
    from ejkernel.kernels._xla.flash_attention import flash_attention
    from ejkernel.kernels._xla.mean_pooling import mean_pooling
    from ejkernel.kernels._xla.recurrent import recurrent
    from ejkernel.kernels._xla.ring_attention import ring_attention
    from ejkernel.kernels._xla.state_space_v1 import state_space_v1

    q, k, v = normal(1, 8, 2, 4), normal(1, 8, 2, 4, seed=1), normal(1, 8, 2, 4, seed=2)
    states, steps = -between(0.2, 1, 3, 2), between(0.1, 1, 1, 6, 3)
    return [
        lambda: flash_attention(q, k, v),
        lambda: flash_attention(q, k, v, causal=True),
        lambda: mean_pooling(normal(1, 8, 4), 4),
        lambda: recurrent(q, k, v),
        lambda: ring_attention(q, k, v),
        lambda: state_space_v1(normal(1, 6, 3), states, normal(1, 6, 2), normal(1, 6, 2, seed=1), normal(3), steps),
    ]


@calls
def matfree():
    from matfree import decomp, lstsq

    a = spd(4)
    return [
        lambda: decomp.tridiag_sym(3, reortho="none")(lambda v, m: m @ v, normal(4), a),
        lambda: decomp.tridiag_sym(3, reortho="full")(lambda v, m: m @ v, normal(4), a),
        lambda: decomp.hessenberg(3, reortho="full")(lambda v, m: m @ v, normal(4), a),
        lambda: lstsq.lsmr()(lambda v, m: m.T @ v, normal(4), a),
    ]


@calls
def folx():
    from folx import slogdet
    from folx.wrapped_functions import complex_abs

    return [lambda: slogdet.slogdet(normal(3, 3)), lambda: complex_abs(normal(3) + 1j * normal(3, seed=1))]


@calls
def ripplegw():
    from ripplegw.waveforms.cbc.IMRPhenom_NRTidal import IMRPhenomD_NRTidalv2 as waveform

    return [lambda: waveform.get_planck_taper(between(1.1, 1.9, 4), jnp.float32(1.0))]


@calls
def jaxsim():
    from jaxsim.math import safe_norm

    return [lambda: safe_norm(normal(3, 4)), lambda: safe_norm(normal(3, 4), axis=-1)]


@calls
def kfac_jax():
    from kfac_jax._src.utils import math

    return [lambda: math._sqrt_bound_derivative(between(0.2, 3, 4), 10.0)]


@calls
def s2fft():
    import s2fft

    flm = s2fft.utils.signal_generator.generate_flm(np.random.default_rng(0), 4)
    return [lambda: s2fft.inverse_jax(flm, 4), lambda: s2fft.forward_jax(s2fft.inverse_jax(flm, 4), 4)]


@calls
def jax_fem():
    from jax_fem.experimental import adjoint_save_to_local

    return [lambda: adjoint_save_to_local.f(normal(3), normal(3, seed=1))]


@calls
def pallas():
    from jax.experimental.pallas.ops.gpu import layer_norm, rms_norm

    x, w, b = normal(2, 3, 8), normal(8, seed=1), normal(8, seed=2)
    return [
        lambda: rms_norm.rms_norm(x, w, b, backward_pass_impl="xla", interpret=True, eps=0.1),
        lambda: layer_norm.layer_norm(x, w, b, backward_pass_impl="xla", interpret=True, eps=0.1),
    ]


def main(name: str) -> None:
    for number, call in enumerate(PACKAGES[name]()):
        try:
            call()
        except Exception as error:  # the next may run
            where = traceback.extract_tb(error.__traceback__)[-1]
            print(
                f"{name}, call {number + 1}: {type(error).__name__}: {str(error)[:200]} ({where.filename}:{where.lineno})"
            )


if __name__ == "__main__":
    main(sys.argv[1])

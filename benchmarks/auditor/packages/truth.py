"""What is right of the rules in other people's packages, worked out by hand: differences, mpmath, or the source."""

from typing import NamedTuple

# The module of a package, where it is not called as its function in calls.py is.
MODULES = {
    "pallas": "jax.experimental.pallas.ops.gpu",
    "mujoco": "mujoco.mjx",
    "tensorflow_probability": "tensorflow_probability.substrates.jax",
}


class Truth(NamedTuple):
    """verdict: "right", "wrong", or "by design", for a rule that is meant to differ from the derivative; how: how it is known."""

    verdict: str
    how: str


TRUTH: dict[str, Truth] = {
    "numpyro.distributions.truncated.DoublyTruncatedPowerLaw.log_prob.<locals>.f": Truth(
        "wrong",
        "mpmath: ∂/∂low is 0.480 and ∂/∂high 0.0086 at x = 2, α = -2.5, low 1, high 5, where 1.647 and -0.0295 are right",
    ),
    "numpyro.distributions.truncated.DoublyTruncatedPowerLaw.cdf.<locals>.f": Truth(
        "wrong", "mpmath: at α = -1, ∂/∂high is 0.0535 where -0.0535 is right; at α = -2.5 it agrees to 16 digits"
    ),
    "ott.math.utils.softmin": Truth("wrong", "central differences in float64: ∂/∂γ is 0 where -0.927 is right"),
    "ott.math.utils.norm": Truth(
        "wrong",
        "differences and source: NaN for one row of zeros among others; under `jax.jvp` the norm of zeros is 2, not 0",
    ),
    "ott.math.utils.logsumexp": Truth(
        "wrong", "run: under `jax.jvp` the value of a row of -inf is 0, not -inf; right elsewhere by its source"
    ),
    "jaxsim.math.utils._make_safe_norm.<locals>._safe_norm": Truth(
        "wrong", "differences and source: NaN for one row of zeros among others"
    ),
    "ripplegw.waveforms.cbc.IMRPhenom_NRTidal.IMRPhenomD_NRTidalv2.get_planck_taper": Truth(
        "wrong",
        "central differences in float64: ∂/∂x is 0 where -10 is right at x = 1.1, y = 1; ∂/∂y agrees to 8 digits",
    ),
    "jax_md.space.transform": Truth("by design", "its docstring: gradients pass the box unchanged"),
    "jax_md.rigid_body._quaternion_rotate": Truth(
        "by design", "its source: the gradient is projected onto unit quaternions"
    ),
    "jax.experimental.pallas.ops.gpu.rms_norm.rms_norm": Truth(
        "wrong", "its source: the backward pass in XLA has no eps; autodiff of the plain formula disagrees"
    ),
    "jax.experimental.pallas.ops.gpu.layer_norm.layer_norm": Truth(
        "wrong", "its source: the backward pass in XLA has no eps"
    ),
    "exojax.special.faddeeva.rewofzx": Truth(
        "wrong", "mpmath: at (0.7, 0.4) with cotangent 2, ∂/∂y is 0.588 where -0.541 is right"
    ),
    "exojax.opacity.lpf.lpf.hjert": Truth(
        "right", "mpmath at 3 points: 7e-10 to 6e-7 off, as far as the function itself is"
    ),
    "brax.math.safe_arccos": Truth("right", "calculus: -1/√(1 - x²), within the clip"),
    "brax.math.safe_arcsin": Truth("right", "calculus: 1/√(1 - x²), within the clip"),
    "numpyro.distributions.util.log1mexp": Truth("right", "calculus: -1/(exp(-x) - 1)"),
    "jax_md.mm_forcefields.reaxff.reaxff_helper.safe_sqrt": Truth("right", "calculus: 1/(2√x)"),
    "exojax.rt.chord.safe_sqrt": Truth("right", "calculus: 1/(2√x)"),
    "folx.slogdet.slogdet": Truth("right", "central differences in float64: 5e-11 off"),
    "folx.wrapped_functions.complex_abs": Truth("right", "central differences in float64: 4e-10 off"),
    "e3nn_jax._src.spherical_harmonics._custom_jvp_spherical_harmonics": Truth(
        "right", "central differences in float64: 3e-10 off"
    ),
    "ejkernel.kernels._xla.mean_pooling._xla_impl_fwd._mean_pooling_core": Truth(
        "right", "central differences in float64: 5e-10 off"
    ),
    "ejkernel.kernels._xla.state_space_v1._interface._ssm1_core": Truth(
        "right", "central differences in float64: at most 6e-10 off"
    ),
    "optax._src.utils._scale_gradient": Truth("by design", "its name: it scales the gradient"),
    "lineax._norm._zero_grad_at_zero": Truth("by design", "its name: at 0 the gradient is 0"),
    "optimistix._ad._implicit_impl": Truth(
        "by design", "its words: by the implicit function theorem the starting point has no gradient"
    ),
    "optax.losses._classification.weighted_logsoftmax": Truth(
        "right", "calculus: weight times (1 - softmax) and log-softmax"
    ),
    "optax.projections._projections._projection_unit_simplex": Truth(
        "right", "calculus: on the support, the tangent less its mean"
    ),
    "jaxopt._src.projection._projection_unit_simplex": Truth(
        "right", "calculus: on the support, the tangent less its mean"
    ),
    "mujoco.mjx._src.collision_sdf._cylinder": Truth(
        "by design", "its docstring: the gradient is the query point's alone; ∂/∂size is 0, silently"
    ),
    "jaxopt._src.perturbations.make_perturbed_max.<locals>.forward_pert": Truth(
        "by design", "Berthet et al. 2020: the derivative of the expectation, not of the sample"
    ),
    "jaxopt._src.implicit_diff._custom_root.<locals>.make_custom_vjp_solver_fun.<locals>.solver_fun_flat": Truth(
        "by design",
        "its source: what the solver returns beside the solution has no gradient; the audit of the solution alone says correct",
    ),
    "probdiffeq.backend.linalg.qr_r": Truth(
        "by design", "its comment: Q is treated as constant, so that it has a derivative at 0"
    ),
    "dynamiqs.integrators.core.low_rank_integrator._qr_solve_cached": Truth(
        "by design", "its source: the cache is taken to be that of A, which carries the gradient"
    ),
    "dynamiqs.integrators.core.low_rank_integrator._cholesky_solve_cached": Truth(
        "by design", "its source: the cache is taken to be that of A, which carries the gradient"
    ),
    "lineax._norm._two_norm": Truth("right", "calculus: x/|x|, and 0 at 0"),
    "ott.math.utils.lambertw": Truth("right", "calculus: W/(x(1 + W))"),
    "flax.linen.fp8_ops.in_qdq": Truth(
        "by design",
        "its source: quantised straight through; the cotangents of scale and history carry their new values",
    ),
    "flax.linen.fp8_ops.out_qdq": Truth(
        "by design", "its source: the cotangent is quantised; those of scale and history carry their new values"
    ),
    "rlax._src.clipping.clip_gradient": Truth("by design", "its docstring: the gradient is clipped"),
    "kfac_jax._src.utils.math._sqrt_bound_derivative": Truth("by design", "its docstring: the gradient is clipped"),
    "distrax._src.distributions.von_mises._von_mises_cdf": Truth(
        "right",
        "mpmath at 27 points: ∂/∂x is the density to 2e-14, where the body's own slope is 1e-5 off; ∂/∂κ is its body's formula's",
    ),
    "ejkernel.kernels._xla.recurrent._interface._recurrent_core": Truth(
        "wrong",
        "central differences: ∂/∂k is -1.210 where -0.895 is right (δh is transposed); ∂/∂q, ∂/∂v agree to 2e-6",
    ),
    "jax_fem.experimental.adjoint_save_to_local.f": Truth(
        "wrong",
        "run: its file cannot be written, for the folder is not in the package; where it can, a sum of two calls has 4.952 for 5.212",
    ),
    "matfree.lstsq.lsmr.<locals>._run": Truth(
        "by design",
        "its source: the statistics beside the solution have no gradient; that of the solution is pinv's to 2e-15",
    ),
    "ott.math.fixed_point_loop.fixpoint_iter": Truth(
        "by design",
        "its source: backwards the errors are not computed, and have no gradient; the state's is the unrolled loop's to 5e-15",
    ),
    "netket.jax._expect._expect": Truth(
        "by design",
        "its source: the derivative of the expectation, not of the sample; that of the statistics is left out",
    ),
}

"""Wrong gradients: (3), (4), (8) to (12) and (17) to (19), each the right function with one thing changed.

Every function stands in for the function of the same role in ``manual.activations``, ``manual.objective`` or ``manual.backprop``.
"""

from manual.activations import ACTIVATIONS, Array
from manual.backprop import CORRECT, _rows, bias_gradient, hidden_delta, weight_gradient
from manual.mistakes.catalogue import mistake
from manual.network import Layer
from manual.objective import softmax_jacobian

# (3), (4) and (17): the derivative of the activation -----------------------------------------------------------------------


@mistake("sigmoid' of the output", 3, "f'(z) is s(z)(1-s(z)), but a was passed where z belongs", of="sigmoid")
def _sigmoid_of_the_output(z: Array, a: Array) -> Array:
    s = ACTIVATIONS["sigmoid"].value(a)
    return s * (1.0 - s)


@mistake("sigmoid' = 1 - a", 3, "the factor a is lost in f' = a(1-a)", of="sigmoid")
def _sigmoid_without_a(z: Array, a: Array) -> Array:
    return 1.0 - a


@mistake("sigmoid' = a - 1 + a²", 3, "a sign is lost in expanding", of="sigmoid")
def _sigmoid_with_a_lost_sign(z: Array, a: Array) -> Array:
    return a - 1.0 + a * a


@mistake("tanh' = 1 - a", 4, "the square is forgotten", of="tanh")
def _tanh_without_square(z: Array, a: Array) -> Array:
    return 1.0 - a


@mistake("tanh with sigmoid's derivative", 4, "the activation was exchanged, its derivative was not", of="tanh")
def _tanh_as_sigmoid(z: Array, a: Array) -> Array:
    return a * (1.0 - a)


@mistake("linear' = a", 4, "the slope of a line taken for its value", of="linear")
def _linear_value_for_slope(z: Array, a: Array) -> Array:
    return a


@mistake("LeCun's tanh with tanh's derivative", 4, "the stretch by 1.7159 and 2/3 is forgotten", of="lecun_tanh")
def _lecun_without_stretch(z: Array, a: Array) -> Array:
    return 1.0 - a * a


@mistake("relu'(0) = 1", 17, "at the kink the other side is taken, whose slope is 1", of="relu")
def _relu_of_the_other_side(z: Array, a: Array) -> Array:
    xp = a.__array_namespace__()
    return xp.where(xp.real(a) < 0, xp.zeros_like(a), xp.ones_like(a))


@mistake("leaky relu with relu's derivative", 17, "the leak is forgotten", of="leaky_relu")
def _leaky_relu_without_leak(z: Array, a: Array) -> Array:
    return ACTIVATIONS["relu"].derivative(z, a)


@mistake("elu' = a on the left", 17, "a is e^z - 1, and the 1 is forgotten", of="elu")
def _elu_without_one(z: Array, a: Array) -> Array:
    xp = a.__array_namespace__()
    return xp.where(xp.real(a) > 0, xp.ones_like(a), a)


@mistake("softplus' = sigmoid(a)", 17, "f' is the sigmoid of z, and was given a", of="softplus")
def _softplus_of_the_output(z: Array, a: Array) -> Array:
    return ACTIVATIONS["sigmoid"].value(a)


@mistake("softsign' = 1 - |a|", 17, "the square is forgotten", of="softsign")
def _softsign_without_square(z: Array, a: Array) -> Array:
    return 1.0 - abs(a)


@mistake(
    "silu' without its second term", 17, "z s(z) is a product, and s(z) was differentiated as a constant", of="silu"
)
def _silu_without_second_term(z: Array, a: Array) -> Array:
    return ACTIVATIONS["sigmoid"].value(z)


@mistake("gelu with silu's derivative", 17, "the argument of the sigmoid is taken for z", of="gelu")
def _gelu_as_silu(z: Array, a: Array) -> Array:
    return ACTIVATIONS["silu"].derivative(z, a)


# (8): the output delta -----------------------------------------------------------------------------------------------


@mistake("output delta without f'", 8, "right for cross-entropy (19), wrong for half the squared error (7)")
def _delta_without_derivative(layer: Layer, t: Array) -> Array:
    return layer.a - t


@mistake("output delta with t - a", 8, "the article's sign, with a step that subtracts")
def _delta_of_the_article(layer: Layer, t: Array) -> Array:
    return (t - layer.a) * layer.derivative


@mistake("output delta twice too large", 8, "the ½ of (7) is forgotten")
def _delta_without_half(layer: Layer, t: Array) -> Array:
    return 2.0 * (layer.a - t) * layer.derivative


@mistake("mean over outputs", 8, "E sums over outputs")
def _delta_mean_over_outputs(layer: Layer, t: Array) -> Array:
    return (layer.a - t) * layer.derivative / t.shape[-1]


@mistake("mean over patterns in δ", 8, "E sums over patterns")
def _delta_mean_over_patterns(layer: Layer, t: Array) -> Array:
    return (layer.a - t) * layer.derivative / _rows(t).shape[0]


@mistake("output f' twice", 8, "once in the error, once in δ")
def _delta_derivative_twice(layer: Layer, t: Array) -> Array:
    return (layer.a - t) * layer.derivative * layer.derivative


# (9): the hidden delta -----------------------------------------------------------------------------------------------


@mistake("hidden delta without f'", 9, "the hidden activation is treated as linear")
def _hidden_without_derivative(layer: Layer, above: Layer, delta_above: Array) -> Array:
    return delta_above @ above.W_bar.T


@mistake("hidden f' of z", 9, "f' in terms of a is given z")
def _hidden_derivative_of_z(layer: Layer, above: Layer, delta_above: Array) -> Array:
    return layer.f.derivative(layer.z, layer.z) * (delta_above @ above.W_bar.T)


@mistake("f' of the layer above again", 9, "δ above has its f' already")
def _hidden_derivative_of_above(layer: Layer, above: Layer, delta_above: Array) -> Array:
    return layer.derivative * ((delta_above * above.derivative) @ above.W_bar.T)


@mistake("the lost sum", 9, "'=' for '+=' in the loop over the layer above: only its last node counts")
def _hidden_lost_sum(layer: Layer, above: Layer, delta_above: Array) -> Array:
    return layer.derivative * (delta_above[..., -1:] @ above.W_bar[:, -1:].T)


@mistake("moved output weights", 9, "the article's order: the weights above moved first. Close, and not a gradient")
def _hidden_moved_weights(layer: Layer, above: Layer, delta_above: Array) -> Array:
    moved = above._replace(W=above.W - 0.5 * weight_gradient(above, delta_above))
    return hidden_delta(layer, moved, delta_above)


@mistake("W not transposed", 9, "the shapes were made to fit")
def _hidden_not_transposed(layer: Layer, above: Layer, delta_above: Array) -> Array:
    n_in, n_out = above.W_bar.shape
    not_transposed = above.W_bar.__array_namespace__().reshape(above.W_bar, (n_out, n_in))
    return layer.derivative * (delta_above @ not_transposed)


@mistake("bias row first in W̄", 9, "the bias node's weights are the last row, and the first was dropped")
def _hidden_bias_row_first(layer: Layer, above: Layer, delta_above: Array) -> Array:
    n = layer.a.shape[-1]
    return layer.derivative * (delta_above @ above.W[-n:].T)


@mistake("hidden sign", 9, "a minus too many on the way down")
def _hidden_sign(layer: Layer, above: Layer, delta_above: Array) -> Array:
    return -hidden_delta(layer, above, delta_above)


@mistake("hidden |W|", 9, "the sign of a weight is lost")
def _hidden_absolute_weights(layer: Layer, above: Layer, delta_above: Array) -> Array:
    return layer.derivative * (delta_above @ abs(above.W_bar).T)


# (10): the gradient of the weights -----------------------------------------------------------------------------------


@mistake("mean for a sum", 10, "the gradient is divided by the batch")
def _gradient_mean(layer: Layer, delta: Array) -> Array:
    return weight_gradient(layer, delta) / _rows(delta).shape[0]


@mistake("only the last pattern", 10, "'=' for '+=' in the loop over patterns")
def _gradient_last_pattern(layer: Layer, delta: Array) -> Array:
    return weight_gradient(layer._replace(below=_rows(layer.below)[-1:]), _rows(delta)[-1:])


@mistake("the neighbour's input", 10, "inputs and deltas are off by one pattern")
def _gradient_neighbours_input(layer: Layer, delta: Array) -> Array:
    xp = delta.__array_namespace__()
    return weight_gradient(layer._replace(below=xp.roll(_rows(layer.below), 1, axis=0)), _rows(delta))


@mistake("weight decay left in", 10, "0.001 W is added, of which E knows nothing")
def _gradient_weight_decay(layer: Layer, delta: Array) -> Array:
    return weight_gradient(layer, delta) + 1e-3 * layer.W


@mistake("one input 1% off", 10, "small enough to train well")
def _gradient_one_percent(layer: Layer, delta: Array) -> Array:
    g = weight_gradient(layer, delta)
    xp = g.__array_namespace__()
    return xp.concat([g[:1] * 1.01, g[1:]], axis=0)


@mistake("bias row first in the gradient", 10, "[1, a] where the weights say [a, 1]")
def _gradient_bias_row_first(layer: Layer, delta: Array) -> Array:
    g = weight_gradient(layer, delta)
    n = layer.below.shape[-1]
    return g.__array_namespace__().concat([g[n:], g[:n]], axis=0)


# (11): the gradient of the bias, in both its forms -------------------------------------------------------------------


@mistake("the lecture's ∂O/∂θ = 1", 11, "it is O(1-O): the bias skips the activation")
def _bias_of_the_lecture(layer: Layer, delta: Array) -> Array:
    return bias_gradient(layer, delta / layer.derivative)


@mistake("bias forgotten", 11, "the bias is never updated")
def _bias_forgotten(layer: Layer, delta: Array) -> Array:
    return 0.0 * bias_gradient(layer, delta)


@mistake("bias averaged", 11, "weights summed over patterns, biases averaged")
def _bias_mean(layer: Layer, delta: Array) -> Array:
    return bias_gradient(layer, delta) / _rows(delta).shape[0]


# (12): the gradient of the input -------------------------------------------------------------------------------------


@mistake("f' of the input layer", 12, "the inputs are no layer with an activation")
def _input_with_derivative(first: Layer, delta: Array) -> Array:
    return first.f.derivative(first.below, first.below) * (delta @ first.W_bar.T)


@mistake("bias row first in ∂E/∂x", 12, "the bias node's weights take the place of the first input's")
def _input_bias_row_first(first: Layer, delta: Array) -> Array:
    return delta @ first.W[-first.below.shape[-1] :].T


# (18) and (8): softmax, whose outputs each depend on every z ----------------------------------------------------------


@mistake(
    "softmax's Jacobian, the diagonal alone",
    18,
    "a_k (1 - a_k), as for sigmoid: its other entries are not 0",
    of="softmax",
)
def _jacobian_diagonal(z: Array, a: Array) -> Array:
    J = softmax_jacobian(z, a)
    xp, n = J.__array_namespace__(), a.shape[-1]
    return J * xp.reshape(xp.eye(n, dtype=a.dtype), (1,) * (a.ndim - 1) + (n, n))


@mistake("softmax's Jacobian, a sign", 18, "a_j a_k is added where it is taken away", of="softmax")
def _jacobian_sign(z: Array, a: Array) -> Array:
    return softmax_jacobian(z, a) + 2.0 * a[..., :, None] * a[..., None, :]


@mistake(
    "softmax's δ as if elementwise", 8, "(a - t) ⊙ a (1 - a): the sum over the outputs stays for softmax", of="softmax"
)
def _delta_of_softmax_elementwise(layer: Layer, t: Array) -> Array:
    return (layer.a - t) * layer.a * (1.0 - layer.a)


# (19): cross-entropy ---------------------------------------------------------------------------------------------------


@mistake("f' kept in (19)", 19, "(a - t) ⊙ f'(z) is (8); the logarithm cancels f'", of="sigmoid")
def _cross_entropy_keeps_derivative(layer: Layer, t: Array) -> Array:
    return (layer.a - t) * layer.derivative


@mistake("Jacobian kept in (19)", 19, "the same with softmax: the logarithm cancels the Jacobian", of="softmax")
def _cross_entropy_keeps_jacobian(layer: Layer, t: Array) -> Array:
    return CORRECT.output_delta(layer, t)


@mistake("(19) for the target's class alone", 19, "-t (1 - a): the other outputs have a δ too", of="softmax")
def _cross_entropy_of_the_class(layer: Layer, t: Array) -> Array:
    return t * (layer.a - 1.0)


@mistake("(19) without 1 - t", 19, "-t (1 - a): with sigmoid a target of 0 counts as well", of="sigmoid")
def _cross_entropy_one_sided(layer: Layer, t: Array) -> Array:
    return t * (layer.a - 1.0)

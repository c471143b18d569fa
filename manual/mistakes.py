"""Wrong derivations that people really make, each the right one with one thing changed.

A check that passes any of these is no check. ``bpnn verify`` runs all of them and says at which equation each was caught.
Every function below stands in for the function of the same role in ``manual.backprop``.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from manual.activations import ACTIVATIONS, Activation, Array
from manual.backprop import CORRECT, Equations, _rows, bias_gradient, hidden_delta, weight_gradient
from manual.network import Layer


@dataclass(frozen=True)
class Mistake:
    """A wrong derivation: ``equation`` is where it goes wrong, ``why`` what the author was thinking."""

    name: str
    equation: int
    why: str
    equations: Equations = CORRECT
    activations: dict[str, Activation] = field(default_factory=lambda: ACTIVATIONS)

    def functions(self, names: tuple[str, ...]) -> tuple[Activation, ...]:
        """The activations by name, as this author wrote them."""
        return tuple(self.activations[name] for name in names)


# (3) and (4): the derivative of the activation -----------------------------------------------------------------------


def _derivative(name: str, wrong: Callable[[Array], Array]) -> dict[str, Activation]:
    return {**ACTIVATIONS, name: ACTIVATIONS[name]._replace(derivative=wrong)}


def _sigmoid_of_the_output(a: Array) -> Array:
    s = ACTIVATIONS["sigmoid"].value(a)
    return s * (1.0 - s)


# (8): the output delta -----------------------------------------------------------------------------------------------


def _delta_without_derivative(layer: Layer, t: Array) -> Array:
    return layer.a - t


def _delta_of_the_article(layer: Layer, t: Array) -> Array:
    return (t - layer.a) * layer.f.derivative(layer.a)


def _delta_without_half(layer: Layer, t: Array) -> Array:
    return 2.0 * (layer.a - t) * layer.f.derivative(layer.a)


def _delta_mean_over_outputs(layer: Layer, t: Array) -> Array:
    return (layer.a - t) * layer.f.derivative(layer.a) / t.shape[-1]


def _delta_mean_over_patterns(layer: Layer, t: Array) -> Array:
    return (layer.a - t) * layer.f.derivative(layer.a) / _rows(t).shape[0]


def _delta_derivative_twice(layer: Layer, t: Array) -> Array:
    return (layer.a - t) * layer.f.derivative(layer.a) * layer.f.derivative(layer.a)


# (9): the hidden delta -----------------------------------------------------------------------------------------------


def _hidden_without_derivative(layer: Layer, above: Layer, delta_above: Array) -> Array:
    return delta_above @ above.W_bar.T


def _hidden_derivative_of_z(layer: Layer, above: Layer, delta_above: Array) -> Array:
    return layer.f.derivative(layer.with_bias_node @ layer.W) * (delta_above @ above.W_bar.T)


def _hidden_derivative_of_above(layer: Layer, above: Layer, delta_above: Array) -> Array:
    return layer.f.derivative(layer.a) * ((delta_above * above.f.derivative(above.a)) @ above.W_bar.T)


def _hidden_lost_sum(layer: Layer, above: Layer, delta_above: Array) -> Array:
    return layer.f.derivative(layer.a) * (delta_above[..., -1:] @ above.W_bar[:, -1:].T)


def _hidden_moved_weights(layer: Layer, above: Layer, delta_above: Array) -> Array:
    moved = above._replace(W=above.W - 0.5 * weight_gradient(above, delta_above))
    return hidden_delta(layer, moved, delta_above)


def _hidden_not_transposed(layer: Layer, above: Layer, delta_above: Array) -> Array:
    n_in, n_out = above.W_bar.shape
    not_transposed = above.W_bar.__array_namespace__().reshape(above.W_bar, (n_out, n_in))
    return layer.f.derivative(layer.a) * (delta_above @ not_transposed)


def _hidden_bias_row_first(layer: Layer, above: Layer, delta_above: Array) -> Array:
    n = layer.a.shape[-1]
    return layer.f.derivative(layer.a) * (delta_above @ above.W[-n:].T)


def _hidden_sign(layer: Layer, above: Layer, delta_above: Array) -> Array:
    return -hidden_delta(layer, above, delta_above)


def _hidden_absolute_weights(layer: Layer, above: Layer, delta_above: Array) -> Array:
    return layer.f.derivative(layer.a) * (delta_above @ abs(above.W_bar).T)


# (10): the gradient of the weights -----------------------------------------------------------------------------------


def _gradient_mean(layer: Layer, delta: Array) -> Array:
    return weight_gradient(layer, delta) / _rows(delta).shape[0]


def _gradient_last_pattern(layer: Layer, delta: Array) -> Array:
    return weight_gradient(layer._replace(below=_rows(layer.below)[-1:]), _rows(delta)[-1:])


def _gradient_neighbours_input(layer: Layer, delta: Array) -> Array:
    xp = delta.__array_namespace__()
    return weight_gradient(layer._replace(below=xp.roll(_rows(layer.below), 1, axis=0)), _rows(delta))


def _gradient_weight_decay(layer: Layer, delta: Array) -> Array:
    return weight_gradient(layer, delta) + 1e-3 * layer.W


def _gradient_one_percent(layer: Layer, delta: Array) -> Array:
    g = weight_gradient(layer, delta)
    xp = g.__array_namespace__()
    return xp.concat([g[:1] * 1.01, g[1:]], axis=0)


def _gradient_bias_row_first(layer: Layer, delta: Array) -> Array:
    g = weight_gradient(layer, delta)
    n = layer.below.shape[-1]
    return g.__array_namespace__().concat([g[n:], g[:n]], axis=0)


# (11): the gradient of the bias, in both its forms -------------------------------------------------------------------


def _bias(wrong: Callable[[Layer, Array], Array]) -> Equations:
    """The same mistake in the bias as a vector and in the bias node's row."""

    def wrong_row(layer: Layer, delta: Array) -> Array:
        g = weight_gradient(layer, delta)
        n = layer.below.shape[-1]
        if g.shape[0] == n:
            return g
        return g.__array_namespace__().concat([g[:n], wrong(layer, delta)[None, :]], axis=0)

    return CORRECT._replace(weight_gradient=wrong_row, bias_gradient=wrong)


def _bias_of_the_lecture(layer: Layer, delta: Array) -> Array:
    return bias_gradient(layer, delta / layer.f.derivative(layer.a))


def _bias_forgotten(layer: Layer, delta: Array) -> Array:
    return 0.0 * bias_gradient(layer, delta)


def _bias_mean(layer: Layer, delta: Array) -> Array:
    return bias_gradient(layer, delta) / _rows(delta).shape[0]


# (12): the gradient of the input -------------------------------------------------------------------------------------


def _input_with_derivative(first: Layer, delta: Array) -> Array:
    return first.f.derivative(first.below) * (delta @ first.W_bar.T)


def _input_bias_row_first(first: Layer, delta: Array) -> Array:
    return delta @ first.W[-first.below.shape[-1] :].T


def _eq(**replaced: Callable) -> Equations:
    return CORRECT._replace(**replaced)


MISTAKES = (
    Mistake(
        "sigmoid' of the output",
        3,
        "f'(z) is s(z)(1-s(z)), but a was passed where z belongs",
        activations=_derivative("sigmoid", _sigmoid_of_the_output),
    ),
    Mistake(
        "sigmoid' = 1 - a",
        3,
        "the factor a is lost in f' = a(1-a)",
        activations=_derivative("sigmoid", lambda a: 1.0 - a),
    ),
    Mistake(
        "sigmoid' = a - 1 + a²",
        3,
        "a sign is lost in expanding",
        activations=_derivative("sigmoid", lambda a: a - 1.0 + a * a),
    ),
    Mistake(
        "tanh' = 1 - a",
        4,
        "the square is forgotten",
        activations=_derivative("tanh", lambda a: 1.0 - a),
    ),
    Mistake(
        "tanh with sigmoid's derivative",
        4,
        "the activation was exchanged, its derivative was not",
        activations=_derivative("tanh", lambda a: a * (1.0 - a)),
    ),
    Mistake(
        "linear' = a",
        4,
        "the slope of a line taken for its value",
        activations=_derivative("linear", lambda a: a),
    ),
    Mistake(
        "LeCun's tanh with tanh's derivative",
        4,
        "the stretch by 1.7159 and 2/3 is forgotten",
        activations=_derivative("lecun_tanh", lambda a: 1.0 - a * a),
    ),
    Mistake(
        "output delta without f'",
        8,
        "right for cross-entropy, wrong for half the squared error",
        _eq(output_delta=_delta_without_derivative),
    ),
    Mistake(
        "output delta with t - a",
        8,
        "the article's sign, with a step that subtracts",
        _eq(output_delta=_delta_of_the_article),
    ),
    Mistake(
        "output delta twice too large",
        8,
        "the ½ of (7) is forgotten",
        _eq(output_delta=_delta_without_half),
    ),
    Mistake("mean over outputs", 8, "E sums over outputs", _eq(output_delta=_delta_mean_over_outputs)),
    Mistake("mean over patterns in δ", 8, "E sums over patterns", _eq(output_delta=_delta_mean_over_patterns)),
    Mistake("output f' twice", 8, "once in the error, once in δ", _eq(output_delta=_delta_derivative_twice)),
    Mistake(
        "hidden delta without f'",
        9,
        "the hidden activation is treated as linear",
        _eq(hidden_delta=_hidden_without_derivative),
    ),
    Mistake(
        "hidden f' of z",
        9,
        "f' in terms of a is given z",
        _eq(hidden_delta=_hidden_derivative_of_z),
    ),
    Mistake(
        "f' of the layer above again",
        9,
        "δ above has its f' already",
        _eq(hidden_delta=_hidden_derivative_of_above),
    ),
    Mistake(
        "the lost sum",
        9,
        "'=' for '+=' in the loop over the layer above: only its last node counts",
        _eq(hidden_delta=_hidden_lost_sum),
    ),
    Mistake(
        "moved output weights",
        9,
        "the article's order: the weights above moved first. Close, and not a gradient",
        _eq(hidden_delta=_hidden_moved_weights),
    ),
    Mistake("W not transposed", 9, "the shapes were made to fit", _eq(hidden_delta=_hidden_not_transposed)),
    Mistake(
        "bias row first in W̄",
        9,
        "the bias node's weights are the last row, and the first was dropped",
        _eq(hidden_delta=_hidden_bias_row_first),
    ),
    Mistake("hidden sign", 9, "a minus too many on the way down", _eq(hidden_delta=_hidden_sign)),
    Mistake("hidden |W|", 9, "the sign of a weight is lost", _eq(hidden_delta=_hidden_absolute_weights)),
    Mistake("mean for a sum", 10, "the gradient is divided by the batch", _eq(weight_gradient=_gradient_mean)),
    Mistake(
        "only the last pattern",
        10,
        "'=' for '+=' in the loop over patterns",
        _eq(weight_gradient=_gradient_last_pattern),
    ),
    Mistake(
        "the neighbour's input",
        10,
        "inputs and deltas are off by one pattern",
        _eq(weight_gradient=_gradient_neighbours_input),
    ),
    Mistake(
        "weight decay left in",
        10,
        "0.001 W is added, of which E knows nothing",
        _eq(weight_gradient=_gradient_weight_decay),
    ),
    Mistake("one input 1% off", 10, "small enough to train well", _eq(weight_gradient=_gradient_one_percent)),
    Mistake(
        "bias row first in the gradient",
        10,
        "[1, a] where the weights say [a, 1]",
        _eq(weight_gradient=_gradient_bias_row_first),
    ),
    Mistake(
        "the lecture's ∂O/∂θ = 1",
        11,
        "it is O(1-O): the bias skips the activation",
        _bias(_bias_of_the_lecture),
    ),
    Mistake("bias forgotten", 11, "the bias is never updated", _bias(_bias_forgotten)),
    Mistake("bias averaged", 11, "weights summed over patterns, biases averaged", _bias(_bias_mean)),
    Mistake(
        "f' of the input layer",
        12,
        "the inputs are no layer with an activation",
        _eq(input_gradient=_input_with_derivative),
    ),
    Mistake(
        "bias row first in ∂E/∂x",
        12,
        "the bias node's weights take the place of the first input's",
        _eq(input_gradient=_input_bias_row_first),
    ),
)

"""The Hessian times a vector, by the R-operator: equation (16).

Pearlmutter, "Fast exact multiplication by the Hessian" (1994). R{·} is the derivative along a direction V in weight space,
R{y(W)} = d/dr y(W + rV) at r = 0; applying it to every line of the forward and backward pass gives R{∂E/∂W} = H V exactly,
for about twice the price of the gradient.
"""

from manual.activations import Array
from manual.backprop import _rows, _sum, deltas
from manual.network import Pass, all_below
from manual.objective import HALF_SQUARED_ERROR, Objective


def hessian_vector_product(pass_: Pass, direction: tuple, t: Array, objective: Objective = HALF_SQUARED_ERROR) -> tuple:
    """(H V)^1, ..., (H V)^L for ``direction`` V, both shaped like the weights. Equation (16).

    ``pass_`` is what ``forward`` returned; ``t`` has the shape of its outputs. With weight decay, ``decayed`` adds λV̄ to each (20).

    >>> import numpy as np
    >>> from manual import LINEAR, forward
    >>> weights, V = (np.array([[2.0], [1.0]]),), (np.array([[1.0], [0.0]]),)
    >>> net = forward(weights, np.array([[3.0]]), (LINEAR,))
    >>> hessian_vector_product(net, V, np.array([[5.0]]))      # H = [x,1]ᵀ[x,1]
    (array([[9.],
           [3.]]),)
    """
    layers, delta = pass_.layers, deltas(pass_, t, objective.equations)

    R_as, R_zs, R_belows = [pass_.x * 0.0], [], []  # R{a^0} = 0: the input does not depend on the weights
    for layer, V in zip(layers, direction, strict=True):
        R_below = all_below(R_as, pass_.skip)
        R_z = R_below @ layer.W_bar + layer.with_bias_node @ V  # R{z^l} = R{a^(l-1)} W̄^l + [a^(l-1),1] V^l
        R_as.append(layer.along(R_z))  # R{a^l} = f'(z^l) ⊙ R{z^l}
        R_zs.append(R_z)
        R_belows.append(R_below)

    # R{δ^L}: of (8) f'(z^L) ⊙ R{a^L} + (a^L - t) ⊙ f''(z^L) ⊙ R{z^L}, of (19) R{a^L}
    R_deltas = [objective.delta_along(layers[-1], t, R_zs[-1])]
    directed = pass_.with_weights(direction)
    for l in range(len(layers) - 1, 0, -1):
        layer, fed, along = layers[l - 1], pass_.fed_by[l], directed.fed_by[l]
        back = _sum([d @ above.W_bar.T for d, above in zip(delta[l:], fed, strict=False)])
        R_back = _sum(
            [
                R_d @ above.W_bar.T + d @ V_above.W_bar.T
                for R_d, d, above, V_above in zip(R_deltas, delta[l:], fed, along, strict=False)
            ]
        )
        # R{δ^l} = f''(z^l) ⊙ R{z^l} ⊙ (δ^(l+1) W̄ᵀ) + f'(z^l) ⊙ (R{δ^(l+1)} W̄ᵀ + δ^(l+1) V̄ᵀ)
        R_deltas.insert(0, layer.second * R_zs[l - 1] * back + layer.derivative * R_back)

    products = []
    for layer, R_a, d, R_d in zip(layers, R_belows, delta, R_deltas, strict=True):
        # R{g^l} = [a^(l-1),1]ᵀ R{δ^l} + [R{a^(l-1)},0]ᵀ δ^l: the bias node is constant, so its R is 0
        first = _rows(layer.with_bias_node).T @ _rows(R_d)
        xp = first.__array_namespace__()
        second = _rows(R_a).T @ _rows(d)
        no_bias = xp.zeros_like(first[second.shape[0] :])
        products.append(first + xp.concat([second, no_bias], axis=0))  # (16)
    return tuple(products)

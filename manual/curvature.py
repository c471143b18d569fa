"""The Hessian times a vector, by the R-operator: equation (16).

Pearlmutter, "Fast exact multiplication by the Hessian" (1994). R{·} is the derivative along a direction V in weight space,
R{y(W)} = d/dr y(W + rV) at r = 0; applying it to every line of the forward and backward pass gives R{∂E/∂W} = H V exactly,
for about twice the price of the gradient.
"""

from manual.activations import Activation, Array
from manual.backprop import CORRECT, _rows, _sum, deltas
from manual.network import all_below, fed_by, layers


def hessian_vector_product(
    weights: tuple,
    direction: tuple,
    activations: tuple,
    t: Array,
    functions: tuple[Activation, ...],
    skip: bool = False,
) -> tuple:
    """(H V)^1, ..., (H V)^L for ``direction`` V, shaped like ``weights``. Equation (16).

    >>> import numpy as np
    >>> from manual import LINEAR, forward
    >>> weights, V = (np.array([[2.0], [1.0]]),), (np.array([[1.0], [0.0]]),)
    >>> a = forward(weights, np.array([[3.0]]), (LINEAR,))
    >>> hessian_vector_product(weights, V, a, np.array([[5.0]]), (LINEAR,))      # H = [x,1]ᵀ[x,1]
    (array([[9.],
           [3.]]),)
    """
    net = layers(weights, activations, functions, skip)
    delta = deltas(weights, activations, t, functions, CORRECT, skip)

    R_as, R_zs, R_belows = [activations[0] * 0.0], [], []  # R{a^0} = 0: the input does not depend on the weights
    for layer, V in zip(net, direction, strict=True):
        R_below = all_below(R_as) if skip else R_as[-1]
        R_z = R_below @ layer.W_bar + layer.with_bias_node @ V  # R{z^l} = R{a^(l-1)} W̄^l + [a^(l-1),1] V^l
        R_as.append(layer.f.derivative(layer.a) * R_z)  # R{a^l} = f'(a^l) ⊙ R{z^l}
        R_zs.append(R_z)
        R_belows.append(R_below)

    top = net[-1]
    # R{δ^L} = f'(a^L) ⊙ R{a^L} + (a^L - t) ⊙ f''(a^L) ⊙ R{z^L}
    R_deltas = [top.f.derivative(top.a) * R_as[-1] + (top.a - t) * top.f.second(top.a) * R_zs[-1]]
    directed = [layer._replace(W=V) for layer, V in zip(net, direction, strict=True)]
    for l in range(len(net) - 1, 0, -1):
        layer, fed, along = net[l - 1], fed_by(net, l, skip), fed_by(directed, l, skip)
        back = _sum([d @ above.W_bar.T for d, above in zip(delta[l:], fed, strict=False)])
        R_back = _sum(
            [
                R_d @ above.W_bar.T + d @ V_above.W_bar.T
                for R_d, d, above, V_above in zip(R_deltas, delta[l:], fed, along, strict=False)
            ]
        )
        # R{δ^l} = f''(a^l) ⊙ R{z^l} ⊙ (δ^(l+1) W̄ᵀ) + f'(a^l) ⊙ (R{δ^(l+1)} W̄ᵀ + δ^(l+1) V̄ᵀ)
        R_delta = layer.f.second(layer.a) * R_zs[l - 1] * back + layer.f.derivative(layer.a) * R_back
        R_deltas.insert(0, R_delta)

    products = []
    for layer, R_a, d, R_d in zip(net, R_belows, delta, R_deltas, strict=True):
        # R{g^l} = [a^(l-1),1]ᵀ R{δ^l} + [R{a^(l-1)},0]ᵀ δ^l: the bias node is constant, so its R is 0
        first = _rows(layer.with_bias_node).T @ _rows(R_d)
        xp = first.__array_namespace__()
        second = _rows(R_a).T @ _rows(d)
        no_bias = xp.zeros_like(first[second.shape[0] :])
        products.append(first + xp.concat([second, no_bias], axis=0))
    return tuple(products)

// The derivation in JavaScript, equation by equation as in manual/: activations, forward pass, objective, backward pass, rules.
//
// A matrix is an array of rows. z, a, t and delta have a row per pattern; W has a row per node below and, where there is one, the
// bias node's row last. delta is dE/dz and nothing else. No function changes what it is given.

// --- manual/activations.py: (1) to (4) and (17), each of one number ---

export function sigmoid(z) {
  // (1), from e^-|z|, so that nothing overflows
  const e = Math.exp(-Math.abs(z));
  return (z < 0 ? e : 1) / (1 + e);
}

const sigmoidDerivative = (z, a) => a * (1 - a); // (3)
const tanhDerivative = (z, a) => 1 - a * a; // (4)
const lecunTanh = (z) => 1.7159 * Math.tanh((z * 2) / 3); // (2) stretched
const lecunTanhDerivative = (z, a) => ((1.7159 - (a * a) / 1.7159) * 2) / 3; // (4) stretched

// (17). At a kink 0 counts to the left side.
const relu = (z) => (z > 0 ? z : 0);
const reluDerivative = (z, a) => (a > 0 ? 1 : 0);
const leakyRelu = (z) => (z > 0 ? z : 0.01 * z);
const leakyReluDerivative = (z, a) => (a > 0 ? 1 : 0.01);
const elu = (z) => (z > 0 ? z : Math.expm1(z));
const eluDerivative = (z, a) => (a > 0 ? 1 : a + 1);

function softplus(z) {
  // max(z, 0) + log(1 + e^-|z|)
  return relu(z) + Math.log1p(Math.exp(-Math.abs(z)));
}

const softplusDerivative = (z, a) => -Math.expm1(-a);
const softsign = (z) => z / (1 + Math.abs(z));
const softsignDerivative = (z, a) => (1 - Math.abs(a)) ** 2;
const silu = (z) => z * sigmoid(z);
const siluDerivative = (z, a) => sigmoid(z) + a * sigmoid(-z);

const GELU_SLOPE = 0.7978845608028654; // sqrt(2/π)
const GELU_CUBE = 0.044715;
const geluArgument = (z) => (z + z * z * z * GELU_CUBE) * GELU_SLOPE * 2;
const geluArgumentSlope = (z) => (1 + z * z * GELU_CUBE * 3) * GELU_SLOPE * 2;
const gelu = (z) => z * sigmoid(geluArgument(z));

function geluDerivative(z, a) {
  const v = geluArgument(z);
  return sigmoid(v) + a * sigmoid(-v) * geluArgumentSlope(z);
}

// --- manual/objective.py: softmax (18), of a row ---

export function softmax(z) {
  const largest = Math.max(...z);
  const e = z.map((one) => Math.exp(one - largest));
  const sum = e.reduce((total, one) => total + one, 0);
  return e.map((one) => one / sum);
}

// ∂a_j/∂z_k, j before k
export const softmaxJacobian = (z, a) => a.map((aj, j) => a.map((ak, k) => aj * ((j === k ? 1 : 0) - ak)));

const activation = (name, value, derivative, range, equations, elementwise = true) => ({
  name,
  value,
  derivative,
  range,
  equations,
  elementwise,
});

export const ACTIVATIONS = Object.fromEntries(
  [
    activation("sigmoid", sigmoid, sigmoidDerivative, [0, 1], [1, 3]),
    activation("tanh", Math.tanh, tanhDerivative, [-1, 1], [2, 4]),
    activation(
      "linear",
      (z) => z,
      () => 1,
      [-Infinity, Infinity],
      [6, 4],
    ),
    activation("lecun_tanh", lecunTanh, lecunTanhDerivative, [-1.7159, 1.7159], [2, 4]),
    activation("relu", relu, reluDerivative, [0, Infinity], [17, 17]),
    activation("leaky_relu", leakyRelu, leakyReluDerivative, [-Infinity, Infinity], [17, 17]),
    activation("elu", elu, eluDerivative, [-1, Infinity], [17, 17]),
    activation("softplus", softplus, softplusDerivative, [0, Infinity], [17, 17]),
    activation("softsign", softsign, softsignDerivative, [-1, 1], [17, 17]),
    activation("silu", silu, siluDerivative, [-0.2784645427610738, Infinity], [17, 17]),
    activation("gelu", gelu, geluDerivative, [-0.17004075057125406, Infinity], [17, 17]),
  ].map((f) => [f.name, f]),
);

export const OUTPUT_ACTIVATIONS = {
  ...ACTIVATIONS,
  softmax: activation("softmax", softmax, softmaxJacobian, [0, 1], [18, 18], false),
};

// --- Matrices ---

export const transposed = (A) => A[0].map((_, k) => A.map((row) => row[k]));

export function product(A, B) {
  return A.map((row) => B[0].map((_, k) => row.reduce((sum, one, j) => sum + one * B[j][k], 0)));
}

export const elementwise = (f, A, B) => A.map((row, i) => row.map((one, k) => f(one, B[i][k])));

// --- manual/network.py: the forward pass ---

export const withBiasNode = (layer) =>
  layer.W.length === layer.below[0].length ? layer.below : layer.below.map((a) => [...a, 1]); // [a, 1]

export const barW = (layer) => layer.W.slice(0, layer.below[0].length); // W̄: W without the bias node's row

// f'(z), of z's shape; for softmax a Jacobian per pattern
export const derivative = (layer) =>
  layer.f.elementwise
    ? elementwise(layer.f.derivative, layer.z, layer.a)
    : layer.z.map((z, p) => layer.f.derivative(z, layer.a[p]));

// z^l = [a^(l-1), 1] W^l (5) and a^l = f(z^l) (6), from weights, one activation each, and x with a row per pattern
export function forward(weights, x, functions) {
  const layers = [];
  let below = x; // (6) a^0 = x
  weights.forEach((W, l) => {
    const f = functions[l];
    const z = product(withBiasNode({ below, W }), W); // (5)
    const a = z.map((row) => (f.elementwise ? row.map(f.value) : f.value(row))); // (6)
    layers.push({ below, W, z, a, f });
    below = a;
  });
  return { x, layers };
}

export const outputs = (pass) => pass.layers[pass.layers.length - 1].a;

// --- manual/objective.py: E, a sum over outputs and over patterns ---

const total = (A) => A.reduce((sum, row) => row.reduce((s, one) => s + one, sum), 0);
const halfSquaredError = (top, t) => 0.5 * total(elementwise((a, one) => (a - one) ** 2, top.a, t)); // (7)

function crossEntropy(top, t) {
  // (19), from z: no logarithm of a rounded 0
  if (top.f.elementwise) {
    const term = (z, one) => (z < 0 ? -z * one : z * (1 - one)) + Math.log1p(Math.exp(-Math.abs(z)));
    return total(elementwise(term, top.z, t));
  }
  return total(
    top.z.map((z, p) => {
      const largest = Math.max(...z);
      const log = Math.log(z.reduce((sum, one) => sum + Math.exp(one - largest), 0));
      return z.map((one, k) => t[p][k] * (log - (one - largest)));
    }),
  );
}

// --- manual/backprop.py: (8) to (12) ---

function outputDelta(top, t) {
  // (8) δ^L = (a^L - t) ⊙ f'(z^L)
  const e = elementwise((a, one) => a - one, top.a, t);
  const slope = derivative(top);
  if (top.f.elementwise) return elementwise((one, s) => one * s, e, slope);
  return e.map((row, p) => product([row], slope[p])[0]); // δ_k = Σ_j (a_j - t_j) ∂a_j/∂z_k
}

const crossEntropyDelta = (top, t) => elementwise((a, one) => a - one, top.a, t); // (19) δ^L = a^L - t

function hiddenDelta(layer, above, deltaAbove) {
  // (9) δ^l = f'(z^l) ⊙ (δ^(l+1) W̄^(l+1)ᵀ)
  return elementwise((s, one) => s * one, derivative(layer), product(deltaAbove, transposed(barW(above))));
}

// (10) ∂E/∂W^l = [a^(l-1), 1]ᵀ δ^l, summed over patterns
const weightGradient = (layer, delta) => product(transposed(withBiasNode(layer)), delta);

// (11) ∂E/∂θ^l = Σ δ^l, the last row of (10)
export const biasGradient = (delta) => delta[0].map((_, k) => delta.reduce((sum, row) => sum + row[k], 0));

const inputGradient = (first, delta) => product(delta, transposed(barW(first))); // (12) ∂E/∂x = δ^1 W̄^1ᵀ

export const CORRECT = { outputDelta, hiddenDelta, weightGradient, inputGradient, decayed };

export const OBJECTIVES = {
  "half-squared-error": { error: halfSquaredError, outputDelta, numbers: [7, 8], outputs: [] },
  "cross-entropy": {
    error: crossEntropy,
    outputDelta: crossEntropyDelta,
    numbers: [19, 19],
    outputs: ["sigmoid", "softmax"],
  },
};

// (8), then (9) for each hidden layer, from the output down
export function deltas(pass, t, equations) {
  const found = [equations.outputDelta(pass.layers[pass.layers.length - 1], t)];
  for (let l = pass.layers.length - 1; l > 0; l--) {
    found.unshift(equations.hiddenDelta(pass.layers[l - 1], pass.layers[l], found[0]));
  }
  return found;
}

export const gradient = (pass, t, equations) =>
  deltas(pass, t, equations).map((delta, l) => equations.weightGradient(pass.layers[l], delta));

// --- manual/rules.py: (20), then (13) to (15), a matrix at a time ---

// (20) ∂E/∂W + λ W̄: the first n rows of W are W̄
export function decayed(g, W, n, weightDecay) {
  return g.map((row, j) => (j < n ? row.map((one, k) => one + weightDecay * W[j][k]) : row));
}

// Each gives [W, what is carried to the next step].
function previousGradient(W, g, gBefore, learningRate, momentum) {
  // (13) W ← W - N g_t - M g_(t-1)
  return [W.map((row, j) => row.map((w, k) => w - learningRate * g[j][k] - momentum * gBefore[j][k])), g];
}

function heavyBall(W, g, v, learningRate, momentum) {
  // (14) v ← μ v + g, W ← W - η v
  const next = elementwise((one, slope) => momentum * one + slope, v, g);
  return [elementwise((w, one) => w - learningRate * one, W, next), next];
}

function nesterov(W, g, v, learningRate, momentum) {
  // (15) v ← μ v + g, W ← W - η (μ v + g)
  const next = elementwise((one, slope) => momentum * one + slope, v, g);
  return [W.map((row, j) => row.map((w, k) => w - learningRate * (momentum * next[j][k] + g[j][k]))), next];
}

// (21) and (22) carry two numbers per weight, and have no momentum.
export const byWeight =
  (one) =>
  (W, g, [first, second], learningRate) => {
    const found = W.map((row, j) => row.map((w, k) => one(w, g[j][k], first[j][k], second[j][k], learningRate)));
    const part = (n) => found.map((row) => row.map((numbers) => numbers[n]));
    return [part(0), [part(1), part(2)]];
  };

export const GROWTH = 1.75; // Quickprop's μ
export const GROW = 1.2;
export const SHRINK = 0.5; // RPROP's η-, and η+ above
const [SHORTEST, LONGEST] = [1e-6, 50]; // its Δmin and Δmax

// (21) W ← W + d: to the lowest point of a parabola, at most μ d, and by the linear term -η g. Carries g and d.
export function quickpropOne(w, g, gBefore, d, learningRate) {
  const way = Math.sign(d);
  const [falls, fell] = [-way * g, -way * gBefore];
  const far = falls >= (GROWTH / (1 + GROWTH)) * fell;
  const parabola = (d * falls) / (far ? 1 : fell - falls);
  const linear = falls > 0 || way === 0 ? -learningRate * g : 0;
  const next = (far ? GROWTH * d : parabola) + linear;
  return [w + next, g, next];
}

// (22) W ← W - Δ sign g, with a step size Δ per weight. Carries the sign, 0 after a change of it, and Δ.
export function rpropOne(w, g, signBefore, size) {
  const sign = Math.sign(g);
  const same = sign * signBefore;
  const changed = Math.min(LONGEST, Math.max(SHORTEST, same > 0 ? GROW * size : SHRINK * size));
  const next = same === 0 ? size : changed;
  const kept = same < 0 ? 0 : sign;
  return [w - next * kept, kept, next];
}

const filled = (W, value) => W.map((row) => row.map(() => value));
const zeros = (W) => filled(W, 0);

export const WITHOUT_MOMENTUM = ["quickprop", "rprop"];

// step: [W, what is carried] from W, g, what was carried and both rates. start: what the first step is given.
export const RULES = {
  "previous-gradient": { step: previousGradient, equation: 13, start: zeros },
  "heavy-ball": { step: heavyBall, equation: 14, start: zeros },
  nesterov: { step: nesterov, equation: 15, start: zeros },
  quickprop: { step: byWeight(quickpropOne), equation: 21, start: (W) => [zeros(W), zeros(W)] },
  rprop: { step: byWeight(rpropOne), equation: 22, start: (W, learningRate) => [zeros(W), filled(W, learningRate)] },
};

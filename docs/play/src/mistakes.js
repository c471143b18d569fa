// The wrong derivations of manual/mistakes, each in the place of the right one. Name, equation and reason come from there.

import {
  ACTIVATIONS,
  CORRECT,
  GROW,
  GROWTH,
  OBJECTIVES,
  OUTPUT_ACTIVATIONS,
  RULES,
  SHRINK,
  barW,
  biasGradient,
  byWeight,
  decayed,
  derivative,
  elementwise,
  product,
  quickpropOne,
  rpropOne,
  sigmoid,
  softmaxJacobian,
  transposed,
} from "./arithmetic.js";

const times = (A, B) => elementwise((a, b) => a * b, A, B);
const scaled = (A, factor) => A.map((row) => row.map((one) => one * factor));
const wrongBy = (top, t) => elementwise((a, one) => a - one, top.a, t);
const back = (above, delta) => product(delta, transposed(barW(above)));

// A wrong (11), in the bias node's row of (10)
const inBiasRow = (wrong) => (layer, delta) => {
  const g = CORRECT.weightGradient(layer, delta);
  const n = layer.below[0].length;
  return g.length === n ? g : [...g.slice(0, n), wrong(layer, delta)];
};

// By the name that manual/mistakes gives it: which function it stands for, and that function.
const WRONG = {
  "sigmoid' of the output": { derivative: (z, a) => sigmoid(a) * (1 - sigmoid(a)) },
  "sigmoid' = 1 - a": { derivative: (z, a) => 1 - a },
  "sigmoid' = a - 1 + a²": { derivative: (z, a) => a - 1 + a * a },
  "tanh' = 1 - a": { derivative: (z, a) => 1 - a },
  "tanh with sigmoid's derivative": { derivative: (z, a) => a * (1 - a) },
  "linear' = a": { derivative: (z, a) => a },
  "LeCun's tanh with tanh's derivative": { derivative: (z, a) => 1 - a * a },
  "relu'(0) = 1": { derivative: (z, a) => (a < 0 ? 0 : 1) },
  "leaky relu with relu's derivative": { derivative: (z, a) => (a > 0 ? 1 : 0) },
  "elu' = a on the left": { derivative: (z, a) => (a > 0 ? 1 : a) },
  "softplus' = sigmoid(a)": { derivative: (z, a) => sigmoid(a) },
  "softsign' = 1 - |a|": { derivative: (z, a) => 1 - Math.abs(a) },
  "silu' without its second term": { derivative: (z) => sigmoid(z) },
  "gelu with silu's derivative": { derivative: (z, a) => ACTIVATIONS.silu.derivative(z, a) },

  "output delta without f'": { outputDelta: wrongBy },
  "output delta with t - a": { outputDelta: (top, t) => scaled(times(wrongBy(top, t), derivative(top)), -1) },
  "output delta twice too large": { outputDelta: (top, t) => scaled(times(wrongBy(top, t), derivative(top)), 2) },
  "mean over outputs": { outputDelta: (top, t) => scaled(times(wrongBy(top, t), derivative(top)), 1 / t[0].length) },
  "mean over patterns in δ": { outputDelta: (top, t) => scaled(times(wrongBy(top, t), derivative(top)), 1 / t.length) },
  "output f' twice": { outputDelta: (top, t) => times(times(wrongBy(top, t), derivative(top)), derivative(top)) },

  "hidden delta without f'": { hiddenDelta: (layer, above, delta) => back(above, delta) },
  "hidden f' of z": {
    hiddenDelta: (layer, above, delta) =>
      times(
        layer.z.map((row) => row.map((z) => layer.f.derivative(z, z))),
        back(above, delta),
      ),
  },
  "f' of the layer above again": {
    hiddenDelta: (layer, above, delta) => times(derivative(layer), back(above, times(delta, derivative(above)))),
  },
  "the lost sum": {
    hiddenDelta: (layer, above, delta) => {
      const last = { ...above, W: above.W.map((row) => row.slice(-1)) };
      return times(
        derivative(layer),
        back(
          last,
          delta.map((row) => row.slice(-1)),
        ),
      );
    },
  },
  "moved output weights": {
    hiddenDelta: (layer, above, delta) => {
      const g = CORRECT.weightGradient(above, delta);
      return CORRECT.hiddenDelta(layer, { ...above, W: elementwise((w, one) => w - 0.5 * one, above.W, g) }, delta);
    },
  },
  "W not transposed": {
    hiddenDelta: (layer, above, delta) => {
      const flat = barW(above).flat();
      const n = above.below[0].length;
      const fitted = delta[0].map((_, k) => flat.slice(k * n, (k + 1) * n));
      return times(derivative(layer), product(delta, fitted));
    },
  },
  "bias row first in W̄": {
    hiddenDelta: (layer, above, delta) =>
      times(derivative(layer), product(delta, transposed(above.W.slice(-layer.a[0].length)))),
  },
  "hidden sign": { hiddenDelta: (layer, above, delta) => scaled(CORRECT.hiddenDelta(layer, above, delta), -1) },
  "hidden |W|": {
    hiddenDelta: (layer, above, delta) =>
      times(derivative(layer), product(delta, transposed(barW(above).map((row) => row.map(Math.abs))))),
  },

  "mean for a sum": {
    weightGradient: (layer, delta) => scaled(CORRECT.weightGradient(layer, delta), 1 / delta.length),
  },
  "only the last pattern": {
    weightGradient: (layer, delta) =>
      CORRECT.weightGradient({ ...layer, below: layer.below.slice(-1) }, delta.slice(-1)),
  },
  "the neighbour's input": {
    weightGradient: (layer, delta) =>
      CORRECT.weightGradient({ ...layer, below: [...layer.below.slice(-1), ...layer.below.slice(0, -1)] }, delta),
  },
  "weight decay left in": {
    weightGradient: (layer, delta) =>
      elementwise((one, w) => one + 1e-3 * w, CORRECT.weightGradient(layer, delta), layer.W),
  },
  "one input 1% off": {
    weightGradient: (layer, delta) =>
      CORRECT.weightGradient(layer, delta).map((row, j) => (j === 0 ? row.map((one) => one * 1.01) : row)),
  },
  "bias row first in the gradient": {
    weightGradient: (layer, delta) => {
      const g = CORRECT.weightGradient(layer, delta);
      const n = layer.below[0].length;
      return [...g.slice(n), ...g.slice(0, n)];
    },
  },

  "the lecture's ∂O/∂θ = 1": {
    weightGradient: inBiasRow((layer, delta) => biasGradient(elementwise((d, s) => d / s, delta, derivative(layer)))),
  },
  "bias forgotten": { weightGradient: inBiasRow((layer, delta) => biasGradient(delta).map((one) => 0 * one)) },
  "bias averaged": {
    weightGradient: inBiasRow((layer, delta) => biasGradient(delta).map((one) => one / delta.length)),
  },

  "f' of the input layer": {
    inputGradient: (first, delta) =>
      times(
        first.below.map((row) => row.map((x) => first.f.derivative(x, x))),
        back(first, delta),
      ),
  },
  "bias row first in ∂E/∂x": {
    inputGradient: (first, delta) => product(delta, transposed(first.W.slice(-first.below[0].length))),
  },

  "softmax's Jacobian, the diagonal alone": {
    derivative: (z, a) => softmaxJacobian(z, a).map((row, j) => row.map((one, k) => (j === k ? one : 0))),
  },
  "softmax's Jacobian, a sign": {
    derivative: (z, a) => softmaxJacobian(z, a).map((row, j) => row.map((one, k) => one + 2 * a[j] * a[k])),
  },
  "softmax's δ as if elementwise": {
    outputDelta: (top, t) =>
      times(
        wrongBy(top, t),
        top.a.map((row) => row.map((a) => a * (1 - a))),
      ),
  },

  "f' kept in (19)": { outputDelta: (top, t) => times(wrongBy(top, t), derivative(top)) },
  "Jacobian kept in (19)": { outputDelta: CORRECT.outputDelta },
  "(19) for the target's class alone": { outputDelta: (top, t) => elementwise((a, one) => one * (a - 1), top.a, t) },
  "(19) without 1 - t": { outputDelta: (top, t) => elementwise((a, one) => one * (a - 1), top.a, t) },

  "decay on the bias row": { decayed: (g, W, n, rate) => elementwise((one, w) => one + rate * w, g, W) },
  "decay divided by the batch": { decayed: (g, W, n, rate, patterns) => decayed(g, W, n, rate / patterns) },
  "decay twice too large": { decayed: (g, W, n, rate) => decayed(g, W, n, 2 * rate) },

  "parabola's denominator reversed": {
    rule: "quickprop",
    step: (w, g, gBefore, d, rate) => {
      const far = g * Math.sign(gBefore) >= (GROWTH / (1 + GROWTH)) * Math.abs(gBefore);
      const linear = g * gBefore > 0 || d === 0 ? -rate * g : 0;
      const next = (far ? GROWTH * d : (d * g) / (g === gBefore ? 1 : g - gBefore)) + linear;
      return [w + next, g, next];
    },
  },
  "parabola without limit": {
    rule: "quickprop",
    step: (w, g, gBefore, d, rate) => {
      const next = (d * g) / (gBefore === g ? 1 : gBefore - g) + (g * d > 0 ? 0 : -rate * g);
      return [w + next, g, next];
    },
  },
  "linear term after a change of sign": {
    rule: "quickprop",
    step: (w, g, gBefore, d, rate) => {
      const right = quickpropOne(w, g, gBefore, d, rate)[2];
      const next = g * d > 0 ? right - rate * g : right;
      return [w + next, g, next];
    },
  },

  "RPROP's sign reversed": { rule: "rprop", step: (w, g, sign, size) => rpropOne(w, g, -sign, size) },
  "RPROP's step without limits": {
    rule: "rprop",
    step: (w, g, sign, size) => {
      const same = Math.sign(g) * sign;
      const next = (same > 0 ? GROW : same < 0 ? SHRINK : 1) * size;
      const kept = same < 0 ? 0 : Math.sign(g);
      return [w - next * kept, kept, next];
    },
  },
  "RPROP's sign kept": {
    rule: "rprop",
    step: (w, g, sign, size) => {
      const [moved, , next] = rpropOne(w, g, sign, size);
      return [moved, Math.sign(g), next];
    },
  },
  "RPROP by the gradient's size": {
    rule: "rprop",
    step: (w, g, sign, size) => {
      const [, kept, next] = rpropOne(w, g, sign, size);
      return [w - next * Math.abs(kept) * g, kept, next];
    },
  },
};

export const MISTAKES = Object.keys(WRONG);

// How somebody with that mistake (or "", none) derives: the equations (8) to (12) and (20), the activations and the rules by name.
// ``of`` is the activation whose derivative is wrong, as the catalogue says.
export function derivation(name, of, objective) {
  const { derivative: slope, rule, step, ...wrong } = name ? WRONG[name] : {};
  const activations = slope
    ? { ...OUTPUT_ACTIVATIONS, [of]: { ...OUTPUT_ACTIVATIONS[of], derivative: slope } }
    : OUTPUT_ACTIVATIONS;
  const rules = rule ? { ...RULES, [rule]: { ...RULES[rule], step: byWeight(step) } } : RULES;
  return { equations: { ...CORRECT, outputDelta: OBJECTIVES[objective].outputDelta, ...wrong }, activations, rules };
}

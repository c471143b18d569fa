// Training: updates in order, online or batch, simultaneous or in the article's order. The formulas are those of arithmetic.js.

import { OBJECTIVES, deltas, forward } from "./arithmetic.js";

// What a training carries: the weights, and for each matrix what its rule is given at the first step.
export const started = (weights, { rules, rule, learningRate }) => ({
  weights,
  carried: weights.map((W) => rules[rule].start(W, learningRate)),
});

// One update from the patterns x, t. ``how``: functions, equations, rules, rule, learningRate, momentum, weightDecay, order.
export function updated(state, x, t, how) {
  const pass = forward(state.weights, x, how.functions);
  return how.order === "article" ? articleOrder(state, pass, t, how) : simultaneous(state, pass, t, how);
}

function simultaneous(state, pass, t, how) {
  const found = deltas(pass, t, how.equations);
  const moved = found.map((delta, l) => moveLayer(state, pass, l, delta, how));
  return { weights: moved.map(([W]) => W), carried: moved.map(([, carried]) => carried) };
}

// From the output down each layer moves before the delta below it is computed from the moved weights: not a gradient.
function articleOrder(state, pass, t, how) {
  const [weights, carried] = [[...state.weights], [...state.carried]];
  let delta = how.equations.outputDelta(pass.layers[pass.layers.length - 1], t);
  for (let l = pass.layers.length - 1; l >= 0; l--) {
    [weights[l], carried[l]] = moveLayer(state, pass, l, delta, how);
    if (l) delta = how.equations.hiddenDelta(pass.layers[l - 1], { ...pass.layers[l], W: weights[l] }, delta);
  }
  return { weights, carried };
}

function moveLayer(state, pass, l, delta, how) {
  const layer = pass.layers[l];
  let g = how.equations.weightGradient(layer, delta); // (10)
  if (how.weightDecay) g = how.equations.decayed(g, layer.W, layer.below[0].length, how.weightDecay, delta.length); // (20)
  return how.rules[how.rule].step(layer.W, g, state.carried[l], how.learningRate, how.momentum); // (13) to (15), (21), (22)
}

// One epoch: an update per pattern in ``order`` (online), or one for all (batch).
export function afterEpoch(state, x, t, how, order) {
  if (how.mode === "batch") return updated(state, x, t, how);
  return order.reduce((now, p) => updated(now, [x[p]], [t[p]], how), state);
}

export const errorOf = (weights, x, t, how) => {
  const { layers } = forward(weights, x, how.functions);
  return OBJECTIVES[how.objective].error(layers[layers.length - 1], t);
};

export const TOLERANCE = 0.4; // of the distance between the lowest and the highest target, as in bpnn train

// Whether every output is within the tolerance of its target
export function solved(a, t) {
  const all = t.flat();
  const allowed = TOLERANCE * (Math.max(...all) - Math.min(...all) || 1);
  return a.every((row, p) => row.every((one, k) => Math.abs(one - t[p][k]) <= allowed));
}

const largest = (row) => row.indexOf(Math.max(...row));

// The share of patterns whose largest output is that of their class
export const accuracy = (a, t) => a.filter((row, p) => largest(row) === largest(t[p])).length / a.length;

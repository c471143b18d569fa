// What the derivation's part shows for a state: network, weights after the updates, every step, and what a mistake does.

import { OBJECTIVES, forward } from "./arithmetic.js";
import { howOf, networkOf, patternsOf, weightsOf } from "./network.js";
import { BITS } from "./state.js";
import { stepsOf } from "./steps.js";
import { errorOf, started, updated } from "./train.js";

const NEEDS_SLOPES = ["f' of the layer above again", "the lecture's ∂O/∂θ = 1"]; // a slope per node, which softmax has not
export const ASTRAY = 500; // updates of the training beside a mistake

// Whether a mistake is about a network of this kind; otherwise nothing is derived with it.
export function about(mistake, objective, names) {
  const output = names[names.length - 1];
  if ([8, 19].includes(mistake.equation) && mistake.objective !== objective) return false;
  if ([8, 18, 19].includes(mistake.equation) && mistake.of && mistake.of !== output) return false;
  if (mistake.equation === 8 && !mistake.of && output === "softmax") return false;
  return !(output === "softmax" && NEEDS_SLOPES.includes(mistake.name));
}

export function modelOf(state, data) {
  const all = patternsOf(state, data.iris, true);
  const only = (rows) => (state.alone ? [rows[state.pattern - 1]] : rows);
  const [x, t] = [only(all.x), only(all.t)];
  const network = networkOf(state, all.t);
  const mistake = data.mistakes.find((one) => one.name === state.mistake) || null;
  const applies = mistake !== null && about(mistake, state.objective, network.names);
  const batch = { mode: "batch", order: "simultaneous" };
  const right = { ...howOf(state, network, data.mistakes), ...batch };
  const how = applies ? { ...howOf(state, network, data.mistakes, mistake.name), ...batch } : right;
  let now = started(weightsOf(state, network, state.seed), how);
  for (let n = 0; n < state.updates; n++) now = updated(now, x, t, how);
  const net = { ...now, names: network.names, objective: state.objective };
  const found = stepsOf(net, x, t, how, right);
  const shownAt = state.alone ? 0 : state.pattern - 1;
  return { all, x, t, network, mistake, applies, how, right, net, found, shownAt };
}

// E after each of so many updates from the same weights, by the right derivation and by the mistaken one; and their gradients.
export function astray({ net, x, t, how, right, found }) {
  const run = (by) => {
    let now = started(net.weights, by);
    const errors = [errorOf(now.weights, x, t, by)];
    for (let n = 0; n < ASTRAY; n++) {
      now = updated(now, x, t, by);
      errors.push(errorOf(now.weights, x, t, by));
    }
    return errors;
  };
  const cells = found.steps.filter((step) => step.kind === "gradient").flatMap((step) => step.cells);
  const length = (key) => Math.hypot(...cells.map((cell) => cell[key]));
  const dot = cells.reduce((sum, cell) => sum + cell.hand * cell.right, 0);
  const cosine = dot / (length("hand") * length("right"));
  return {
    rightly: run(right),
    mistaken: run(how),
    ratio: length("hand") / length("right"),
    degrees: (Math.acos(Math.max(-1, Math.min(1, cosine))) * 180) / Math.PI,
  };
}

// A rule's mistake shows when it has something to carry: after some updates, or with a step size near its limit.
const QUICKPROP = { rule: "quickprop", learning_rate: 0.1, updates: 2 };
const RPROP = { rule: "rprop", learning_rate: 0.1, updates: 2 };
const OF_RULES = {
  "parabola's denominator reversed": { ...QUICKPROP, updates: 3 },
  "parabola without limit": QUICKPROP,
  "linear term after a change of sign": { ...QUICKPROP, updates: 20 },
  "RPROP's sign reversed": RPROP,
  "RPROP's step without limits": { ...RPROP, learning_rate: 45, updates: 1 },
  "RPROP's sign kept": { ...RPROP, learning_rate: 1, updates: 1 },
  "RPROP by the gradient's size": RPROP,
};

// The fields of a network that shows a mistake
export function showing(mistake) {
  const ofActivation = [3, 4, 17].includes(mistake.equation);
  const output = [8, 18, 19].includes(mistake.equation) && mistake.of ? mistake.of : "same";
  return {
    task: "own",
    x: BITS,
    t: [
      [0, 1],
      [1, 0],
      [1, 0],
      [1, 0],
    ],
    hidden: [2],
    activation: ofActivation ? mistake.of : "sigmoid",
    output_activation: output,
    objective: mistake.objective,
    input_bias: mistake.name !== "relu'(0) = 1",
    hidden_bias: true,
    initial: "uniform",
    ranges: [1],
    seed: 1,
    rule: "previous-gradient",
    momentum: 0,
    learning_rate: ofActivation && mistake.of !== "sigmoid" ? 0.1 : 0.5,
    weight_decay: mistake.equation === 20 ? 0.25 : 0,
    alone: false,
    updates: 0,
    pattern: 1,
    ...OF_RULES[mistake.name],
  };
}

// E, outputs and the share of each quantity for the patterns as the weights stand
export function judged(weights, x, t, how) {
  const { layers } = forward(weights, x, how.functions);
  const top = layers[layers.length - 1];
  return { layers, outputs: top.a, E: OBJECTIVES[how.objective].error(top, t) };
}

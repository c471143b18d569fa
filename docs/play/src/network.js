// What a state means: its patterns, its network, its initial weights. What does not go together is settled here, and said.

import { OBJECTIVES } from "./arithmetic.js";
import { derivation } from "./mistakes.js";
import { Random, initialWeights } from "./random.js";
import { BITS, GATES } from "./state.js";

// x and t, a row per pattern. ``iris``: 150 rows of two inputs and a class; ``few``: one flower of each kind.
export function patternsOf(state, iris, few = false) {
  if (state.task === "own") return { x: state.x, t: state.t };
  if (state.task !== "iris") return { x: BITS, t: GATES[state.task].map((one) => [one]) };
  const rows = few ? [0, 50, 100].map((p) => iris[p]) : iris;
  return {
    x: rows.map((row) => row.slice(0, 2)),
    t: rows.map((row) => [0, 1, 2].map((kind) => (row[2] === kind ? 1 : 0))),
  };
}

// sizes, the activations' names, whether a bias node feeds each weight layer, the shapes of the weights
export function networkOf(state, t) {
  const sizes = [2, ...state.hidden, t[0].length];
  const output = state.output_activation === "same" ? state.activation : state.output_activation;
  const names = [...state.hidden.map(() => state.activation), output];
  const biases = names.map((_, l) => (l ? state.hidden_bias : state.input_bias));
  const shapes = names.map((_, l) => [sizes[l] + (biases[l] ? 1 : 0), sizes[l + 1]]);
  return { sizes, names, biases, shapes };
}

export function weightsOf(state, network, seed) {
  if (state.initial === "given") return state.weights;
  return initialWeights(network.sizes, network.biases, state.initial, state.ranges, new Random(seed));
}

// Everything that an update looks at: functions, equations, rule and rates. ``of``: the activation of a mistake in (3), (4), (17).
export function howOf(state, network, catalogue, mistake = "") {
  const { of = "" } = catalogue.find((one) => one.name === mistake) || {};
  const { equations, activations, rules } = derivation(mistake, of, state.objective);
  return {
    functions: network.names.map((name) => activations[name]),
    equations,
    objective: state.objective,
    rules,
    rule: state.rule,
    learningRate: state.learning_rate,
    momentum: state.momentum,
    weightDecay: state.weight_decay,
    mode: state.mode,
    order: state.order,
  };
}

const fitting = (weights, shapes) =>
  weights.length === shapes.length &&
  weights.every((W, l) => W.length === shapes[l][0] && W[0].length === shapes[l][1]);

// A state whose fields go together, and a word (of text.js) for each that had to change.
export function settled(state, iris) {
  const found = { ...state };
  const notices = [];
  const change = (word, changes) => {
    Object.assign(found, changes);
    notices.push(word);
  };
  if (found.task === "own" && found.x.length !== found.t.length) {
    const n = Math.min(found.x.length, found.t.length);
    change("notice_rows", { x: found.x.slice(0, n), t: found.t.slice(0, n) });
  }
  const { t } = patternsOf(found, iris);
  const output = () => (found.output_activation === "same" ? found.activation : found.output_activation);
  if (found.hidden.length === 0 && found.output_activation === "same") found.output_activation = found.activation;
  if (output() === "softmax" && t[0].length === 1) change("notice_softmax", { output_activation: "sigmoid" });
  if (found.objective === "cross-entropy") {
    if (!OBJECTIVES["cross-entropy"].outputs.includes(output()))
      change("notice_output", { output_activation: "sigmoid" });
    const shares = (row) => Math.abs(row.reduce((sum, one) => sum + one, 0) - 1) < 1e-9 || output() === "sigmoid";
    if (!t.every((row) => row.every((one) => one >= 0 && one <= 1) && shares(row))) {
      change("notice_targets", { objective: "half-squared-error" });
    }
  }
  if (found.initial === "given" && !fitting(found.weights, networkOf(found, t).shapes))
    change("notice_weights", { initial: "uniform" });
  const few = patternsOf(found, iris, true).x.length;
  if (found.pattern > few) found.pattern = few;
  return { state: found, notices };
}

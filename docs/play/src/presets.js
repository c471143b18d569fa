// Settings to begin with.

import { h } from "./dom.js";

const ARTICLE = {
  task: "nand",
  hidden: [2],
  activation: "sigmoid",
  output_activation: "same",
  objective: "half-squared-error",
  input_bias: true,
  hidden_bias: false,
  initial: "uniform",
  ranges: [0.2, 2],
  seed: 0,
  rule: "previous-gradient",
  learning_rate: 0.5,
  momentum: 0.1,
  weight_decay: 0,
  mode: "online",
  order: "article",
  shuffle: false,
  epochs: 1000,
};
const XOR = { ...ARTICLE, task: "xor", order: "simultaneous", epochs: 2000 };
const TANH = {
  ...XOR,
  activation: "tanh",
  hidden_bias: true,
  initial: "glorot",
  rule: "heavy-ball",
  learning_rate: 0.1,
  momentum: 0.5,
  mode: "batch",
  epochs: 500,
};
const SOFTMAX = {
  ...TANH,
  task: "iris",
  hidden: [3],
  output_activation: "softmax",
  objective: "cross-entropy",
  learning_rate: 0.02,
  mode: "online",
  shuffle: true,
  epochs: 50,
};

// The derivation's worked pass has its numbers from docs/worked_pass.py.
const worked = ({ x, t, weights, learning_rate }) => ({
  ...XOR,
  task: "own",
  x,
  t,
  hidden_bias: true,
  initial: "given",
  weights,
  learning_rate,
  momentum: 0,
});

const PRESETS = {
  article: () => ARTICLE,
  xor: () => XOR,
  tanh: () => TANH,
  softmax: () => SOFTMAX,
  worked: (data) => worked(data.worked),
};
const BEGINNING = { shown: 100, mistake: "", pattern: 2, alone: false, updates: 0, step: 0 };

export const presetButtons = (app, names) =>
  h(
    "div",
    { class: "buttons stacked" },
    names.map((name) =>
      h(
        "button",
        {
          type: "button",
          id: `preset-${name}`,
          onclick: () => app.set({ ...BEGINNING, ...PRESETS[name](app.data) }),
        },
        app.say(`preset_${name}`),
      ),
    ),
  );

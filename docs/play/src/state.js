// The whole state of the page, kept in the address behind the #. Names and defaults of a run's fields are those of bpnn train.

import { ACTIVATIONS, OBJECTIVES, OUTPUT_ACTIVATIONS, RULES } from "./arithmetic.js";
import { MISTAKES } from "./mistakes.js";
import { INITIAL } from "./random.js";

// A field: from its text in the address a value, or undefined where the text is none; and the text of a value.
const choice = (preset, options) => ({
  preset,
  options,
  read: (text) => (options.includes(text) ? text : undefined),
  write: String,
  expected: options.join(", "),
});
const flag = (preset) => ({
  ...choice(preset, []),
  read: (text) => ({ on: true, off: false })[text],
  write: (on) => (on ? "on" : "off"),
  expected: "on, off",
});

const finite = (text) => (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN);

function number(preset, low, high, whole = false) {
  const fits = (value) => value >= low && value <= high && (!whole || Number.isInteger(value));
  const read = (text) => (fits(finite(text)) ? finite(text) : undefined);
  return { preset, low, high, whole, read, write: String, expected: `${low} … ${high}${whole ? " ∈ ℤ" : ""}` };
}

function numbers(preset, least, most, low, high, whole) {
  const one = number(0, low, high, whole);
  const read = (text) => {
    const found = text === "" ? [] : text.split(",").map((part) => one.read(part.trim()));
    return found.length < least || found.length > most || found.includes(undefined) ? undefined : found;
  };
  return {
    preset,
    read,
    write: (list) => list.join(","),
    expected: `n,n,… (${least} … ${most} n), n: ${one.expected}`,
  };
}

// Rows separated by ; of numbers separated by , with a rectangle's shape
function table(preset, rows, columns, low, high) {
  const one = numbers([], columns[0], columns[1], low, high);
  const read = (text) => {
    const found = text.split(";").map(one.read);
    const fits = found.length >= rows[0] && found.length <= rows[1] && !found.includes(undefined);
    return fits && found.every((row) => row.length === found[0].length) ? found : undefined;
  };
  const expected = `n,n;n,n;… (${rows[0]} … ${rows[1]} × ${columns[0]} … ${columns[1]} n), n: ${low} … ${high}`;
  return { preset, read, write: (found) => found.map((row) => row.join(",")).join(";"), expected };
}

const matrices = {
  preset: [],
  read: (text) => {
    const one = table([], [1, 8], [1, 6], -1000, 1000);
    const found = text === "" ? [] : text.split("|").map(one.read);
    return found.includes(undefined) ? undefined : found;
  },
  write: (list) => list.map((W) => W.map((row) => row.join(",")).join(";")).join("|"),
  expected: "n,n;n,n|n;n|…, n: -1000 … 1000",
};

export const CELL = number(0, -1000, 1000); // of a table that can be typed over
export const BITS = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
];
export const GATES = { xor: [0, 1, 1, 0], nand: [1, 1, 1, 0], and: [0, 0, 0, 1], or: [0, 1, 1, 1] };

export const FIELDS = {
  view: choice("derivation", ["derivation", "playground"]),
  lang: choice("en", ["en", "zh"]),
  task: choice("xor", [...Object.keys(GATES), "own", "iris"]),
  x: table(BITS, [1, 4], [2, 2], -100, 100),
  t: table([[0], [1], [1], [0]], [1, 4], [1, 3], -100, 100),
  hidden: numbers([2], 0, 3, 1, 6, true),
  activation: choice("sigmoid", Object.keys(ACTIVATIONS)),
  output_activation: choice("same", ["same", ...Object.keys(OUTPUT_ACTIVATIONS)]),
  objective: choice("half-squared-error", Object.keys(OBJECTIVES)),
  input_bias: flag(true),
  hidden_bias: flag(true),
  initial: choice("uniform", [...INITIAL, "given"]),
  ranges: numbers([0.2, 2], 1, 4, 0, 100),
  weights: matrices,
  seed: number(0, 0, 4294967295, true),
  rule: choice("previous-gradient", Object.keys(RULES)),
  learning_rate: number(0.5, 0, 1000),
  momentum: number(0.1, 0, 1000),
  weight_decay: number(0, 0, 1000),
  mode: choice("online", ["online", "batch"]),
  order: choice("simultaneous", ["simultaneous", "article"]),
  shuffle: flag(false),
  epochs: number(2000, 1, 20000, true),
  shown: number(100, 0, 100), // per cent of the epochs, of which surface, activations and weights are shown
  many: flag(false),
  mistake: choice("", ["", ...MISTAKES]),
  pattern: number(2, 1, 4, true),
  alone: flag(false), // E of the chosen pattern, and not of all
  updates: number(0, 0, 1000, true), // of the batch, before the step that is shown
  step: number(0, 0, 60, true),
};

export const PRESET = Object.fromEntries(Object.entries(FIELDS).map(([name, field]) => [name, field.preset]));

// The state that a fragment says, and what of it could not be used: [{name, got, expected}]
export function read(fragment) {
  const state = { ...PRESET };
  const refused = [];
  for (const part of fragment.replace(/^#/, "").split("&").filter(Boolean)) {
    const [name, ...rest] = part.split("=");
    let got = rest.join("=");
    try {
      got = decodeURIComponent(got);
    } catch {
      refused.push({ name, got, expected: "%-encoded UTF-8" });
      continue;
    }
    const known = Object.hasOwn(FIELDS, name);
    const value = known ? FIELDS[name].read(got) : undefined;
    if (value === undefined)
      refused.push({ name, got, expected: known ? FIELDS[name].expected : Object.keys(FIELDS).join(", "), known });
    else state[name] = value;
  }
  return { state, refused };
}

const escaped = (text) => encodeURIComponent(text).replace(/%2C/g, ",").replace(/%3B/g, ";").replace(/%20/g, "%20");

export const written = (state) =>
  Object.entries(FIELDS)
    .map(([name, field]) => `${name}=${escaped(field.write(state[name]))}`)
    .join("&");

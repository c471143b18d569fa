// The playground's part of the page: a training in pictures, and the same training for a hundred seeds.

import { classColour, curves, diverging, ofClass, plane } from "./charts.js";
import { checkbox, entry, select, slider } from "./controls.js";
import { h } from "./dom.js";
import { drawNetwork, weightsInWords } from "./drawing.js";
import { forward } from "./arithmetic.js";
import { judged } from "./model.js";
import { shown } from "./numbers.js";
import { inSlices, setupOf, training } from "./runs.js";
import { seedsPanel } from "./seeds.js";
import { accuracy, solved, TOLERANCE } from "./train.js";

export function playgroundView(app) {
  const { say } = app;
  const panel = (key, ...inside) => h("section", { class: "panel", "aria-labelledby": key }, h("h2", { id: key }, say(key)), inside);
  const box = (kind = "") => h("div", { class: kind });
  const [error, surface, hidden, weights, table] = [box(), box(), box("tiles"), box("scroll"), box("scroll")];
  const outcome = h("p", { class: "verdict", role: "status" });
  const line = h("code", {});
  const seeds = seedsPanel(app);
  const shownAt = slider(app, "shown", (state) => say("epoch", run ? epochShown(run.found, state).epoch : 0));
  const fields = playgroundFields(app);
  let run = null;
  let wanted = "";

  const note = h("p", { class: "help" });
  const element = h("div", { class: "columns" },
    h("div", { class: "main" },
      panel("outcome", outcome, shownAt.element),
      h("div", { class: "pair" }, panel("surface", surface, note), panel("error_curve", error)),
      panel("hidden_nodes", hidden), panel("weights_now", weights), panel("pattern_table", table), seeds.element,
      h("section", { class: "panel" }, h("p", {}, say("command")), h("pre", { tabindex: "0" }, line))),
    h("div", { class: "side" }, fields.element));

  function update(state) {
    fields.update(state);
    line.textContent = command(state);
    const now = JSON.stringify({ ...state, ...AFTERWARDS });
    if (now !== wanted) {
      wanted = now;
      begin(state);
    } else draw(state);
    seeds.update(state, now);
  }

  function begin(state) {
    const setup = setupOf(state, app.data);
    const mine = wanted;
    run = { ...training(state, setup, state.seed), setup };
    const after = (job, done) => {
      if (done || performance.now() - drawn > 120) draw(app.state);
    };
    inSlices([run], after, () => wanted !== mine || !element.isConnected);
  }

  let drawn = 0;
  function draw(state) {
    drawn = performance.now();
    shownAt.update(state);
    const { setup, found } = run;
    const at = epochShown(found, state);
    const now = judged(at.weights, setup.x, setup.t, setup.how);
    note.textContent = say(state.task === "iris" ? "surface_iris" : "surface_gate");
    outcome.textContent = verdict(app, state, setup, now);
    const last = found.errors.length - 1;
    error.replaceChildren(curves({
      lines: [{ values: found.errors, name: "E", kind: "right" }], across: found.epochs[last], mark: at.share,
      alt: say("error_alt", shown(found.errors[0]), shown(found.errors[last]), found.epochs[last]),
    }));
    surface.replaceChildren(surfaceOf(app, state, setup, at));
    hidden.replaceChildren(...hiddenOf(app, setup, at));
    const { network } = setup;
    weights.replaceChildren(drawNetwork({
      ...network, weights: at.weights, bias: say("bias_node"), marks: () => "", edgeMarks: () => "",
      numbers: (column, k) => [[column ? "" : `x${k + 1}`, "forward"]], label: (l, j, k) => shown(at.weights[l][j][k]),
      alt: say("network_alt", network.sizes.join("-"), weightsInWords(at.weights, say)),
    }));
    table.replaceChildren(tableOf(app, setup, now));
  }
  return { element, update };
}

const AFTERWARDS = { lang: "", view: "", shown: 0, many: false, step: 0, pattern: 0, alone: false, updates: 0, mistake: "" }; // what no training depends on

function epochShown(found, state) {
  const last = found.epochs.length - 1;
  const at = Math.round((state.shown / 100) * last);
  return { epoch: found.epochs[at], weights: found.weights[at], share: last ? at / last : 0 };
}

function verdict(app, state, setup, now) {
  const { say } = app;
  if (!Number.isFinite(now.E)) return say("diverged");
  const E = `E = ${shown(now.E)}. `;
  if (state.task === "iris") return E + say("accuracy", Math.round(accuracy(now.outputs, setup.t) * setup.x.length), setup.x.length);
  const allowed = shown(TOLERANCE * spread(setup.t));
  if (solved(now.outputs, setup.t)) return E + say("solved_yes", allowed);
  const near = setup.t.filter((row, p) => row.every((one, k) => Math.abs(one - now.outputs[p][k]) <= TOLERANCE * spread(setup.t))).length;
  return E + say("solved_no", near, setup.t.length, allowed);
}

export function spread(t) {
  const all = t.flat();
  return Math.max(...all) - Math.min(...all) || 1;
}

// --- The pictures ---

function spanOf(x) {
  const all = x.flat();
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const room = 0.25 * (high - low || 1);
  return [low - room, high + room];
}

function surfaceOf(app, state, setup, at) {
  const { x, t, how } = setup;
  const all = t.flat();
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const share = (value) => (value - low) / (high - low || 1);
  const answer = (x1, x2) => forward(at.weights, [[x1, x2]], how.functions).layers[at.weights.length - 1].a[0];
  const iris = state.task === "iris";
  const dots = x.map((row, p) => ({ x: row, colour: iris ? classColour(t[p].indexOf(1)) : diverging(share(t[p][0])), radius: iris ? 4 : 9 }));
  const span = spanOf(x);
  return plane({
    size: 320, cells: 64, span, dots, colour: (x1, x2) => (iris ? ofClass(answer(x1, x2)) : diverging(share(answer(x1, x2)[0]))),
    alt: app.say("surface_alt", shown(span[0]), shown(span[1]), at.epoch),
  });
}

function hiddenOf(app, setup, at) {
  const { x, network, how } = setup;
  const span = spanOf(x);
  const layers = network.sizes.slice(1, -1);
  if (!layers.length) return [h("p", {}, app.say("hidden_none"))];
  return layers.flatMap((n, l) => Array.from({ length: n }, (_, k) => {
    const activation = (x1, x2) => forward(at.weights.slice(0, l + 1), [[x1, x2]], how.functions).layers[l].a[0][k];
    const values = x.map((row) => activation(...row));
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const colour = (x1, x2) => diverging((activation(x1, x2) - low) / (high - low || 1));
    const alt = app.say("hidden_alt", k + 1, l + 1, shown(span[0]), shown(span[1]));
    return h("figure", {}, plane({ size: 112, cells: 28, span, colour, alt, kind: "small" }),
      h("figcaption", {}, app.say("node", k + 1, l + 1), h("br"), `${shown(low)} … ${shown(high)}`));
  }));
}

const ROWS = 12; // patterns that the table shows

function tableOf(app, setup, now) {
  const { x, t } = setup;
  const step = Math.ceil(x.length / ROWS);
  const some = x.map((_, p) => p).filter((p) => p % step === 0);
  const names = now.layers.slice(0, -1).flatMap((layer, l) => layer.a[0].map((_, k) => `a${l + 1}.${k + 1}`));
  const head = ["", "x1", "x2", ...names, ...t[0].map((_, k) => `${app.say("outputs")} ${k + 1}`), ...t[0].map((_, k) => `t${k + 1}`)];
  return h("table", { class: "numbers" },
    h("thead", {}, h("tr", {}, head.map((name) => (name ? h("th", { scope: "col" }, name) : h("td"))))),
    h("tbody", {}, some.map((p) => h("tr", {}, h("th", { scope: "row" }, String(p + 1)),
      [...x[p], ...now.layers.flatMap((layer) => layer.a[p]), ...t[p]].map((value) => h("td", {}, shown(value)))))));
}

// --- The controls ---

const PRESETS = {
  article: { task: "nand", hidden: [2], activation: "sigmoid", output_activation: "same", objective: "half-squared-error", hidden_bias: false, input_bias: true, initial: "uniform", ranges: [0.2, 2], seed: 0, rule: "previous-gradient", learning_rate: 0.5, momentum: 0.1, weight_decay: 0, mode: "online", order: "article", shuffle: false, epochs: 1000 },
  xor: { task: "xor", hidden: [2], activation: "sigmoid", output_activation: "same", objective: "half-squared-error", hidden_bias: false, input_bias: true, initial: "uniform", ranges: [0.2, 2], seed: 0, rule: "previous-gradient", learning_rate: 0.5, momentum: 0.1, weight_decay: 0, mode: "online", order: "simultaneous", shuffle: false, epochs: 2000 },
  tanh: { task: "xor", hidden: [2], activation: "tanh", output_activation: "same", objective: "half-squared-error", hidden_bias: true, input_bias: true, initial: "glorot", seed: 0, rule: "heavy-ball", learning_rate: 0.1, momentum: 0.5, weight_decay: 0, mode: "batch", order: "simultaneous", shuffle: false, epochs: 500 },
  softmax: { task: "iris", hidden: [3], activation: "tanh", output_activation: "softmax", objective: "cross-entropy", hidden_bias: true, input_bias: true, initial: "glorot", seed: 0, rule: "heavy-ball", learning_rate: 0.02, momentum: 0.5, weight_decay: 0, mode: "online", order: "simultaneous", shuffle: true, epochs: 50 },
};

function playgroundFields(app) {
  const { say } = app;
  const presets = Object.entries(PRESETS).map(([name, fields]) =>
    h("button", { type: "button", id: `preset-${name}`, onclick: () => app.set({ ...fields, shown: 100 }) }, say(`preset_${name}`)));
  const network = [entry(app, "hidden", say("hidden_help")), select(app, "activation"), select(app, "output_activation"), select(app, "objective"), checkbox(app, "input_bias"), checkbox(app, "hidden_bias")];
  const patterns = [select(app, "task"), entry(app, "x"), entry(app, "t")];
  const weights = [select(app, "initial"), entry(app, "ranges"), entry(app, "seed")];
  const learning = [select(app, "rule"), entry(app, "learning_rate"), entry(app, "momentum"), entry(app, "weight_decay"), select(app, "mode"), select(app, "order"), checkbox(app, "shuffle"), entry(app, "epochs")];
  const all = [...network, ...patterns, ...weights, ...learning];
  const group = (key, ...inside) => h("details", { class: "group", open: true }, h("summary", {}, say(key)), inside);
  const elements = (list) => list.map((one) => one.element);
  const element = h("section", { class: "panel controls", "aria-label": say("group_training") },
    group("presets", h("div", { class: "buttons stacked" }, presets)),
    group("group_patterns", elements(patterns)), group("group_network", elements(network)),
    group("group_weights", elements(weights)), group("group_training", elements(learning)));
  return {
    element,
    update: (state) => {
      all.forEach((one) => one.update(state));
      patterns.slice(1).forEach((one) => { one.element.hidden = state.task !== "own"; });
    },
  };
}

// The command line of bpnn train for the same run; own targets would need a file there.
function command(state) {
  const switches = { input_bias: "input-bias", hidden_bias: "hidden-bias", shuffle: "shuffle" };
  const words = ["bpnn", "train", state.task === "own" ? "FILE.csv" : state.task];
  if (state.hidden.length) words.push("--hidden", ...state.hidden);
  const named = ["activation", "output_activation", "objective", "rule", "learning_rate", "momentum", "weight_decay", "mode", "order", "epochs", "seed"];
  for (const name of named) words.push(`--${name.replaceAll("_", "-")}`, state[name]);
  if (state.initial !== "given") words.push("--initial", state.initial);
  if (state.initial === "uniform") words.push("--ranges", ...state.ranges);
  for (const [name, flag] of Object.entries(switches)) words.push(`--${state[name] ? "" : "no-"}${flag}`);
  return words.join(" ");
}

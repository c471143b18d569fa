// The derivation's controls: the mistake, patterns and targets, the network, its weights as tables, the rule.

import { checkbox, entry, grid, rateEntries, select } from "./controls.js";
import { h } from "./dom.js";
import { mistakeName } from "./mistakes_zh.js";
import { shown } from "./numbers.js";
import { patternFields, withCell } from "./pattern_fields.js";
import { presetButtons } from "./presets.js";

// ``model()``: what modelOf made of the state. {element, update(state)}
export function derivationFields(app, model) {
  const { say } = app;
  const mistake = select(app, "mistake", (name) => (name ? mistakeLabel(app, name) : say("none")));
  const tables = patternFields(app);
  const matrices = weightFields(app, model);
  const pattern = h("select", { id: "pattern", onchange: () => app.set({ pattern: Number(pattern.value) }) });
  const chosen = h("p", { class: "field" }, h("label", { for: "pattern" }, say("pattern")), pattern);
  const patterns = [select(app, "task"), { element: chosen, update: options }, checkbox(app, "alone"), tables];
  const network = [
    entry(app, "hidden", say("hidden_help")),
    select(app, "activation"),
    select(app, "output_activation"),
    select(app, "objective"),
    checkbox(app, "input_bias"),
    checkbox(app, "hidden_bias"),
  ];
  const weights = [select(app, "initial"), entry(app, "ranges"), entry(app, "seed"), matrices];
  const training = [select(app, "rule"), ...rateEntries(app)];

  function options(state) {
    const words = ({ x, t }, p) => `${p + 1}: ${x[p].map(shown).join(", ")} → ${t[p].map(shown).join(", ")}`;
    const { all } = model();
    pattern.replaceChildren(...all.x.map((_, p) => h("option", { value: p + 1 }, words(all, p))));
    pattern.value = state.pattern;
  }

  const group = (key, open, fields) =>
    h(
      "details",
      { class: "group", open },
      h("summary", {}, say(key)),
      fields.map((one) => one.element),
    );
  const element = h(
    "section",
    { class: "panel controls", "aria-label": say("group_network") },
    mistake.element,
    group("presets", false, [{ element: presetButtons(app, ["worked", "article", "xor", "tanh"]) }]),
    group("group_patterns", true, patterns),
    group("group_network", true, network),
    group("group_weights", true, weights),
    group("group_training", true, training),
  );
  const all = [mistake, ...patterns, ...network, ...weights, ...training];
  return { element, update: (state) => all.forEach((one) => one.update(state)) };
}

// A table per layer; what is typed over makes the weights the user's own, from the numbers that are shown.
function weightFields(app, model) {
  const { say } = app;
  const tables = h("div");
  let layers = [];
  const moved = (l, j, k, value) => model().net.weights.map((W, m) => (m === l ? withCell(W, j, k, value) : W));
  const table = (_, l) =>
    grid(app, `W${l + 1}`, {
      caption: `W ${say("layer", l + 1)}`,
      columns: () => model().net.weights[l][0].map((_, k) => String(k + 1)),
      rowName: (j) => (j < model().network.sizes[l] ? String(j + 1) : say("bias_node")),
      read: () => model().net.weights[l],
      change: (j, k, value) => ({ initial: "given", updates: 0, weights: moved(l, j, k, value) }),
    });

  function update(state) {
    const { weights } = model().net;
    if (layers.length !== weights.length) {
      layers = weights.map(table);
      tables.replaceChildren(...layers.map((one) => one.element));
    }
    layers.forEach((one) => one.update(state));
  }
  return { element: h("div", {}, tables, h("p", { class: "help" }, say("weights_help"))), update };
}

function mistakeLabel(app, name) {
  const mistake = app.data.mistakes.find((one) => one.name === name);
  return `(${mistake.equation}) ${mistakeName(app, mistake)}`;
}

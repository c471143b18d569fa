// The playground's controls, and the command line that makes the same run.

import { WITHOUT_MOMENTUM } from "./arithmetic.js";
import { checkbox, entry, rateEntries, select } from "./controls.js";
import { h } from "./dom.js";
import { patternFields } from "./pattern_fields.js";
import { presetButtons } from "./presets.js";
import { GATES } from "./state.js";

export function playgroundFields(app) {
  const { say } = app;
  const network = [
    entry(app, "hidden", say("hidden_help")),
    select(app, "activation"),
    select(app, "output_activation"),
    select(app, "objective"),
    checkbox(app, "input_bias"),
    checkbox(app, "hidden_bias"),
  ];
  const tables = patternFields(app);
  const patterns = [select(app, "task"), tables];
  const weights = [select(app, "initial"), entry(app, "ranges"), entry(app, "seed")];
  const learning = [
    select(app, "rule"),
    ...rateEntries(app),
    select(app, "mode"),
    select(app, "order"),
    checkbox(app, "shuffle"),
    entry(app, "epochs"),
  ];
  const all = [...network, ...patterns, ...weights, ...learning];
  const group = (key, ...inside) => h("details", { class: "group", open: true }, h("summary", {}, say(key)), inside);
  const elements = (list) => list.map((one) => one.element);
  const element = h(
    "section",
    { class: "panel controls", "aria-label": say("group_training") },
    group("presets", presetButtons(app, ["article", "xor", "tanh", "softmax"])),
    group("group_patterns", elements(patterns)),
    group("group_network", elements(network)),
    group("group_weights", elements(weights)),
    group("group_training", elements(learning)),
  );
  return {
    element,
    update: (state) => {
      all.forEach((one) => one.update(state));
      tables.element.hidden = state.task === "iris";
    },
  };
}

const SWITCHES = { input_bias: "input-bias", hidden_bias: "hidden-bias", shuffle: "shuffle" };
const TRAINED =
  "activation output_activation objective rule learning_rate momentum weight_decay mode order epochs seed initial".split(
    " ",
  );

// The command line of bpnn train for the same run; "" where there is none: iris has four columns there, own targets need a file,
// own weights cannot be given, and no hidden layer means the customary one.
export function command(state) {
  if (!Object.hasOwn(GATES, state.task) || state.initial === "given" || !state.hidden.length) return "";
  const words = ["bpnn", "train", state.task, "--hidden", ...state.hidden];
  const fields = TRAINED.filter((name) => name !== "momentum" || !WITHOUT_MOMENTUM.includes(state.rule));
  for (const name of fields) words.push(`--${name.replaceAll("_", "-")}`, state[name]);
  if (state.initial === "uniform") words.push("--ranges", ...state.ranges);
  for (const [name, flag] of Object.entries(SWITCHES)) words.push(`--${state[name] ? "" : "no-"}${flag}`);
  return words.join(" ");
}

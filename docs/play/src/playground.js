// The playground's part of the page: a training in pictures, and the same training for a hundred seeds.

import { classColour, curves, diverging, ofClass, plane } from "./charts.js";
import { slider } from "./controls.js";
import { h, reachable } from "./dom.js";
import { drawNetwork, weightsInWords } from "./drawing.js";
import { forward } from "./arithmetic.js";
import { judged } from "./model.js";
import { shown } from "./numbers.js";
import { command, playgroundFields } from "./playground_fields.js";
import { inSlices, setupOf, training } from "./runs.js";
import { seedsPanel } from "./seeds.js";
import { accuracy, solved, TOLERANCE } from "./train.js";

export function playgroundView(app) {
  const { say } = app;
  const panel = (key, ...inside) =>
    h("section", { class: "panel", "aria-labelledby": key }, h("h2", { id: key }, say(key)), inside);
  const box = (kind = "") => h("div", { class: kind });
  const [error, surface, hidden, weights, table] = [box(), box(), box("tiles"), box("scroll"), box("scroll")];
  const outcome = h("p", { class: "verdict", role: "status" });
  const line = h("code", {});
  const same = h("section", { class: "panel" }, h("p", {}, say("command")), h("pre", {}, line));
  const seeds = seedsPanel(app);
  const shownAt = slider(app, "shown", (state) => say("epoch", run ? epochShown(run.found, state).epoch : 0));
  const fields = playgroundFields(app);
  let run = null;
  let wanted = "";

  const note = h("p", { class: "help" });
  const element = h(
    "div",
    { class: "columns" },
    h(
      "div",
      { class: "main" },
      panel("outcome", outcome, shownAt.element),
      h("div", { class: "pair" }, panel("surface", surface, note), panel("error_curve", error)),
      panel("hidden_nodes", hidden),
    ),
    h("div", { class: "side" }, fields.element),
    h("div", { class: "rest" }, seeds.element, panel("weights_now", weights), panel("pattern_table", table), same),
  );

  function update(state) {
    fields.update(state);
    line.textContent = command(state);
    same.hidden = line.textContent === "";
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
    error.replaceChildren(
      curves({
        lines: [{ values: found.errors, name: "E", kind: "right" }],
        across: found.epochs[last],
        mark: at.share,
        alt: say("error_alt", shown(found.errors[0]), shown(found.errors[last]), found.epochs[last]),
      }),
    );
    surface.replaceChildren(surfaceOf(app, state, setup, at));
    hidden.replaceChildren(...hiddenOf(app, setup, at));
    const { network } = setup;
    weights.replaceChildren(
      drawNetwork({
        ...network,
        weights: at.weights,
        bias: say("bias_node"),
        marks: () => "",
        edgeMarks: () => "",
        title: () => "",
        numbers: (column, k) => [[nodeName(column, k), "forward"]],
        label: (l, j, k) => shown(at.weights[l][j][k]),
        alt: say("network_alt", network.sizes.join("-"), weightsInWords(at.weights, say)),
      }),
    );
    table.replaceChildren(tableOf(app, setup, now));
    reachable(element);
  }
  return { element, update };
}

const AFTERWARDS = {
  lang: "",
  view: "",
  shown: 0,
  many: false,
  step: 0,
  pattern: 0,
  alone: false,
  updates: 0,
  mistake: "",
}; // what no training depends on

function epochShown(found, state) {
  const last = found.epochs.length - 1;
  const at = Math.round((state.shown / 100) * last);
  return { epoch: found.epochs[at], weights: found.weights[at], share: last ? at / last : 0 };
}

function verdict(app, state, setup, now) {
  const { say } = app;
  if (!Number.isFinite(now.E)) return say("diverged");
  const E = `E = ${shown(now.E)}. `;
  if (state.task === "iris")
    return E + say("accuracy", Math.round(accuracy(now.outputs, setup.t) * setup.x.length), setup.x.length);
  const allowed = shown(TOLERANCE * spread(setup.t));
  if (solved(now.outputs, setup.t)) return E + say("solved_yes", allowed);
  const near = setup.t.filter((row, p) =>
    row.every((one, k) => Math.abs(one - now.outputs[p][k]) <= TOLERANCE * spread(setup.t)),
  ).length;
  return E + say("solved_no", near, setup.t.length, allowed);
}

export function spread(t) {
  const all = t.flat();
  return Math.max(...all) - Math.min(...all) || 1;
}

const nodeName = (column, k) => (column === 0 ? `x${k + 1}` : `a${column}.${k + 1}`);

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
  const dots = x.map((row, p) => ({
    x: row,
    colour: iris ? classColour(t[p].indexOf(1)) : diverging(share(t[p][0])),
    radius: iris ? 4 : 9,
  }));
  const span = spanOf(x);
  return plane({
    size: 320,
    cells: 64,
    span,
    dots,
    colour: (x1, x2) => (iris ? ofClass(answer(x1, x2)) : diverging(share(answer(x1, x2)[0]))),
    alt: app.say("surface_alt", shown(span[0]), shown(span[1]), at.epoch),
  });
}

function hiddenOf(app, setup, at) {
  const { x, network, how } = setup;
  const span = spanOf(x);
  const layers = network.sizes.slice(1, -1);
  if (!layers.length) return [h("p", {}, app.say("hidden_none"))];
  return layers.flatMap((n, l) =>
    Array.from({ length: n }, (_, k) => {
      const activation = (x1, x2) => forward(at.weights.slice(0, l + 1), [[x1, x2]], how.functions).layers[l].a[0][k];
      const values = x.map((row) => activation(...row));
      const [low, high] = [Math.min(...values), Math.max(...values)];
      const colour = (x1, x2) => diverging((activation(x1, x2) - low) / (high - low || 1));
      const alt = app.say("hidden_alt", k + 1, l + 1, shown(span[0]), shown(span[1]));
      return h(
        "figure",
        {},
        plane({ size: 112, cells: 28, span, colour, alt, kind: "small" }),
        h("figcaption", {}, app.say("node", k + 1, l + 1), h("br"), `${shown(low)} … ${shown(high)}`),
      );
    }),
  );
}

const ROWS = 12; // patterns that the table shows

function tableOf(app, setup, now) {
  const { x, t } = setup;
  const step = Math.ceil(x.length / ROWS);
  const some = x.map((_, p) => p).filter((p) => p % step === 0);
  const names = now.layers.flatMap((layer, l) => layer.a[0].map((_, k) => nodeName(l + 1, k)));
  const head = ["", "x1", "x2", ...names, ...t[0].map((_, k) => `t${k + 1}`)];
  return h(
    "table",
    { class: "numbers" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        head.map((name) => (name ? h("th", { scope: "col" }, name) : h("td"))),
      ),
    ),
    h(
      "tbody",
      {},
      some.map((p) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, String(p + 1)),
          [...x[p], ...now.layers.flatMap((layer) => layer.a[p]), ...t[p]].map((value) => h("td", {}, shown(value))),
        ),
      ),
    ),
  );
}

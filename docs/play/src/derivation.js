// The derivation's part of the page: the network in steps, the equation at work, what a mistake does, and all equations.

import { checkbox, entry, grid, select, slider } from "./controls.js";
import { curves } from "./charts.js";
import { h, typeset } from "./dom.js";
import { drawNetwork, weightsInWords } from "./drawing.js";
import { mistakeName, mistakeWhy } from "./mistakes_zh.js";
import { ASTRAY, astray, modelOf, showing } from "./model.js";
import { difference, exact, shown } from "./numbers.js";
import { nameOf, putIn } from "./terms.js";

export function derivationView(app) {
  const { say } = app;
  const picture = h("div", { class: "picture" });
  const said = h("p", { class: "said", role: "status" });
  const work = h("section", { class: "panel", "aria-labelledby": "at-work" });
  const wrong = h("section", { class: "panel", "aria-labelledby": "wrong" });
  const button = (key, to) => h("button", { type: "button", id: `go-${key}`, onclick: () => go(to) }, say(key));
  const position = slider(app, "step", (state) => `${state.step} / ${model.found.steps.length}`);
  const parts = controls(app, () => model);
  let model = null;

  function go(to) {
    const steps = model.found.steps.length;
    const wanted = to === "wrong" ? (model.found.first || { step: -1 }).step + 1 : to(app.state.step, steps);
    app.set({ step: Math.max(0, Math.min(steps, wanted)) });
  }

  function pressed(event) {
    const moves = { ArrowRight: (s) => s + 1, ArrowLeft: (s) => s - 1, Home: () => 0, End: (s, n) => n };
    if (!Object.hasOwn(moves, event.key) || event.altKey || event.ctrlKey || event.metaKey || event.target.id === "step") return;
    event.preventDefault();
    go(moves[event.key]);
  }

  const toWrong = button("first_wrong", "wrong");
  const buttons = h("div", { class: "buttons" },
    button("first", () => 0), button("back", (s) => s - 1), button("next", (s) => s + 1), button("last", (s, n) => n), toWrong);
  const stage = h("section", { class: "panel stage", "aria-labelledby": "stage", onkeydown: pressed },
    h("h2", { id: "stage" }, say("stage")), buttons, position.element, said,
    h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": say("stage") }, picture), h("p", { class: "help" }, say("stage_help")));
  const element = h("div", { class: "columns" },
    h("div", { class: "main" }, stage, work, wrong, equations(app)), h("div", { class: "side" }, parts.element));

  function update(state) {
    model = modelOf(state, app.data);
    const { steps, first } = model.found;
    position.box.max = steps.length;
    const at = Math.min(state.step, steps.length);
    parts.update(state);
    position.update(state);
    toWrong.hidden = first === null;
    const step = at ? steps[at - 1] : null;
    said.textContent = step ? say("step_of", at, steps.length, title(app, step)) : say("nothing");
    picture.replaceChildren(drawn(app, model, at));
    work.replaceChildren(...(step ? atWork(app, model, step) : []));
    work.hidden = !step;
    wrong.replaceChildren(...(model.mistake ? consequences(app, model) : []));
    wrong.hidden = !model.mistake;
  }
  return { element, update };
}

const title = (app, step) => app.say(`at_${step.kind}`, step.l + 1);

// --- The drawing ---

function drawn(app, model, at) {
  const { network, net, found, shownAt } = model;
  const known = found.steps.slice(0, at);
  const step = at ? found.steps[at - 1] : null;
  const cellOf = (kind, l, k) => known.filter((one) => one.kind === kind && one.l === l)
    .flatMap((one) => one.cells).find((cell) => cell.p === shownAt && cell.k === k && (cell.j === undefined || cell.j === k));
  const weightCell = (l, j, k) => known.filter((one) => one.kind === "gradient" && one.l === l)
    .flatMap((one) => one.cells).find((cell) => cell.j === j && cell.k === k);
  const written = (cell, letter, kind) => (cell ? [[`${letter} ${shown(cell.hand)}`, cell.wrong ? `${kind} wrong` : kind]] : []);
  const numbers = (column, k) => {
    if (column === 0) return [[shown(model.x[shownAt][k]), "forward"], ...written(cellOf("input", 0, k), "∂E/∂x", "backward")];
    const [z, a, delta] = ["z", "a", "delta"].map((kind) => cellOf(kind, column - 1, k));
    return [...written(z, "z", "forward"), ...written(a, "a", "forward"), ...written(delta, "δ", "backward")];
  };
  const busy = (column, k) => step && !["gradient", "decay", "step"].includes(step.kind)
    && (step.kind === "input" ? column === 0 : step.kind === "E" ? column === network.sizes.length - 1 : column === step.l + 1)
    && k < network.sizes[column];
  const wrongNode = (column, k) => column > 0 && ["slope", "delta"].some((kind) => (cellOf(kind, column - 1, k) || {}).wrong);
  const edgeMarks = (l, j) => {
    const bias = j >= network.sizes[l];
    const active = step && ((["z", "gradient", "decay", "step"].includes(step.kind) && step.l === l)
      || (step.kind === "delta" && step.l === l - 1 && !bias) || (step.kind === "input" && l === 0 && !bias));
    return active ? "busy" : "";
  };
  const slopes = step && step.kind === "gradient";
  return drawNetwork({
    ...network, weights: net.weights, numbers, bias: app.say("bias_node"),
    marks: (column, k) => `${busy(column, k) ? "busy" : ""} ${wrongNode(column, k) ? "wrong" : ""}`,
    edgeMarks: (l, j, k) => `${edgeMarks(l, j)} ${(weightCell(l, j, k) || {}).wrong ? "wrong" : ""}`,
    label: (l, j, k) => (slopes && step.l === l ? `∂ ${shown(weightCell(l, j, k).hand)}` : shown(net.weights[l][j][k])),
    alt: app.say("network_alt", network.sizes.join("-"), weightsInWords(net.weights, app.say)),
  });
}

// --- The equation at work ---

function atWork(app, model, step) {
  const { say } = app;
  const mistaken = model.applies && step.equations.includes(model.mistake.equation);
  const cells = step.cells.filter((cell) => cell.p === null || cell.p === model.shownAt);
  const wrong = step.cells.filter((cell) => cell.wrong).length;
  const bias = step.kind === "gradient" ? model.found.pass.layers[step.l].below[0].length : -1;
  const isMistaken = (cell) => mistaken && (model.mistake.equation === 11 ? cell.j === bias : true);
  const rows = cells.map((cell) => h("tr", { class: cell.wrong ? (isFirst(model, step, cell) ? "wrong first" : "wrong") : "" },
    h("th", { scope: "row" }, nameOf(step, cell)),
    h("td", { class: "terms" }, isMistaken(cell) ? say("as_mistaken", mistakeName(app, model.mistake)) : putIn(model.found, step, cell, model.net, model.t, model.how)),
    h("td", { title: exact(cell.hand) }, shown(cell.hand), cell.wrong ? h("strong", {}, ` ✗ ${say("wrong")}`) : null),
    h("td", { title: exact(cell.right) }, shown(cell.right)),
    h("td", {}, difference(cell.hand, cell.right))));
  const columns = ["number", "put_in", "by_hand", step.kind === "step" ? "by_right" : "by_dual", "apart"];
  return [
    h("h2", { id: "at-work" }, `${say("at_work")}: ${title(app, step)}`),
    ...step.equations.map((number) => typesetEquation(app, number)),
    h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": say("at_work") },
      h("table", { class: "numbers" },
        h("thead", {}, h("tr", {}, columns.map((key) => h("th", { scope: "col" }, say(key))))), h("tbody", {}, rows))),
    h("p", { class: wrong ? "verdict bad" : "verdict" }, wrong ? say("step_wrong", wrong, step.cells.length) : step.kind === "step" ? null : say("all_right")),
    step.kind === "step" && model.found.steps.indexOf(step) === model.found.steps.length - 1 ? updates(app) : null,
    ...step.equations.map((number) => trusted(app, number)),
  ].filter(Boolean);
}

function isFirst({ found }, step, cell) {
  const { first } = found;
  return first !== null && found.steps[first.step] === step && step.cells[first.cell] === cell;
}

function updates(app) {
  const take = () => app.set({ updates: Math.min(1000, app.state.updates + 1), step: 0 });
  return h("p", { class: "buttons" },
    h("button", { type: "button", id: "take", onclick: take }, app.say("take_step")),
    app.state.updates ? h("button", { type: "button", id: "undo", onclick: () => app.set({ updates: 0, step: 0 }) }, app.say("undo_steps")) : null);
}

function typesetEquation(app, number) {
  const { math } = app.data.equations[number - 1];
  return h("div", { class: "equation" }, math[app.state.lang].map(typeset), h("span", { class: "tag" }, `(${number})`));
}

function trusted(app, number) {
  const equation = app.data.equations[number - 1];
  const definition = equation.proved !== "SymPy";
  const values = [equation.worst, equation.allowed, equation.witness, equation.proved];
  return h("div", { class: "trusted" },
    h("p", { class: "help" }, `(${number}) `, app.say(definition ? "measured_definition" : "measured", ...values)),
    h("details", {}, h("summary", {}, app.say("show_code", equation.functions.map((one) => one.name).join(", "))),
      equation.functions.map((one) => [
        h("p", { class: "help" }, app.say("source", one.line, one.file)),
        h("pre", { tabindex: "0" }, h("code", {}, one.code))])));
}

// --- What a mistake does ---

function consequences(app, model) {
  const { say } = app;
  const { mistake, found } = model;
  const heading = [
    h("h2", { id: "wrong" }, `${say("mistake_heading")}: ${mistakeName(app, mistake)}`),
    h("p", {}, say("mistake_why", mistakeWhy(app, mistake)), " ", say("mistake_equation", mistake.equation)),
  ];
  if (!found.first) {
    const show = () => app.set({ ...showing(mistake), step: 0 });
    return [...heading, h("p", { class: "verdict" }, say("mistake_hidden")),
      h("p", { class: "buttons" }, h("button", { type: "button", id: "show-mistake", onclick: show }, say("mistake_show")))];
  }
  const { first } = found;
  const step = found.steps[first.step];
  const sentence = say("mistake_first", "\u0001", `(${first.equation})`, shown(first.hand), shown(first.right)).split("\u0001");
  const { rightly, mistaken, ratio, degrees } = astray(model);
  const last = (list) => shown(list[list.length - 1]);
  return [...heading,
    h("p", { class: "verdict bad" }, sentence[0], nameOf(step, step.cells[first.cell]), sentence[1]),
    Number.isFinite(degrees) ? h("p", {}, say("angle", degrees.toFixed(1), ratio.toFixed(3))) : null,
    h("h3", {}, say("astray")),
    curves({
      lines: [{ values: rightly, name: say("rightly"), kind: "right" }, { values: mistaken, name: say("mistaken"), kind: "bad" }],
      across: ASTRAY, alt: say("astray_alt", ASTRAY, shown(rightly[0]), last(rightly), last(mistaken)),
    })];
}

// --- All equations ---

function equations(app) {
  const { say } = app;
  return h("section", { class: "panel equations", "aria-labelledby": "all" }, h("h2", { id: "all" }, say("all_equations")),
    h("ol", {}, app.data.equations.map(({ number }) => h("li", { id: `equation-${number}` },
      typesetEquation(app, number), h("p", {}, say(`why_${number}`)), trusted(app, number)))));
}

// --- The controls ---

function controls(app, model) {
  const { say } = app;
  const own = (state, changes) => ({ task: "own", x: model().all.x, t: model().all.t, ...changes });
  const changed = (rows, j, k, value) => rows.map((row, i) => (i === j ? row.map((one, m) => (m === k ? value : one)) : row));
  const inputs = grid(app, "x", {
    caption: say("x"), columns: () => ["x1", "x2"], rowName: (j) => String(j + 1), read: () => model().all.x,
    change: (state, j, k, value) => own(state, { x: changed(model().all.x, j, k, value) }),
  });
  const targets = grid(app, "t", {
    caption: say("t"), columns: () => model().all.t[0].map((_, k) => `t${k + 1}`), rowName: (j) => String(j + 1), read: () => model().all.t,
    change: (state, j, k, value) => own(state, { t: changed(model().all.t, j, k, value) }),
  });
  const outputs = h("select", { id: "outputs", onchange: () => resize() }, [1, 2, 3].map((n) => h("option", { value: n }, String(n))));
  const resize = () => app.set(own(app.state, { t: model().all.t.map((row) => [0, 1, 2].slice(0, Number(outputs.value)).map((k) => row[k] ?? 0)) }));
  const pattern = h("select", { id: "pattern", onchange: () => app.set({ pattern: Number(pattern.value) }) });
  const matrices = h("div");
  let layers = [];

  function matricesOf(state) {
    const { weights } = model().net;
    if (layers.length !== weights.length) {
      layers = weights.map((_, l) => grid(app, `W${l + 1}`, {
        caption: `W ${say("layer", l + 1)}`, columns: () => model().net.weights[l][0].map((_, k) => String(k + 1)),
        rowName: (j) => (j < model().network.sizes[l] ? String(j + 1) : say("bias_node")), read: () => model().net.weights[l],
        change: (_, j, k, value) => ({ initial: "given", updates: 0, weights: model().net.weights.map((W, m) => (m === l ? changed(W, j, k, value) : W)) }),
      }));
      matrices.replaceChildren(...layers.map((one) => one.element));
    }
    layers.forEach((one) => one.update(state));
  }

  function patterns(state) {
    const options = model().all.x.map((row, p) => h("option", { value: p + 1 }, `${p + 1}: ${row.map(shown).join(", ")} → ${model().all.t[p].map(shown).join(", ")}`));
    pattern.replaceChildren(...options);
    pattern.value = state.pattern;
    outputs.value = model().all.t[0].length;
  }

  const mistakes = select(app, "mistake", (name) => (name ? mistakeLabel(app, name) : say("none")));
  const all = [
    mistakes, select(app, "task"), checkbox(app, "alone"), entry(app, "hidden", say("hidden_help")), select(app, "activation"),
    select(app, "output_activation"), select(app, "objective"), checkbox(app, "input_bias"), checkbox(app, "hidden_bias"),
    select(app, "initial"), entry(app, "ranges"), entry(app, "seed"), select(app, "rule"), entry(app, "learning_rate"),
    entry(app, "momentum"), entry(app, "weight_decay"), inputs, targets,
  ];
  const [mistake, task, alone, hidden, f, out, E, inputBias, hiddenBias, initial, ranges, seed, rule, N, M, decay] = all.map((one) => one.element);
  const field = (name, box, help) => h("p", { class: "field" }, h("label", { for: box.id }, say(name)), box, help ? h("span", { class: "help" }, help) : null);
  const group = (key, open, ...inside) => h("details", { class: "group", open }, h("summary", {}, say(key)), inside);
  const element = h("section", { class: "panel controls", "aria-label": say("group_network") },
    mistake,
    group("group_patterns", true, task, field("pattern", pattern), alone, inputs.element, targets.element, field("outputs", outputs)),
    group("group_network", true, hidden, f, out, E, inputBias, hiddenBias),
    group("group_weights", true, initial, ranges, seed, matrices, h("p", { class: "help" }, say("weights_help"))),
    group("group_training", true, rule, N, M, decay));
  return {
    element,
    update: (state) => {
      all.forEach((one) => one.update(state));
      patterns(state);
      matricesOf(state);
    },
  };
}

function mistakeLabel(app, name) {
  const mistake = app.data.mistakes.find((one) => one.name === name);
  return `(${mistake.equation}) ${mistakeName(app, mistake)}`;
}

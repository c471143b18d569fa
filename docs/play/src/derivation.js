// The derivation's part of the page: the network in steps, the equation at work, what a mistake does, and all equations.

import { atWork, equationList, titleOf } from "./at_work.js";
import { consequences } from "./consequences.js";
import { slider } from "./controls.js";
import { derivationFields } from "./derivation_fields.js";
import { h } from "./dom.js";
import { drawNetwork, weightsInWords } from "./drawing.js";
import { modelOf } from "./model.js";
import { shown } from "./numbers.js";
import { DEFINED } from "./steps.js";

export function derivationView(app) {
  const { say } = app;
  const picture = h("div", { class: "picture" });
  const said = h("p", { class: "said", role: "status" });
  const work = h("section", { class: "panel", "aria-labelledby": "at-work" });
  const wrong = h("section", { class: "panel", "aria-labelledby": "wrong" });
  const button = (key, to) => h("button", { type: "button", id: `go-${key}`, onclick: () => go(to) }, say(key));
  const position = slider(app, "step", (state) => {
    const steps = model.found.steps.length;
    return `${Math.min(state.step, steps)} / ${steps}`;
  });
  const fields = derivationFields(app, () => model);
  let model = null;

  // ``to``: from the step that is shown and the number of steps to another
  function go(to) {
    const steps = model.found.steps.length;
    app.set({ step: Math.max(0, Math.min(steps, to(Math.min(steps, app.state.step), steps))) });
  }

  function see(number) {
    go(() => model.found.steps.findIndex((step) => step.equations.includes(number)) + 1);
    stage.scrollIntoView();
    document.getElementById("go-next").focus({ preventScroll: true });
  }

  function pressed(event) {
    const moves = { ArrowRight: (s) => s + 1, ArrowLeft: (s) => s - 1, Home: () => 0, End: (s, n) => n };
    if (
      !Object.hasOwn(moves, event.key) ||
      event.altKey ||
      event.ctrlKey ||
      event.metaKey ||
      event.target.id === "step"
    )
      return;
    event.preventDefault();
    go(moves[event.key]);
  }

  const all = equationList(app, see);
  const toFirstWrong = () => {
    const { step, p } = model.found.first;
    app.set({ step: step + 1, ...(p === null || app.state.alone ? {} : { pattern: p + 1 }) });
  };
  const toWrong = h("button", { type: "button", id: "go-first_wrong", onclick: toFirstWrong }, say("first_wrong"));
  const buttons = h(
    "div",
    { class: "buttons" },
    button("first", () => 0),
    button("back", (s) => s - 1),
    button("next", (s) => s + 1),
    button("last", (s, n) => n),
    toWrong,
  );
  const scroller = h("div", { class: "scroll", role: "group", "aria-label": say("stage") }, picture);
  const stage = h(
    "section",
    { class: "panel stage", "aria-labelledby": "stage", onkeydown: pressed },
    h("h2", { id: "stage" }, say("stage")),
    buttons,
    position.element,
    said,
    scroller,
    h("p", { class: "help" }, say("legend")),
    h("p", { class: "help" }, say("stage_help")),
  );
  const element = h(
    "div",
    { class: "columns" },
    h("div", { class: "main" }, stage, work, wrong),
    h("div", { class: "side" }, fields.element),
    h("div", { class: "rest" }, all.element),
  );

  function update(state) {
    model = modelOf(state, app.data);
    const { steps, first } = model.found;
    position.box.max = steps.length;
    const at = Math.min(state.step, steps.length);
    fields.update(state);
    position.update(state);
    toWrong.hidden = first === null;
    const step = at ? steps[at - 1] : null;
    said.textContent = step ? say("step_of", at, steps.length, titleOf(app, step)) : say("nothing");
    picture.replaceChildren(drawn(app, model, at));
    all.update(steps);
    const column = step ? (step.kind === "input" ? 0 : step.l + 0.5) : 0; // what is at work is in sight on a phone too
    scroller.scrollLeft = (column / (model.network.sizes.length - 1.5)) * (scroller.scrollWidth - scroller.clientWidth);
    work.replaceChildren(...(step ? atWork(app, model, step) : []));
    work.hidden = !step;
    wrong.replaceChildren(...(model.mistake ? consequences(app, model) : []));
    wrong.hidden = !model.mistake;
  }
  return { element, update };
}

// --- The drawing ---

function drawn(app, model, at) {
  const { network, net, found, shownAt } = model;
  const known = found.steps.slice(0, at);
  const step = at ? found.steps[at - 1] : null;
  const cellOf = (kind, l, k) =>
    known
      .filter((one) => one.kind === kind && one.l === l)
      .flatMap((one) => one.cells)
      .find((cell) => cell.p === shownAt && cell.k === k && (cell.j === undefined || cell.j === k));
  const weightCell = (l, j, k) =>
    known
      .filter((one) => one.kind === "gradient" && one.l === l)
      .flatMap((one) => one.cells)
      .find((cell) => cell.j === j && cell.k === k);
  const written = (cell, letter, kind) =>
    cell ? [[`${letter} ${shown(cell.hand)}`, cell.wrong ? `${kind} wrong` : kind]] : [];
  const numbers = (column, k) => {
    if (column === 0)
      return [[shown(model.x[shownAt][k]), "forward"], ...written(cellOf("input", 0, k), "∂E/∂x", "backward")];
    const [z, a, delta] = ["z", "a", "delta"].map((kind) => cellOf(kind, column - 1, k));
    return [...written(z, "z", "forward"), ...written(a, "a", "forward"), ...written(delta, "δ", "backward")];
  };
  const busy = (column, k) =>
    step &&
    !["gradient", "decay", ...DEFINED].includes(step.kind) &&
    (step.kind === "input"
      ? column === 0
      : step.kind === "E"
        ? column === network.sizes.length - 1
        : column === step.l + 1) &&
    k < network.sizes[column];
  const wrongNode = (column, k) =>
    column > 0 && ["slope", "delta"].some((kind) => (cellOf(kind, column - 1, k) || {}).wrong);
  const edgeMarks = (l, j) => {
    const bias = j >= network.sizes[l];
    const active =
      step &&
      ((["z", "gradient", "decay", ...DEFINED].includes(step.kind) && step.l === l) ||
        (step.kind === "delta" && step.l === l - 1 && !bias) ||
        (step.kind === "input" && l === 0 && !bias));
    return active ? "busy" : "";
  };
  const slopes = step && step.kind === "gradient";
  return drawNetwork({
    ...network,
    weights: net.weights,
    numbers,
    bias: app.say("bias_node"),
    marks: (column, k) => `${busy(column, k) ? "busy" : ""} ${wrongNode(column, k) ? "wrong" : ""}`,
    edgeMarks: (l, j, k) => `${edgeMarks(l, j)} ${(weightCell(l, j, k) || {}).wrong ? "wrong" : ""}`,
    title: (column, k) =>
      column === network.sizes.length - 1
        ? `${column}.${k + 1}, t = ${shown(model.t[shownAt][k])}`
        : column
          ? `${column}.${k + 1}`
          : `x${k + 1}`,
    label: (l, j, k) => (slopes && step.l === l ? `∂ ${shown(weightCell(l, j, k).hand)}` : shown(net.weights[l][j][k])),
    alt: app.say("network_alt", network.sizes.join("-"), weightsInWords(net.weights, app.say)),
  });
}

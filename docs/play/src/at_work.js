// The equation at work in a step: typeset, with the numbers put in, by hand and by dual numbers; and the list of all equations.

import { h, typeset } from "./dom.js";
import { mistakeName } from "./mistakes_zh.js";
import { difference, exact, shown } from "./numbers.js";
import { DEFINED } from "./steps.js";
import { nameOf, putIn } from "./terms.js";

export const titleOf = (app, step) => app.say(`at_${step.kind}`, step.l + 1);

export function atWork(app, model, step) {
  const { say } = app;
  const mistaken = model.applies && step.equations.includes(model.mistake.equation);
  const cells = step.cells.filter((cell) => cell.p === null || cell.p === model.shownAt);
  const wrong = step.cells.filter((cell) => cell.wrong).length;
  const bias = step.kind === "gradient" ? model.found.pass.layers[step.l].below[0].length : -1;
  const here = step.kind !== "slope" || model.net.names[step.l] === (model.mistake || {}).of;
  const isMistaken = (cell) => mistaken && here && (model.mistake.equation !== 11 || cell.j === bias);
  const defined = DEFINED.includes(step.kind);
  const columns = ["number", "put_in", "by_hand", defined ? "by_right" : "by_dual", "apart"];
  const labels = columns.map((key) => say(key));
  const rows = cells.map((cell) =>
    h(
      "tr",
      { class: cell.wrong ? (isFirst(model, step, cell) ? "wrong first" : "wrong") : "" },
      h("th", { scope: "row" }, nameOf(model.found, step, cell, say("bias_node"))),
      h(
        "td",
        { class: "terms", "data-label": labels[1] },
        isMistaken(cell)
          ? say("as_mistaken", mistakeName(app, model.mistake))
          : putIn(model.found, step, cell, model.net, model.t, model.how),
      ),
      h(
        "td",
        { "data-label": labels[2], title: exact(cell.hand) },
        shown(cell.hand),
        cell.wrong ? h("strong", {}, ` ✗ ${say("wrong")}`) : null,
      ),
      h("td", { "data-label": labels[3], title: exact(cell.right) }, shown(cell.right)),
      h("td", { "data-label": labels[4] }, difference(cell.hand, cell.right)),
    ),
  );
  return [
    h("h2", { id: "at-work" }, `${say("at_work")}: ${titleOf(app, step)}`),
    ...step.equations.flatMap((number) => [typesetEquation(app, number), h("p", {}, say(`why_${number}`))]),
    h(
      "div",
      { class: "scroll", role: "group", "aria-label": say("at_work") },
      h(
        "table",
        { class: "numbers cells" },
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            labels.map((label) => h("th", { scope: "col" }, label)),
          ),
        ),
        h("tbody", {}, rows),
      ),
    ),
    h(
      "p",
      { class: wrong ? "verdict bad" : "verdict" },
      wrong ? say("step_wrong", wrong, step.cells.length) : defined ? null : say("all_right", apart(step.cells)),
    ),
    defined ? null : h("p", { class: "help" }, say("dual_help")),
    model.found.steps.indexOf(step) === model.found.steps.length - 1 ? updates(app) : null,
    ...step.equations.map((number) => trusted(app, number)),
  ].filter(Boolean);
}

const apart = (cells) => difference(0, Math.max(...cells.map(({ hand, right }) => Math.abs(hand - right))));

function isFirst({ found }, step, cell) {
  const { first } = found;
  return first !== null && found.steps[first.step] === step && step.cells[first.cell] === cell;
}

function updates(app) {
  const begin = (count) => {
    app.set({ updates: Math.min(1000, count), step: 0 });
    document.getElementById("go-next").focus(); // the button that was pressed is gone
  };
  return h(
    "p",
    { class: "buttons" },
    h("button", { type: "button", id: "take", onclick: () => begin(app.state.updates + 1) }, app.say("take_step")),
    app.state.updates
      ? h("button", { type: "button", id: "undo", onclick: () => begin(0) }, app.say("undo_steps"))
      : null,
  );
}

function typesetEquation(app, number) {
  const { math } = app.data.equations[number - 1];
  return h("div", { class: "equation" }, math[app.state.lang].map(typeset), h("span", { class: "tag" }, `(${number})`));
}

// What was measured of an equation, the line of manual/ that is it, and all of its functions
function trusted(app, number) {
  const { say, data } = app;
  const equation = data.equations[number - 1];
  const measured = equation.proved === "SymPy" ? "measured" : "measured_definition";
  const whole = (one) => [
    h("p", { class: "help" }, say("source", one.line, one.file)),
    h("pre", {}, h("code", {}, one.code)),
  ];
  return h(
    "div",
    { class: "trusted" },
    h("pre", {}, h("code", {}, equation.key)),
    h(
      "p",
      { class: "help" },
      `(${number}) `,
      say(measured, equation.worst, equation.allowed, say(equation.witness), equation.proved),
    ),
    h(
      "details",
      {},
      h("summary", {}, say("show_code", equation.functions.map((one) => one.name).join(", "))),
      equation.functions.map(whole),
    ),
  );
}

// All equations; ``go(number)`` leads to the first step that one of them is at work in. {element, update(steps)}
export function equationList(app, go) {
  const { say, data } = app;
  const buttons = new Map(
    data.equations.map(({ number }) => [
      number,
      h("button", { type: "button", id: `see-${number}`, onclick: () => go(number) }, say("show_at_work", number)),
    ]),
  );
  const item = ({ number }) =>
    h(
      "li",
      {},
      typesetEquation(app, number),
      h("p", {}, say(`why_${number}`)),
      trusted(app, number),
      h("p", { class: "buttons" }, buttons.get(number)),
    );
  const element = h(
    "section",
    { class: "panel equations", "aria-labelledby": "all" },
    h("h2", { id: "all" }, say("all_equations")),
    h("ol", {}, data.equations.map(item)),
  );
  const update = (steps) =>
    buttons.forEach((button, number) => {
      button.parentElement.hidden = !steps.some((step) => step.equations.includes(number));
    });
  return { element, update };
}

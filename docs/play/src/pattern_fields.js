// Inputs and targets as tables that can be typed over: they are then the user's own.

import { grid } from "./controls.js";
import { h } from "./dom.js";
import { patternsOf } from "./network.js";

const MOST = 4; // patterns of one's own
const OUTPUTS = [1, 2, 3];

export const withCell = (rows, j, k, value) =>
  rows.map((row, i) => (i === j ? row.map((one, m) => (m === k ? value : one)) : row));

// {element, update(state)}
export function patternFields(app) {
  const { say } = app;
  const all = () => patternsOf(app.state, app.data.iris, true);
  const own = (changes) => ({ task: "own", ...all(), ...changes });
  const rowName = (j) => String(j + 1);
  const inputs = grid(app, "x", {
    caption: say("x"),
    columns: () => ["x1", "x2"],
    rowName,
    read: () => all().x,
    change: (j, k, value) => own({ x: withCell(all().x, j, k, value) }),
  });
  const targets = grid(app, "t", {
    caption: say("t"),
    columns: () => all().t[0].map((_, k) => `t${k + 1}`),
    rowName,
    read: () => all().t,
    change: (j, k, value) => own({ t: withCell(all().t, j, k, value) }),
  });
  const resized = (row) => OUTPUTS.slice(0, Number(outputs.value)).map((n) => row[n - 1] ?? 0);
  const outputs = h(
    "select",
    { id: "outputs", onchange: () => app.set(own({ t: all().t.map(resized) })) },
    OUTPUTS.map((n) => h("option", { value: n }, String(n))),
  );
  const longer = () => app.set(own({ x: [...all().x, [0, 0]], t: [...all().t, all().t[0].map(() => 0)] }));
  const shorter = () => app.set(own({ x: all().x.slice(0, -1), t: all().t.slice(0, -1) }));
  const add = h("button", { type: "button", id: "add-pattern", onclick: longer }, say("add_pattern"));
  const drop = h("button", { type: "button", id: "drop-pattern", onclick: shorter }, say("drop_pattern"));
  const element = h(
    "div",
    {},
    inputs.element,
    targets.element,
    h("p", { class: "buttons" }, add, drop),
    h("p", { class: "field" }, h("label", { for: "outputs" }, say("outputs")), outputs),
  );

  function update(state) {
    inputs.update(state);
    targets.update(state);
    const { x, t } = all();
    outputs.value = t[0].length;
    add.disabled = x.length >= MOST;
    drop.disabled = x.length <= 1;
  }
  return { element, update };
}

// What a mistake does: its first wrong number, where the gradient goes, and the training with it.

import { curves } from "./charts.js";
import { h } from "./dom.js";
import { mistakeName, mistakeWhy } from "./mistakes_zh.js";
import { ASTRAY, astray, showing } from "./model.js";
import { shown } from "./numbers.js";
import { nameOf } from "./terms.js";

export function consequences(app, model) {
  const { say } = app;
  const { mistake, found } = model;
  const heading = [
    h("h2", { id: "wrong" }, `${say("mistake_heading")}: ${mistakeName(app, mistake)}`),
    h("p", {}, say("mistake_why", mistakeWhy(app, mistake)), " ", say("mistake_equation", mistake.equation)),
  ];
  const show = () => {
    app.set({ ...showing(mistake), step: 0 });
    document.getElementById("show-mistake").focus();
  };
  const made = h("button", { type: "button", id: "show-mistake", onclick: show }, say("mistake_show"));
  const offer = h("p", { class: "buttons" }, made);
  if (!found.first) return [...heading, h("p", { class: "verdict" }, say("mistake_hidden")), offer];
  const { first } = found;
  const step = found.steps[first.step];
  const sentence = say("mistake_first", "\u0001", `(${first.equation})`, shown(first.hand), shown(first.right)).split(
    "\u0001",
  );
  const symbol = nameOf(found, step, step.cells[first.cell], say("bias_node"));
  const ofPattern = first.p === null || model.x.length === 1 ? "" : say("of_pattern", first.p + 1);
  const { rightly, mistaken, ratio, degrees } = astray(model);
  const moved = found.steps.some((one) => one.kind === "gradient" && one.cells.some((cell) => cell.wrong));
  const last = (list) => shown(list[list.length - 1]);
  return [
    ...heading,
    h("p", { class: "verdict bad" }, sentence[0], symbol, ofPattern, sentence[1]),
    moved && Number.isFinite(degrees) ? h("p", {}, say("angle", degrees.toFixed(1), ratio.toFixed(3))) : null,
    h("h3", {}, say("astray")),
    curves({
      lines: [
        { values: rightly, name: say("rightly"), kind: "right" },
        { values: mistaken, name: say("mistaken"), kind: "bad" },
      ],
      across: ASTRAY,
      alt: say("astray_alt", ASTRAY, shown(rightly[0]), last(rightly), last(mistaken)),
    }),
    offer,
  ].filter(Boolean);
}

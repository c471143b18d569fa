// What sets a field of the state. A control is made once per language, and follows the state from then on.

import { WITHOUT_MOMENTUM } from "./arithmetic.js";
import { h } from "./dom.js";
import { CELL, FIELDS } from "./state.js";

// ``app``: state, set(changes), say(key, ...values). Each control: {element, update(state)}.
export function select(app, name, labelOf = (option) => app.say(option === "" ? "none" : option)) {
  const options = FIELDS[name].options.map((option) => h("option", { value: option }, labelOf(option)));
  const box = h("select", { id: name, onchange: () => app.set({ [name]: box.value }) }, options);
  return control(app, name, box, (state) => {
    box.value = state[name];
  });
}

export function checkbox(app, name) {
  const box = h("input", { id: name, type: "checkbox", onchange: () => app.set({ [name]: box.checked }) });
  const element = h("p", { class: "field tick" }, box, h("label", { for: name }, app.say(name)));
  return {
    element,
    update: (state) => {
      box.checked = state[name];
    },
  };
}

// A number, or numbers separated by commas. What is none is said below the field, and changes nothing.
export function entry(app, name, help = "") {
  const note = h("span", { class: "note", id: `${name}-note`, role: "alert" });
  const change = () => {
    const value = FIELDS[name].read(box.value.trim().replaceAll("−", "-").replaceAll("，", ","));
    note.textContent = value === undefined ? app.say("expected", FIELDS[name].expected, box.value) : "";
    if (value === undefined) box.setAttribute("aria-invalid", "true");
    else {
      box.removeAttribute("aria-invalid");
      app.set({ [name]: value });
    }
  };
  const box = h("input", {
    id: name,
    type: "text",
    autocomplete: "off",
    spellcheck: "false",
    "aria-describedby": `${name}-note ${name}-help`,
    onchange: change,
  });
  const helped = h("span", { class: "help", id: `${name}-help` }, help);
  return control(
    app,
    name,
    box,
    (state) => {
      const text = FIELDS[name].write(state[name]);
      if (document.activeElement !== box || !box.hasAttribute("aria-invalid")) box.value = text;
    },
    note,
    help ? helped : null,
  );
}

// The rates that a rule has: (21) and (22) are without momentum.
export function rateEntries(app) {
  return ["learning_rate", "momentum", "weight_decay"].map((name) => {
    const field = entry(app, name);
    const update = (state) => {
      field.update(state);
      field.box.disabled = name === "momentum" && WITHOUT_MOMENTUM.includes(state.rule);
    };
    return { ...field, update };
  });
}

export function slider(app, name, said) {
  const { low, high } = FIELDS[name];
  const out = h("output", { for: name });
  const box = h("input", {
    id: name,
    type: "range",
    min: low,
    max: high,
    oninput: () => app.set({ [name]: Number(box.value) }),
  });
  return control(
    app,
    name,
    box,
    (state) => {
      box.value = state[name];
      out.textContent = said(state);
    },
    out,
  );
}

function control(app, name, box, update, ...after) {
  return { element: h("p", { class: "field" }, h("label", { for: name }, app.say(name)), box, ...after), update, box };
}

// A table of numbers that can be typed over: rows of inputs, made again where its shape changes.
export function grid(app, id, { caption, columns, rowName, read, change }) {
  const body = h("tbody");
  const head = h("tr");
  const numbers = h("table", { class: "grid" }, h("caption", {}, caption), h("thead", {}, head), body);
  const element = h("div", { class: "scroll" }, numbers);
  let shape = "";
  const boxes = () => [...body.querySelectorAll("input")];

  function made(rows, state) {
    head.replaceChildren(h("td"), ...columns(state).map((name) => h("th", { scope: "col" }, name)));
    body.replaceChildren(
      ...rows.map((row, j) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, rowName(j, state)),
          row.map((_, k) => h("td", {}, cell(j, k, state))),
        ),
      ),
    );
  }

  function cell(j, k, state) {
    const name = `${caption}: ${rowName(j, state)}, ${columns(state)[k]}`;
    const box = h("input", {
      id: `${id}-${j}-${k}`,
      type: "text",
      inputmode: "decimal",
      autocomplete: "off",
      "aria-label": name,
    });
    box.addEventListener("change", () => {
      const value = CELL.read(box.value.trim().replaceAll("−", "-"));
      if (value === undefined) {
        box.setAttribute("aria-invalid", "true");
        app.refuse(app.say("expected", CELL.expected, box.value));
        return;
      }
      box.removeAttribute("aria-invalid");
      app.set(change(j, k, value));
    });
    return box;
  }

  function update(state) {
    const rows = read(state);
    const now = JSON.stringify([rows.map((row) => row.length), columns(state)]);
    if (now !== shape) made(rows, state);
    shape = now;
    const values = rows.flat();
    boxes().forEach((box, i) => {
      if (document.activeElement !== box || !box.hasAttribute("aria-invalid"))
        box.value = String(Number(values[i].toPrecision(5)));
    });
  }
  return { element, update };
}

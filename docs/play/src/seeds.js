// A hundred seeds side by side: who learns?

import { spark } from "./charts.js";
import { h } from "./dom.js";
import { shown } from "./numbers.js";
import { inSlices, learns, setupOf, training, wilson } from "./runs.js";
import { TOLERANCE } from "./train.js";

const SEEDS = 100;
const ACROSS = 10;

export function seedsPanel(app) {
  const { say } = app;
  const button = h("button", { type: "button", id: "many", onclick: () => app.set({ many: !app.state.many }) });
  const said = h("p", { class: "verdict", role: "status" });
  const fields = h("div", { class: "seeds", role: "group", "aria-label": say("who_learns"), onkeydown: moved });
  const criterion = h("p", { class: "help" });
  const element = h(
    "section",
    { class: "panel", "aria-labelledby": "who" },
    h("h2", { id: "who" }, say("who_learns")),
    h("p", { class: "buttons" }, button),
    said,
    fields,
    criterion,
    h("p", { class: "help" }, say("who_help")),
  );
  let running = "";
  let boxes = [];

  function moved(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: ACROSS, ArrowUp: -ACROSS }[event.key];
    const at = boxes.indexOf(document.activeElement);
    if (by === undefined || at < 0) return;
    event.preventDefault();
    const to = Math.max(0, Math.min(SEEDS - 1, at + by));
    boxes.forEach((box, i) => {
      box.tabIndex = i === to ? 0 : -1;
    });
    boxes[to].focus();
  }

  // ``key``: all that a training depends on, but for the seed itself.
  function update(state, key) {
    const given = state.initial === "given";
    const mine = state.many && !given ? key.replace(/"seed":\d+/, "") : "";
    button.textContent = say(state.many ? "who_stop" : "who_run");
    button.disabled = given;
    criterion.textContent = state.task === "iris" ? say("who_criterion_iris") : say("who_criterion", shown(TOLERANCE));
    boxes.forEach((box, seed) => box.setAttribute("aria-pressed", String(seed === state.seed)));
    if (mine === running) return;
    running = mine;
    if (mine) begin(state, mine);
    else {
      boxes = [];
      fields.replaceChildren();
      said.textContent = given ? say("who_given") : "";
    }
  }

  function begin(state, mine) {
    const setup = setupOf(state, app.data);
    const jobs = Array.from({ length: SEEDS }, (_, seed) => training(state, setup, seed));
    boxes = jobs.map((_, seed) =>
      h(
        "button",
        {
          type: "button",
          class: "seed",
          tabindex: seed ? -1 : 0,
          id: `seed-${seed}`,
          "aria-label": say("seed") + ` ${seed}`,
          "aria-pressed": String(seed === state.seed),
          onclick: () => app.set({ seed }),
        },
        String(seed),
      ),
    );
    fields.replaceChildren(...boxes);
    let [trained, learnt] = [0, 0];
    const after = (job, done) => {
      if (!done) return;
      const { seed, errors, weights } = job.found;
      const yes = learns(weights[weights.length - 1], setup, state.task);
      trained += 1;
      learnt += yes ? 1 : 0;
      const box = boxes[seed];
      box.classList.add(yes ? "learns" : "fails");
      box.replaceChildren(h("span", {}, `${seed}${yes ? " ✓" : ""}`), spark(errors, yes ? "right" : "bad"));
      box.setAttribute("aria-label", say(yes ? "seed_learns" : "seed_fails", seed, shown(errors[errors.length - 1])));
      said.textContent = trained < SEEDS ? say("who_progress", trained) : result(learnt);
      jobs[seed].found.weights.length = 0; // a hundred runs need not keep them
    };
    said.textContent = say("who_progress", 0);
    inSlices(jobs, after, () => running !== mine || !element.isConnected);
  }

  function result(learnt) {
    const per = (share) => (100 * share).toFixed(0);
    const [low, high] = wilson(learnt, SEEDS);
    return say("who_result", learnt, SEEDS, per(learnt / SEEDS), per(low), per(high));
  }
  return { element, update };
}

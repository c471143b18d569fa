// The page: reads the state from the address, shows it, and writes it back at every change.

import { derivationView } from "./derivation.js";
import { h, reachable } from "./dom.js";
import { settled } from "./network.js";
import { playgroundView } from "./playground.js";
import { FIELDS, read, written } from "./state.js";
import { say } from "./text.js";

const VIEWS = { derivation: derivationView, playground: playgroundView };

function startPage() {
  const app = {
    data: JSON.parse(document.getElementById("data").textContent),
    state: null,
    say: null,
    set: null,
    refuse: null,
  };
  const root = document.getElementById("page");
  let view = null;
  let made = "";
  const messages = h("div", { class: "messages", role: "alert" });

  app.say = (key, ...values) => say(app.state.lang, key, ...values);
  app.refuse = (message) => messages.replaceChildren(h("p", {}, message));
  app.set = (changes) => {
    const { state, notices } = settled({ ...app.state, ...changes }, app.data.iris);
    app.state = state;
    messages.replaceChildren(...notices.map((word) => h("p", {}, app.say(word))));
    keep();
    render();
  };

  // Browsers refuse an address that changes a hundred times in a few seconds, as under a slider: then it follows a little later.
  let times = [];
  let later = 0;
  function keep() {
    clearTimeout(later);
    times = times.filter((time) => performance.now() - time < 10000);
    if (times.length >= 40) later = setTimeout(keep, 400);
    else {
      times.push(performance.now());
      history.replaceState(null, "", `#${written(app.state)}`);
    }
  }

  function fromAddress() {
    if (location.hash === `#${app.state ? written(app.state) : ""}`) return;
    const { state, refused } = read(location.hash);
    if (!/(^#|&)lang=/.test(location.hash))
      state.lang = app.state ? app.state.lang : navigator.language.startsWith("zh") ? "zh" : "en";
    const { state: fitting, notices } = settled(state, app.data.iris);
    app.state = fitting;
    const said = refused.map(({ name, got, expected, known }) =>
      app.say(known === false ? "unknown" : "refused", name, got, expected),
    );
    messages.replaceChildren(...[...said, ...notices.map((word) => app.say(word))].map((text) => h("p", {}, text)));
    history.replaceState(null, "", `#${written(fitting)}`);
    render();
  }

  function render() {
    const { state } = app;
    const wanted = `${state.view} ${state.lang}`;
    if (made !== wanted) {
      const focused = document.activeElement && document.activeElement.id;
      view = VIEWS[state.view](app);
      document.documentElement.lang = state.lang === "zh" ? "zh-Hans" : "en";
      document.title = app.say("title");
      root.replaceChildren(...frame(app, messages, view.element));
      made = wanted;
      if (focused && document.getElementById(focused)) document.getElementById(focused).focus();
    }
    view.update(state);
    reachable(root);
  }

  addEventListener("hashchange", fromAddress);
  addEventListener("resize", () => reachable(root));
  fromAddress();
  performance.mark("first number");
}

function frame(app, messages, content) {
  const { say, state } = app;
  const views = FIELDS.view.options.map((name) =>
    h(
      "button",
      {
        type: "button",
        id: `view-${name}`,
        "aria-current": name === state.view ? "page" : null,
        onclick: () => app.set({ view: name }),
      },
      say(`view_${name}`),
    ),
  );
  const languages = [
    ["en", "English"],
    ["zh", "中文"],
  ].map(([lang, name]) =>
    h(
      "button",
      {
        type: "button",
        id: `lang-${lang}`,
        lang: lang === "zh" ? "zh-Hans" : "en",
        "aria-pressed": String(lang === state.lang),
        onclick: () => app.set({ lang }),
      },
      name,
    ),
  );
  return [
    h(
      "a",
      {
        class: "skip",
        href: "#content",
        onclick: (event) => {
          event.preventDefault();
          document.getElementById("content").focus();
        },
      },
      say("skip"),
    ),
    h(
      "header",
      {},
      h("h1", {}, say("title")),
      h("p", { class: "lead" }, say("lead")),
      h("nav", { "aria-label": say("views") }, views),
      h("div", { class: "languages", role: "group", "aria-label": say("language") }, languages),
    ),
    h("main", { id: "content", tabindex: "-1" }, messages, content),
    h("footer", {}, h("p", {}, say("shared"))),
  ];
}

startPage();

// One tooltip for the page: what a word means, by pointer and by keyboard, and what a chart has under the pointer. All of it is text.
const tip = document.createElement("div");
tip.id = "tip";
tip.hidden = true;
tip.setAttribute("aria-hidden", "true"); // words are described by the glossary, charts by their labels and their data
document.body.append(tip);
let told = null; // the word whose meaning the tooltip has: a pointer that leaves another word hides nothing

function placed(x, y, above) {
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const room = document.documentElement.clientWidth;
  tip.style.left = `${Math.max(4, Math.min(x, room - width - 4))}px`;
  const under = y + 14 + height <= innerHeight;
  tip.style.top = `${Math.max(4, under ? y + 14 : above - height - 8)}px`;
}

function hideTip() {
  tip.hidden = true;
}

function showTerm(element) {
  const meaning = document.getElementById(`term-${element.dataset.term.replaceAll(" ", "-")}`);
  if (!meaning) return;
  tip.textContent = meaning.textContent;
  const box = element.getBoundingClientRect();
  placed(box.left, box.bottom - 8, box.top);
  told = element;
}

// A row per name; an arm has a row for each field that varies.
function showRows(event, value, arms) {
  tip.replaceChildren();
  const table = tip.appendChild(document.createElement("table"));
  for (const [name, said] of Object.entries(value)) {
    const named = ["arm", "minus"].includes(name) && Object.hasOwn(arms, said) ? arms[said] : null;
    const minus = name === "minus" ? "minus " : "";
    for (const [key, words] of named ? Object.entries(named) : [[name, said]]) {
      const row = table.insertRow();
      row.insertCell().textContent = named ? minus + key : key;
      row.insertCell().textContent = String(words);
    }
  }
  placed(event.clientX + 12, event.clientY, event.clientY);
}

for (const element of document.querySelectorAll("[data-term]")) {
  const over = () => showTerm(element);
  element.addEventListener("pointerenter", over);
  element.addEventListener("pointerleave", () => told === element && document.activeElement !== element && hideTip());
  element.addEventListener("focusin", over);
  element.addEventListener("focusout", hideTip);
  if (element.matches("button")) element.addEventListener("click", over); // a finger, which has no hover
}
addEventListener("keydown", (event) => event.key === "Escape" && hideTip());
// The focus itself may scroll the page: the word that has it keeps its meaning beside it.
addEventListener("scroll", () => (document.activeElement.matches("[data-term]") && !tip.hidden ? showTerm(document.activeElement) : hideTip()), true);

// Elements, without a framework.

const SVG = "http://www.w3.org/2000/svg";

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") element[name] = value;
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

export const h = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);

export const svg = (tag, attributes = {}, ...children) =>
  filled(document.createElementNS(SVG, tag), attributes, children);

// A letter with what stands above and below it
export const symbol = (letter, upper = "", lower = "") => [
  h("i", {}, letter),
  upper === "" ? null : h("sup", {}, String(upper)),
  lower === "" ? null : h("sub", {}, String(lower)),
];

// MathML that the build wrote into the page; nothing else comes this way
export function typeset(mathml) {
  const box = h("span", { class: "math" });
  box.innerHTML = mathml;
  return box;
}

// What scrolls sideways is reached by the Tab key; what does not is no stop for it.
export function reachable(root) {
  for (const box of root.querySelectorAll(".scroll, .math, pre")) {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}

// Charts: error curves on a logarithmic scale, and a plane coloured by a function of both inputs.

import { h, svg } from "./dom.js";
import { shown } from "./numbers.js";

const [WIDTH, HEIGHT, LEFT, BOTTOM] = [560, 230, 58, 26];

// ``lines``: {values, name, kind}; ``across``: the number at the right end; ``mark``: a share of the width that is marked, or null.
export function curves({ lines, across, alt, mark = null }) {
  const usable = lines.flatMap((line) => line.values).filter((value) => Number.isFinite(value) && value > 0);
  const high = Math.ceil(Math.log10(Math.max(...usable, 1e-12)) * 2) / 2;
  const low = Math.min(high - 0.5, Math.max(high - 12, Math.floor(Math.log10(Math.min(...usable, 1e300)) * 2) / 2));
  const y = (value) => 10 + ((high - Math.log10(value)) / (high - low)) * (HEIGHT - BOTTOM - 14);
  const x = (share) => LEFT + share * (WIDTH - LEFT - 12);
  const path = (values) => {
    let pen = "M";
    return values
      .map((value, i) => {
        if (!(value > 0) || !Number.isFinite(value)) return "";
        const point = `${pen}${x(i / Math.max(1, values.length - 1)).toFixed(1)} ${y(Math.max(value, 10 ** low)).toFixed(1)}`;
        pen = "L";
        return point;
      })
      .join("");
  };
  const tick = (value) => [
    svg("line", { class: "rule", x1: LEFT, x2: WIDTH - 12, y1: y(value), y2: y(value) }),
    svg("text", { class: "tick end", x: LEFT - 6, y: y(value) + 4 }, tickOf(value)),
  ];
  const chart = svg(
    "svg",
    { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": alt },
    ticksBetween(low, high).map(tick),
    svg("text", { class: "tick", x: LEFT, y: HEIGHT - 6 }, "0"),
    svg("text", { class: "tick end", x: WIDTH - 12, y: HEIGHT - 6 }, String(across)),
    mark === null ? null : svg("line", { class: "mark", x1: x(mark), x2: x(mark), y1: 6, y2: HEIGHT - BOTTOM }),
    lines.map((line) => svg("path", { class: `line ${line.kind}`, d: path(line.values) })),
  );
  const legend =
    lines.length > 1
      ? h(
          "p",
          { class: "legend" },
          lines.map((line) => h("span", { class: line.kind }, line.name)),
        )
      : null;
  return h("figure", {}, chart, legend);
}

const tickOf = (value) => (value < 0.001 || value > 1000 ? value.toExponential(0).replace("-", "−") : shown(value));

// Powers of ten, of which every so many so that few are left; or 1, 2, 5 of each where there are less than two
function ticksBetween(low, high) {
  const powers = [];
  for (let power = Math.floor(low); power <= high; power++) powers.push(power);
  const each = high - low < 2 ? [1, 2, 5] : [1];
  const step = Math.ceil((high - low) / 6);
  return powers
    .filter((power) => power % step === 0)
    .flatMap((power) => each.map((one) => one * 10 ** power))
    .filter((value) => Math.log10(value) >= low - 1e-9 && Math.log10(value) <= high + 1e-9);
}

// A curve without axes, on its own scale of so many powers of ten
export function spark(values, kind) {
  const points = values.map((value, i) => {
    const log = Math.log10(Math.min(10, Math.max(1e-4, Number.isFinite(value) ? value : 10)));
    return `${i ? "L" : "M"}${((i / Math.max(1, values.length - 1)) * 40).toFixed(1)} ${(2 + ((1 - log) / 5) * 20).toFixed(1)}`;
  });
  return svg(
    "svg",
    { class: "spark", viewBox: "0 0 40 24", "aria-hidden": "true" },
    svg("path", { class: `line ${kind}`, d: points.join("") }),
  );
}

const CLASSES = [
  [0, 92, 158],
  [203, 96, 21],
  [18, 128, 92],
]; // blue, orange, green: apart for every kind of colour vision

// From orange over white to blue
export function diverging(share) {
  const s = Math.max(0, Math.min(1, Number.isFinite(share) ? share : 0.5));
  const end = s < 0.5 ? [214, 107, 20] : [10, 98, 172];
  const strength = Math.abs(s - 0.5) * 2;
  return end.map((one) => Math.round(250 + (one - 250) * strength));
}

export function ofClass(outputs) {
  const kind = outputs.indexOf(Math.max(...outputs));
  const sorted = [...outputs].sort((a, b) => b - a);
  const strength = 0.35 + 0.5 * Math.max(0, Math.min(1, sorted[0] - (sorted[1] ?? 0)));
  return CLASSES[Math.max(0, kind) % 3].map((one) => Math.round(250 + (one - 250) * strength));
}

// ``colour(x1, x2)``: [r, g, b]. ``dots``: {x, colour, border}. ``span``: [low, high] of both inputs.
export function plane({ size, cells, span, colour, dots = [], alt, kind = "" }) {
  const canvas = h("canvas", { class: `plane ${kind}`, width: size, height: size, role: "img", "aria-label": alt });
  const context = canvas.getContext("2d");
  const [low, high] = span;
  const side = size / cells;
  for (let row = 0; row < cells; row++) {
    for (let column = 0; column < cells; column++) {
      const at = (i) => low + ((i + 0.5) / cells) * (high - low);
      context.fillStyle = `rgb(${colour(at(column), at(cells - 1 - row)).join(" ")})`;
      context.fillRect(Math.floor(column * side), Math.floor(row * side), Math.ceil(side), Math.ceil(side));
    }
  }
  const scaled = (value) => ((value - low) / (high - low)) * size;
  for (const dot of dots) {
    context.beginPath();
    context.arc(scaled(dot.x[0]), size - scaled(dot.x[1]), dot.radius, 0, 2 * Math.PI);
    context.fillStyle = `rgb(${dot.colour.join(" ")})`;
    context.fill();
    context.lineWidth = dot.radius > 5 ? 3 : 1.2;
    context.strokeStyle = "#1b1b1b";
    context.stroke();
  }
  return canvas;
}

export const classColour = (kind) => CLASSES[kind % 3];

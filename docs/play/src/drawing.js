// The network as nodes and edges, with the numbers that are known so far.

import { svg } from "./dom.js";
import { shown } from "./numbers.js";

const [WIDE, HIGH, ACROSS, DOWN, TOP] = [108, 66, 244, 92, 34];
const LABELS = 13; // edges between two layers that still have room for their numbers

const rows = (sizes, biases) => Math.max(...sizes.map((n, c) => n + (biases[c] ? 1 : 0)));

// Where a node stands; the bias node is the last of its column.
function place(sizes, biases, column, row) {
  const here = sizes[column] + (biases[column] ? 1 : 0);
  return { x: 64 + column * ACROSS, y: TOP + HIGH / 2 + (row + (rows(sizes, biases) - here) / 2) * DOWN };
}

const line = (y, text, kind) => svg("text", { class: `number ${kind}`, x: 0, y }, text);

function node({ x, y }, title, numbers, marks) {
  const from = -((numbers.length - 1) * 17) / 2 + 5;
  return svg(
    "g",
    { class: `node ${marks}`, transform: `translate(${x} ${y})` },
    svg("rect", { x: -WIDE / 2, y: -HIGH / 2, width: WIDE, height: HIGH, rx: 9 }),
    numbers.map(([text, kind], i) => line(from + i * 17, text, kind)),
    svg("text", { class: "title", x: 0, y: -HIGH / 2 - 6 }, title),
  );
}

function edge(a, b, weight, marks, label) {
  const [x1, x2] = [a.x + WIDE / 2, b.x - WIDE / 2];
  const share = 0.31; // near the node below, where the edges of one node are still apart
  const [x, y] = [x1 + (x2 - x1) * share, a.y + (b.y - a.y) * share + 4];
  const width = Number.isFinite(weight) ? Math.min(6, 0.8 + 1.4 * Math.abs(weight)) : 6;
  return [
    svg("line", {
      class: `edge ${weight < 0 ? "minus" : "plus"} ${marks}`,
      x1,
      y1: a.y,
      x2,
      y2: b.y,
      "stroke-width": width.toFixed(2),
    }),
    label === "" ? null : svg("text", { class: `weight ${marks}`, x, y }, label),
  ];
}

// ``numbers(column, k)``: lines for a node, [text, class] each. ``marks(column, k)`` and ``edgeMarks(l, j, k)``: classes.
// ``label(l, j, k)``: what stands at an edge, ``title(column, k)`` above a node. ``alt``: the drawing in words.
export function drawNetwork({ sizes, biases, weights, numbers, marks, edgeMarks, label, title, alt, bias }) {
  const width = 128 + (sizes.length - 1) * ACROSS;
  const height = TOP + rows(sizes, biases) * DOWN;
  const edges = [];
  const labels = [];
  weights.forEach((W, l) => {
    const crowded = W.length * W[0].length > LABELS;
    W.forEach((row, j) =>
      row.forEach((w, k) => {
        const text = crowded ? "" : label(l, j, k);
        const [drawn, written] = edge(
          place(sizes, biases, l, j),
          place(sizes, biases, l + 1, k),
          w,
          edgeMarks(l, j, k),
          text,
        );
        edges.push(drawn);
        labels.push(written);
      }),
    );
  });
  const nodes = sizes.flatMap((n, column) => [
    ...Array.from({ length: n }, (_, k) => {
      return node(place(sizes, biases, column, k), title(column, k), numbers(column, k), marks(column, k));
    }),
    ...(biases[column] ? [node(place(sizes, biases, column, n), bias, [["1", "forward"]], "bias")] : []),
  ]);
  return svg(
    "svg",
    { class: "network", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": alt },
    edges,
    labels.filter(Boolean),
    nodes,
  );
}

export const weightsInWords = (weights, say) =>
  weights.map((W, l) => say("network_weights", l + 1, W.map((row) => row.map(shown).join(", ")).join("; "))).join(" ");

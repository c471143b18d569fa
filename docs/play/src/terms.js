// The numbers put into an equation: what a cell of a step was computed from, as a line of text; and the cell's own symbol.

import { derivative, withBiasNode } from "./arithmetic.js";
import { symbol } from "./dom.js";
import { bracketed, shown } from "./numbers.js";

const MOST = 12; // terms of a sum that are written out

function sumOf(terms) {
  return terms.length > MOST ? `${terms.slice(0, MOST).join(" + ")} + …` : terms.join(" + ");
}

const weighted = (a, w) => `${bracketed(a)}·${bracketed(w)}`;

// f(z) and f'(z) in the words of (1) to (4), (17) and (18)
function value(name, z, k) {
  if (name === "sigmoid") return `1 / (1 + e^${bracketed(-z[k])})`;
  if (name === "softmax") return `e^${bracketed(z[k])} / (${sumOf(z.map((one) => `e^${bracketed(one)}`))})`;
  if (name === "linear") return shown(z[k]);
  return `${name}(${shown(z[k])})`;
}

function slope(name, z, a, j, k) {
  if (name === "softmax") return `${bracketed(a[j])}·(${j === k ? 1 : 0} − ${bracketed(a[k])})`;
  if (name === "sigmoid") return `${bracketed(a[k])}·(1 − ${bracketed(a[k])})`;
  if (name === "tanh") return `1 − ${bracketed(a[k])}²`;
  if (name === "linear") return "1";
  return `${name}′: z = ${shown(z[k])}, a = ${shown(a[k])}`;
}

function error(top, t, objective) {
  const pairs = top.a.flatMap((row, p) => row.map((a, k) => [a, t[p][k]]));
  if (objective === "half-squared-error")
    return `½·(${sumOf(pairs.map(([a, one]) => `(${shown(a)} − ${bracketed(one)})²`))})`;
  const term = ([a, one]) =>
    top.f.elementwise
      ? `${shown(one)}·log ${shown(a)} + ${shown(1 - one)}·log ${shown(1 - a)}`
      : `${shown(one)}·log ${shown(a)}`;
  return `−(${sumOf(pairs.map(term))})`;
}

function outputDelta(top, t, p, k) {
  const wrongBy = (j) => `(${shown(top.a[p][j])} − ${bracketed(t[p][j])})`;
  const slopes = derivative(top)[p];
  if (top.f.elementwise) return `${wrongBy(k)}·${bracketed(slopes[k])}`;
  return sumOf(slopes.map((row, j) => `${wrongBy(j)}·${bracketed(row[k])}`));
}

// ``carried``: what the rule carries of this weight, one number or two
function stepped(how, w, g, carried) {
  const [rate, momentum] = [shown(how.learningRate), shown(how.momentum)];
  const [first, second] = carried.map(shown);
  const v = `${momentum}·${bracketed(carried[0])} + ${bracketed(g)}`;
  switch (how.rule) {
    case "previous-gradient":
      return `${shown(w)} − ${rate}·${bracketed(g)} − ${momentum}·${bracketed(carried[0])}`;
    case "heavy-ball":
      return `${shown(w)} − ${rate}·(${v})`;
    case "nesterov":
      return `${shown(w)} − ${rate}·(${momentum}·(${v}) + ${bracketed(g)})`;
    default:
      return how.rule === "rprop"
        ? `W = ${shown(w)}, g = ${shown(g)}, sign₋₁ = ${first}, Δ₋₁ = ${second}`
        : `W = ${shown(w)}, g = ${shown(g)}, g₋₁ = ${first}, d₋₁ = ${second}, η = ${rate}`;
  }
}

// Of what a rule carries for a layer the number, or both, of one weight
function carriedOf(carried, j, k) {
  const arrays = Array.isArray(carried[0][0]) ? carried : [carried];
  return arrays.map((one) => one[j][k]);
}

const backAlong = (deltas, weights) => deltas.map((one, m) => weighted(one, weights[m]));

// What a cell's number was computed from. ``found``: what stepsOf returned; ``gradients``: by layer, after decay.
export function putIn(found, step, cell, net, t, how) {
  const layer = found.pass.layers[step.l];
  const above = found.pass.layers[step.l + 1];
  const { p, j, k } = cell;
  const delta = found.deltas[step.l];
  const below = () => withBiasNode(layer);
  const bias = layer.below[0].length;
  switch (step.kind) {
    case "z":
      return sumOf(below()[p].map((a, i) => weighted(a, layer.W[i][k])));
    case "a":
      return value(net.names[step.l], layer.z[p], k);
    case "E":
      return error(layer, t, how.objective);
    case "slope":
      return slope(net.names[step.l], layer.z[p], layer.a[p], j, k);
    case "delta":
      if (!above)
        return step.equations[0] === 19
          ? `${shown(layer.a[p][k])} − ${bracketed(t[p][k])}`
          : outputDelta(layer, t, p, k);
      return `${bracketed(derivative(layer)[p][k])}·(${sumOf(backAlong(found.deltas[step.l + 1][p], above.W[k]))})`;
    case "gradient":
      return sumOf(delta.map((row, q) => (j === bias ? bracketed(row[k]) : weighted(layer.below[q][j], row[k]))));
    case "input":
      return sumOf(backAlong(delta[p], layer.W[k]));
    case "decay": {
      const g = found.gradients[step.l][j][k];
      return j < bias ? `${shown(g)} + ${shown(how.weightDecay)}·${bracketed(layer.W[j][k])}` : shown(g);
    }
    default:
      return stepped(how, layer.W[j][k], found.decayed[step.l][j][k], carriedOf(net.carried[step.l], j, k));
  }
}

// The symbol of a cell: its letter, above it the layer, below it the node or the pair of nodes. ``bias``: the bias node's word
export function nameOf(found, step, cell, bias) {
  const layer = step.l + 1;
  const isBias = step.kind !== "slope" && cell.j === found.pass.layers[step.l].below[0].length;
  const pair = cell.j === undefined ? "" : isBias ? `${bias},${cell.k + 1}` : `${cell.j + 1}${cell.k + 1}`;
  const node = String(cell.k + 1);
  const slopeBy = (...below) => ["∂E/∂", ...below];
  switch (step.kind) {
    case "z":
      return symbol("z", layer, node);
    case "a":
      return symbol("a", layer, node);
    case "E":
      return symbol("E");
    case "slope":
      return pair
        ? ["∂", ...symbol("a", layer, String(cell.j + 1)), "/∂", ...symbol("z", layer, node)]
        : ["f′(", ...symbol("z", layer, node), ")"];
    case "delta":
      return symbol("δ", layer, node);
    case "gradient":
      return slopeBy(...symbol("W", layer, pair));
    case "input":
      return slopeBy(...symbol("x", "", node));
    case "decay":
      return [...slopeBy(...symbol("W", layer, pair)), " + λW̄"];
    case "carried":
      return ["sign ", ...symbol("W", layer, pair)];
    default:
      return symbol("W", layer, pair);
  }
}

// A derivation in steps: forward layer by layer, then back delta by delta. A step is one quantity of one layer, a cell one number of
// it: by hand, and by dual numbers. A cell is wrong where a mistaken derivation differs from the right one.

import { OBJECTIVES, derivative, forward } from "./arithmetic.js";
import { slopeOfActivation, slopeOfError, values } from "./dual.js";

export const DEFINED = ["step", "carried"]; // kinds of step that are definitions, and have no derivative

// Both derivations do the same operations but for the mistake; the smallest of the catalogue moves a cell by 0.1%.
function differs(hand, right) {
  if (!Number.isFinite(hand) && !Number.isFinite(right)) return false; // a training that has diverged, in either way
  return !(Math.abs(hand - right) <= 1e-12 + 1e-9 * Math.abs(right));
}

// Every number of a derivation in the order of the steps. ``net``: weights, carried; ``how``: as in train.js, perhaps mistaken.
function derived(net, x, t, how) {
  const pass = forward(net.weights, x, how.functions);
  const objective = OBJECTIVES[how.objective];
  const last = pass.layers.length - 1;
  const steps = [];
  const add = (kind, l, equations, numbers) => steps.push({ kind, l, equations, numbers });
  pass.layers.forEach((layer, l) => {
    const [value] = layer.f.equations;
    add("z", l, [5], layer.z);
    add("a", l, value === 6 ? [6] : [6, value], layer.a);
  });
  add("E", last, [objective.numbers[0]], [[objective.error(pass.layers[last], t)]]);

  const [deltas, gradients, decayed] = [[], [], []];
  for (let l = last; l >= 0; l--) {
    const layer = pass.layers[l];
    if (l < last || objective.numbers[1] === 8) add("slope", l, [layer.f.equations[1]], derivative(layer));
    deltas[l] =
      l === last
        ? how.equations.outputDelta(layer, t)
        : how.equations.hiddenDelta(layer, pass.layers[l + 1], deltas[l + 1]);
    add("delta", l, [l === last ? objective.numbers[1] : 9], deltas[l]);
    gradients[l] = how.equations.weightGradient(layer, deltas[l]);
    add("gradient", l, hasBias(layer) ? [10, 11] : [10], gradients[l]);
  }
  add("input", 0, [12], how.equations.inputGradient(pass.layers[0], deltas[0]));
  pass.layers.forEach((layer, l) => {
    decayed[l] = gradients[l];
    if (how.weightDecay) {
      const n = layer.below[0].length;
      decayed[l] = how.equations.decayed(gradients[l], layer.W, n, how.weightDecay, x.length);
      add("decay", l, [20], decayed[l]);
    }
    const { step, equation } = how.rules[how.rule];
    const [W, carried] = step(layer.W, decayed[l], net.carried[l], how.learningRate, how.momentum);
    add("step", l, [equation], W);
    if (how.rule === "rprop") add("carried", l, [equation], carried[0]);
  });
  return { pass, deltas, gradients, decayed, steps };
}

const hasBias = (layer) => layer.W.length > layer.below[0].length;

// Where each number of a step stands: pattern p (null: a sum over patterns), row j where it has one, column k
function placed(step) {
  const perPattern = ["z", "a", "slope", "delta", "input"].includes(step.kind);
  return step.numbers.flatMap((row, i) =>
    row.flatMap((one, k) => {
      if (step.kind === "E") return [{ p: null, hand: one }];
      if (!perPattern) return [{ p: null, j: i, k, hand: one }];
      if (!Array.isArray(one)) return [{ p: i, k, hand: one }];
      return one.map((hand, m) => ({ p: i, j: k, k: m, hand })); // a row of a Jacobian
    }),
  );
}

// The number of a cell by dual numbers; null for a definition
function byDual(step, { p, j, k }, net, x, t, layers, by, weightDecay) {
  const { kind, l } = step;
  switch (kind) {
    case "E":
      return by.E;
    case "z":
    case "a":
      return by[kind][l][p][k];
    case "slope":
      return slopeOfActivation(net.names[l], layers[l].z[p], j ?? k, k);
    case "delta":
      return slopeOfError(net, x, t, { at: "z", l, k }, p);
    case "input":
      return slopeOfError(net, x, t, { at: "x", j: k }, p);
    case "step":
    case "carried":
      return null;
    default: {
      const decay = kind === "decay" && j < layers[l].below[0].length ? weightDecay * net.weights[l][j][k] : 0;
      return slopeOfError(net, x, t, { at: "W", l, j, k }) + decay;
    }
  }
}

// ``net``: weights, carried, names, objective. ``how`` and ``right``: as in train.js, the first perhaps with a mistake.
export function stepsOf(net, x, t, how, right) {
  const found = derived(net, x, t, how);
  const correct = derived(net, x, t, right);
  const by = values(net, x, t);
  const steps = found.steps.map((step, i) => {
    const expected = placed(correct.steps[i]);
    const cells = placed(step).map((cell, n) => {
      const dual = byDual(step, cell, net, x, t, found.pass.layers, by, how.weightDecay);
      return { ...cell, right: dual ?? expected[n].hand, wrong: differs(cell.hand, expected[n].hand) };
    });
    return { kind: step.kind, l: step.l, equations: step.equations, cells };
  });
  return { ...found, steps, first: firstWrong(steps, found.pass.layers) };
}

// The first wrong cell in the order of the steps: {step, cell, kind, l, equation, and all of the cell}, or null
function firstWrong(steps, layers) {
  for (const [step, { kind, equations, cells, l }] of steps.entries()) {
    const cell = cells.findIndex((one) => one.wrong);
    if (cell < 0) continue;
    const bias = kind === "gradient" && cells[cell].j === layers[l].below[0].length;
    return { step, cell, kind, l, equation: equations[bias ? 1 : 0], ...cells[cell] };
  }
  return null;
}

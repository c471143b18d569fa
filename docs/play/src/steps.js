// A derivation in steps: forward layer by layer, then back delta by delta. A step is one quantity of one layer, a cell one number of
// it, with the number by hand, the same by dual numbers, and whether they differ by more than rounding.

import { OBJECTIVES, RULES, derivative, forward } from "./arithmetic.js";
import { slopeOfActivation, slopeOfError, values } from "./dual.js";

// Two right computations differ by some 1e-16 of numbers up to 10; the smallest mistake of the catalogue by 1% of its cell.
const differs = (hand, right) => !(Math.abs(hand - right) <= 1e-12 + 1e-9 * Math.abs(right));

// Every cell of matrices per pattern: A[p][k], or A[p][j][k] for a Jacobian
const ofPatterns = (A, right) =>
  A.flatMap((row, p) =>
    row.flatMap((one, k) =>
      Array.isArray(one)
        ? one.map((value, m) => ({ p, j: k, k: m, hand: value, right: right(p, m, k) }))
        : [{ p, k, hand: one, right: right(p, k, k) }],
    ),
  );

const ofWeights = (A, right) =>
  A.flatMap((row, j) => row.map((hand, k) => ({ p: null, j, k, hand, right: right(j, k) })));

// ``net``: weights, carried, names, objective. ``how``: as in train.js, perhaps with a mistake.
export function stepsOf(net, x, t, how) {
  const pass = forward(net.weights, x, how.functions);
  const by = values(net, x, t);
  const last = pass.layers.length - 1;
  const top = pass.layers[last];
  const objective = OBJECTIVES[how.objective];
  const steps = [];
  const add = (kind, l, equations, cells) => {
    const judged = cells.map((cell) => ({ ...cell, wrong: differs(cell.hand, cell.right) }));
    steps.push({ kind, l, equations, cells: judged });
  };

  pass.layers.forEach((layer, l) => {
    add(
      "z",
      l,
      [5],
      ofPatterns(layer.z, (p, k) => by.z[l][p][k]),
    );
    add(
      "a",
      l,
      layer.f.equations[0] === 6 ? [6] : [6, layer.f.equations[0]],
      ofPatterns(layer.a, (p, k) => by.a[l][p][k]),
    );
  });
  add("E", last, [objective.numbers[0]], [{ p: null, hand: objective.error(top, t), right: by.E }]);

  let delta = null;
  const moved = [];
  for (let l = last; l >= 0; l--) {
    const layer = pass.layers[l];
    if (l < last || objective.numbers[1] === 8) {
      add(
        "slope",
        l,
        [layer.f.equations[1]],
        ofPatterns(derivative(layer), (p, k, j) => slopeOfActivation(net.names[l], layer.z[p], j, k)),
      );
    }
    delta =
      l === last ? how.equations.outputDelta(top, t) : how.equations.hiddenDelta(layer, pass.layers[l + 1], delta);
    add(
      "delta",
      l,
      [l === last ? objective.numbers[1] : 9],
      ofPatterns(delta, (p, k) => slopeOfError(net, x, t, { at: "z", l, k }, p)),
    );
    const g = how.equations.weightGradient(layer, delta);
    const n = layer.below[0].length;
    const slope = (j, k) => slopeOfError(net, x, t, { at: "W", l, j, k });
    add("gradient", l, g.length > n ? [10, 11] : [10], ofWeights(g, slope));
    moved.unshift({ layer, delta, g, n, slope });
  }
  const input = how.equations.inputGradient(pass.layers[0], delta);
  add(
    "input",
    0,
    [12],
    ofPatterns(input, (p, j) => slopeOfError(net, x, t, { at: "x", j }, p)),
  );
  const updates = addUpdate(add, net, moved, how);
  const part = (name) => moved.map((one) => one[name]);
  return { pass, steps, deltas: part("delta"), gradients: part("g"), first: firstWrong(steps), ...updates };
}

// (20), where there is decay, and (13) to (15). A rule is a definition: its other number is that of the right derivation.
function addUpdate(add, net, moved, how) {
  const rule = RULES[how.rule];
  const decayed = [];
  moved.forEach(({ layer, g, n, slope }, l) => {
    const right = layer.W.map((row, j) => row.map((w, k) => slope(j, k) + (j < n ? how.weightDecay * w : 0)));
    let found = g;
    if (how.weightDecay) {
      found = how.equations.decayed(g, layer.W, n, how.weightDecay, layer.below.length);
      add(
        "decay",
        l,
        [20],
        ofWeights(found, (j, k) => right[j][k]),
      );
    }
    const step = (gradient) => rule.step(layer.W, gradient, net.carried[l], how.learningRate, how.momentum)[0];
    const expected = step(right);
    add(
      "step",
      l,
      [rule.equation],
      ofWeights(step(found), (j, k) => expected[j][k]),
    );
    decayed.push(found);
  });
  return { decayed };
}

// The first wrong cell in the order of the steps: {step, cell, equation}, or null
function firstWrong(steps) {
  for (const [step, { kind, equations, cells, l }] of steps.entries()) {
    const cell = cells.findIndex((one) => one.wrong);
    if (cell < 0) continue;
    const bias = kind === "gradient" && equations.length > 1 && cells[cell].j === cells[cells.length - 1].j;
    return { step, cell, kind, l, equation: kind === "a" ? equations[0] : equations[bias ? 1 : 0], ...cells[cell] };
  }
  return null;
}

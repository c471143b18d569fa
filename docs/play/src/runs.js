// Whole trainings, in slices of time between which the page is drawn and answers keys.

import { forward, outputs } from "./arithmetic.js";
import { howOf, networkOf, patternsOf, weightsOf } from "./network.js";
import { Random } from "./random.js";
import { accuracy, afterEpoch, errorOf, solved, started } from "./train.js";

const SLICE = 14; // milliseconds
export const POINTS = 200; // of a curve, and weights that are kept
export const LEARNT = 0.95; // of iris's flowers

export function setupOf(state, data) {
  const { x, t } = patternsOf(state, data.iris);
  const network = networkOf(state, t);
  return { x, t, network, how: howOf(state, network, data.mistakes) };
}

// The epochs after which a run keeps its error and weights: all, or some 200 evenly
export function recorded(epochs) {
  const points = Math.min(POINTS, epochs);
  return [...new Set(Array.from({ length: points + 1 }, (_, i) => Math.round((i * epochs) / points)))];
}

// A training of one seed, some epochs at a time: ``advance(until)`` returns whether it is done.
export function training(state, setup, seed) {
  const { x, t, network, how } = setup;
  const marks = recorded(state.epochs);
  const random = new Random((seed + 1) % 4294967296); // of the orders; the weights have the seed's own
  const inOrder = x.map((_, p) => p);
  let now = started(weightsOf(state, network, seed), how);
  let epoch = 0;
  const found = { epochs: [0], errors: [errorOf(now.weights, x, t, how)], weights: [now.weights], seed };
  function advance(until) {
    while (epoch < state.epochs) {
      now = afterEpoch(now, x, t, how, state.shuffle ? random.shuffled(inOrder) : inOrder);
      epoch += 1;
      if (epoch === marks[found.epochs.length]) {
        found.epochs.push(epoch);
        found.errors.push(errorOf(now.weights, x, t, how));
        found.weights.push(now.weights);
        if (performance.now() > until) break;
      }
    }
    return epoch >= state.epochs;
  }
  return { found, advance };
}

export function learns(weights, setup, task) {
  const a = outputs(forward(weights, setup.x, setup.how.functions));
  return task === "iris" ? accuracy(a, setup.t) >= LEARNT : solved(a, setup.t);
}

let running = 0;

// Whether nothing is under way: the page stays as it is until something is pressed.
export const atRest = () => running === 0;

// Jobs in turn until all are done or ``stopped()``: each is advanced in slices; ``after(job, done)`` draws.
export function inSlices(jobs, after, stopped) {
  let at = 0;
  running += 1;
  const turn = () => {
    const until = performance.now() + SLICE;
    while (at < jobs.length && performance.now() < until && !stopped()) {
      const done = jobs[at].advance(until);
      after(jobs[at], done);
      if (done) at += 1;
    }
    if (at < jobs.length && !stopped()) setTimeout(turn, 0);
    else running -= 1;
  };
  turn();
}

// The 95% interval of a share by Wilson: the score test's, which stays within 0 and 1
export function wilson(successes, n) {
  const z = 1.959963984540054;
  const share = successes / n;
  const middle = (share + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

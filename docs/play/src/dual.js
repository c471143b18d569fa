// A second computation by dual numbers: v + d ε with ε² = 0, whose d is the derivative. It knows no formula of the backward pass,
// no matrix, and no derivative of an activation: only the forward pass, number by number, and what + × ÷ exp log do to d.

const dual = (v, d = 0) => ({ v, d });
const add = (a, b) => dual(a.v + b.v, a.d + b.d);
const sub = (a, b) => dual(a.v - b.v, a.d - b.d);
const mul = (a, b) => dual(a.v * b.v, a.v * b.d + a.d * b.v);
const div = (a, b) => dual(a.v / b.v, (a.d - (a.v / b.v) * b.d) / b.v);
const exp = (a) => dual(Math.exp(a.v), Math.exp(a.v) * a.d);
const expm1 = (a) => dual(Math.expm1(a.v), Math.exp(a.v) * a.d);
const log1p = (a) => dual(Math.log1p(a.v), a.d / (1 + a.v));
const log = (a) => dual(Math.log(a.v), a.d / a.v);
const scale = (c, a) => dual(c * a.v, c * a.d);
const negated = (a) => scale(-1, a);
const size = (a) => (a.v > 0 ? a : negated(a)); // 0 counts to the left side, as everywhere
const sum = (terms) => terms.reduce(add, dual(0));
const ONE = dual(1);

const sigmoid = (z) => (z.v < 0 ? div(exp(z), add(ONE, exp(z))) : div(ONE, add(ONE, exp(negated(z)))));
const tanh = (z) => {
  const e = expm1(scale(-2, size(z))); // e^-2|z| - 1
  const half = div(negated(e), add(dual(2), e));
  return z.v > 0 ? half : negated(half);
};
const softplus = (z) => add(z.v > 0 ? z : scale(0, z), log1p(exp(negated(size(z)))));
const gelu = (z) => {
  const v = scale(2 * Math.sqrt(2 / Math.PI), add(z, scale(0.044715, mul(z, mul(z, z)))));
  return mul(z, sigmoid(v));
};

const VALUES = {
  sigmoid,
  tanh,
  linear: (z) => z,
  lecun_tanh: (z) => scale(1.7159, tanh(scale(2 / 3, z))),
  relu: (z) => (z.v > 0 ? z : dual(0)),
  leaky_relu: (z) => (z.v > 0 ? z : scale(0.01, z)),
  elu: (z) => (z.v > 0 ? z : expm1(z)),
  softplus,
  softsign: (z) => div(z, add(ONE, size(z))),
  silu: (z) => mul(z, sigmoid(z)),
  gelu,
};

function activated(name, z) {
  if (name !== "softmax") return z.map(VALUES[name]);
  const largest = dual(Math.max(...z.map((one) => one.v)));
  const e = z.map((one) => exp(sub(one, largest)));
  const whole = sum(e);
  return e.map((one) => div(one, whole));
}

// Every z and a of one pattern. ``tap`` says which number gets the ε: {at: "x", j}, {at: "W", l, j, k} or {at: "z", l, k}.
function forwardOne(net, x, tap) {
  let a = x.map((one, j) => dual(one, tap.at === "x" && tap.j === j ? 1 : 0));
  const layers = [];
  net.weights.forEach((W, l) => {
    const below = W.length > a.length ? [...a, ONE] : a;
    const z = W[0].map((_, k) => {
      const weight = (j) => dual(W[j][k], tap.at === "W" && tap.l === l && tap.j === j && tap.k === k ? 1 : 0);
      const found = sum(below.map((one, j) => mul(one, weight(j))));
      return tap.at === "z" && tap.l === l && tap.k === k ? add(found, dual(0, 1)) : found;
    });
    a = activated(net.names[l], z);
    layers.push({ z, a });
  });
  return layers;
}

function errorOne(net, top, t) {
  if (net.objective === "half-squared-error") {
    return scale(0.5, sum(top.a.map((a, k) => mul(sub(a, dual(t[k])), sub(a, dual(t[k]))))));
  }
  if (net.names[net.names.length - 1] === "sigmoid") {
    return sum(top.z.map((z, k) => add(scale(t[k], softplus(negated(z))), scale(1 - t[k], softplus(z)))));
  }
  const largest = Math.max(...top.z.map((z) => z.v));
  const whole = add(log(sum(top.z.map((z) => exp(sub(z, dual(largest)))))), dual(largest));
  return sum(top.z.map((z, k) => scale(t[k], sub(whole, z))));
}

// The derivative of E, summed over the patterns, with respect to the number at ``tap``; a tap at "x" or "z" is of pattern p alone.
// ``net``: weights, names (of the activations), objective.
export function slopeOfError(net, x, t, tap, p) {
  const patterns = tap.at === "W" ? x.map((_, q) => q) : [p];
  const parts = patterns.map((q) => {
    const layers = forwardOne(net, x[q], tap);
    return errorOne(net, layers[layers.length - 1], t[q]);
  });
  return sum(parts).d;
}

// E, and every z and a of the patterns, by the same loops
export function values(net, x, t) {
  const passes = x.map((row) => forwardOne(net, row, {}));
  const E = sum(passes.map((layers, p) => errorOne(net, layers[layers.length - 1], t[p]))).v;
  const part = (name) => net.weights.map((_, l) => passes.map((layers) => layers[l][name].map((one) => one.v)));
  return { E, z: part("z"), a: part("a") };
}

// ∂a_j/∂z_k of one layer: of its own node for an elementwise activation (j = k), of every pair for softmax
export function slopeOfActivation(name, z, j, k) {
  return activated(
    name,
    z.map((one, m) => dual(one, m === k ? 1 : 0)),
  )[j].d;
}

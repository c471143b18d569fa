// Python's random numbers, so that a seed means here what random.Random(seed) means there; and initial weights from them.

// The Mersenne Twister of Matsumoto and Nishimura (1998), seeded as random.seed(n) does for whole numbers from 0 to 2^32 - 1.
export class Random {
  constructor(seed) {
    const mt = new Uint32Array(624);
    mt[0] = 19650218;
    for (let i = 1; i < 624; i++) mt[i] = Math.imul(1812433253, mt[i - 1] ^ (mt[i - 1] >>> 30)) + i;
    let i = 1;
    for (let k = 624; k; k--) {
      mt[i] = (mt[i] ^ Math.imul(mt[i - 1] ^ (mt[i - 1] >>> 30), 1664525)) + seed;
      i = this.#next(mt, i);
    }
    for (let k = 623; k; k--) {
      mt[i] = (mt[i] ^ Math.imul(mt[i - 1] ^ (mt[i - 1] >>> 30), 1566083941)) - i;
      i = this.#next(mt, i);
    }
    mt[0] = 0x80000000;
    this.mt = mt;
    this.at = 624;
    this.spare = null;
  }

  #next(mt, i) {
    if (i < 623) return i + 1;
    mt[0] = mt[623];
    return 1;
  }

  uint32() {
    const mt = this.mt;
    if (this.at === 624) {
      for (let k = 0; k < 624; k++) {
        const y = (mt[k] & 0x80000000) | (mt[(k + 1) % 624] & 0x7fffffff);
        mt[k] = mt[(k + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      this.at = 0;
    }
    let y = mt[this.at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  random() {
    // from 0 up to 1, in 53 bits
    const high = this.uint32() >>> 5;
    return (high * 67108864 + (this.uint32() >>> 6)) / 9007199254740992;
  }

  uniform(low, high) {
    return low + (high - low) * this.random();
  }

  gauss() {
    // mean 0, variance 1
    if (this.spare !== null) {
      const spare = this.spare;
      this.spare = null;
      return spare;
    }
    const angle = this.random() * 2 * Math.PI;
    const radius = Math.sqrt(-2 * Math.log(1 - this.random()));
    this.spare = Math.sin(angle) * radius;
    return Math.cos(angle) * radius;
  }

  below(n) {
    const bits = 32 - Math.clz32(n);
    let drawn = n;
    while (drawn >= n) drawn = this.uint32() >>> (32 - bits);
    return drawn;
  }

  shuffled(items) {
    const found = [...items];
    for (let i = found.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [found[i], found[j]] = [found[j], found[i]];
    }
    return found;
  }
}

const matrix = (rows, columns, draw) => Array.from({ length: rows }, () => Array.from({ length: columns }, draw));

export const INITIAL = ["uniform", "glorot", "lecun", "he", "nguyen-widrow"];

// Initial weights by name, as bpnn_jax's ``init`` defines them, drawn row by row, the bias node's row last.
// ``ranges``: of "uniform", the half-width for the first layer, and for the later ones.
export function initialWeights(sizes, biases, initial, ranges, random) {
  return sizes.slice(1).map((above, l) => {
    const below = sizes[l];
    const bias = biases[l] ? 1 : 0;
    if (initial === "uniform") {
      const r = ranges[Math.min(l, ranges.length - 1)];
      return matrix(below + bias, above, () => random.uniform(-r, r));
    }
    if (initial === "nguyen-widrow") return nguyenWidrow(below, above, bias, l === sizes.length - 2, random);
    const glorot = Math.sqrt(6 / (below + above));
    const deviation = Math.sqrt((initial === "he" ? 2 : 1) / below);
    const draw = initial === "glorot" ? () => random.uniform(-glorot, glorot) : () => random.gauss() * deviation;
    return [...matrix(below, above, draw), ...matrix(bias, above, () => 0)];
  });
}

// Nguyen and Widrow (1990): columns of length β = 0.7 n_out^(1/n_in), biases U(±β); in the last layer U(±0.5).
function nguyenWidrow(below, above, bias, last, random) {
  const W = matrix(below, above, () => random.uniform(-1, 1));
  const theta = matrix(bias, above, () => random.uniform(-1, 1));
  if (last) return [...W, ...theta].map((row) => row.map((w) => 0.5 * w));
  const beta = 0.7 * above ** (1 / below);
  const length = W[0].map((_, k) => Math.sqrt(W.reduce((sum, row) => sum + row[k] ** 2, 0)));
  return [
    ...W.map((row) => row.map((w, k) => (beta * w) / length[k])),
    ...theta.map((row) => row.map((w) => beta * w)),
  ];
}

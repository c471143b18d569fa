// How numbers are shown.

const minus = (text) => text.replaceAll("-", "−");

// Four digits behind the point, or a power of ten where that would hide the number
export function shown(value) {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 0.00099 || size >= 100000) return minus(value.toExponential(2));
  return minus(String(Number(value.toFixed(4))));
}

// The same, in brackets where a sign would stand after an operator
export const bracketed = (value) => (value < 0 ? `(${shown(value)})` : shown(value));

// All digits of a double
export const exact = (value) => minus(String(value));

export const difference = (a, b) => (a === b ? "0" : minus(Math.abs(a - b).toExponential(1)));

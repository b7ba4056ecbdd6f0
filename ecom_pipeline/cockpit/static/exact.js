// Exact fractions of whole numbers, { top, base } with a base above zero: what is shown must not hang on a float.

function fraction(top, base = 1n) {
  return base < 0n ? { top: -top, base: -base } : { top, base };
}

function parseDecimal(text) {
  const [whole, decimals = ""] = text.split(".");
  return fraction(BigInt(whole + decimals), 10n ** BigInt(decimals.length));
}

function plus(a, b) {
  return fraction(a.top * b.base + b.top * a.base, a.base * b.base);
}

function minus(a, b) {
  return fraction(a.top * b.base - b.top * a.base, a.base * b.base);
}

function times(a, b) {
  return fraction(a.top * b.top, a.base * b.base);
}

function over(a, b) {
  return fraction(a.top * b.base, a.base * b.top);
}

function compare(a, b) {
  const difference = a.top * b.base - b.top * a.base;
  return difference > 0n ? 1 : difference < 0n ? -1 : 0;
}

function magnitude(a) {
  return a.top < 0n ? { top: -a.top, base: a.base } : a;
}

function sumOf(fractions) {
  return fractions.reduce(plus, fraction(0n));
}

// A whole number of units of the last digit, rounded half away from zero as accountants do.
function roundTo(a, digits) {
  const scaled = magnitude(a).top * 10n ** BigInt(digits);
  const rounded = (2n * scaled + a.base) / (2n * a.base);
  return a.top < 0n ? -rounded : rounded;
}

// For lengths on a screen only.
function toNumber(a) {
  return Number(a.top) / Number(a.base);
}

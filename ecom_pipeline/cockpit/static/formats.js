// How numbers are written: the rules of the report's own formats, with what differs by language and currency
// given. A test compares both over all units.

const DIGITS = {
  count: 0, position: 1, per_order: 2, days: 0, hours: 1, months: 1, points: 0, stars: 2,
  kilowatt_hours: 0, kilograms_co2e: 2, tonnes_co2e: 1,
};
const NARROW_SPACE = "\u202f";
const NO_BREAK_SPACE = "\u00a0";
const MINUS = "\u2212";
const HUNDRED = fraction(100n);

function makeFormats(rules) {
  function plain(rounded, digits) {
    const text = (rounded < 0n ? -rounded : rounded).toString().padStart(digits + 1, "0");
    const whole = text.slice(0, text.length - digits);
    const grouped = whole.replace(/\B(?=(\d{3})+$)/g, rules.group);
    return digits ? grouped + rules.decimal + text.slice(text.length - digits) : grouped;
  }

  function signOf(rounded, signed) {
    return rounded < 0n ? MINUS : signed && rounded > 0n ? "+" : "";
  }

  function number(a, digits, signed = false) {
    const rounded = roundTo(a, digits);
    return signOf(rounded, signed) + plain(rounded, digits);
  }

  function money(a, { signed = false, digits = null, beside = a } = {}) {
    const places = digits ?? (compare(magnitude(beside), fraction(1000n)) < 0 ? 2 : 0);
    const rounded = roundTo(a, places);
    const [before, after] = rounded < 0n ? rules.negative : rules.money;
    return (signed && rounded > 0n ? "+" : "") + before + plain(rounded, places) + after;
  }

  function percent(a, digits = 1, signed = false) {
    return number(times(a, HUNDRED), digits, signed) + rules.percent;
  }

  function points(a) {
    const difference = times(a, HUNDRED);
    const digits = compare(magnitude(difference), fraction(1n)) < 0 ? 2 : 1;
    return number(difference, digits, true) + rules.points;
  }

  function seconds(a) {
    const rounded = roundTo(a, 0);
    const size = rounded < 0n ? -rounded : rounded;
    if (size < 60n) return number(fraction(rounded), 0) + NO_BREAK_SPACE + "s";
    const rest = (size % 60n).toString().padStart(2, "0");
    return signOf(rounded, false) + plain(size / 60n, 0) + NO_BREAK_SPACE + "min" + NO_BREAK_SPACE + rest;
  }

  function multiple(a, beside) {
    return number(a, compare(magnitude(beside), fraction(10n)) < 0 ? 2 : 1) + NARROW_SPACE + "×";
  }

  // As exact as the largest of what stands beside it.
  function value(unit, a, beside = a) {
    if (unit === "money") return money(a, { beside });
    if (unit === "percent") return percent(a, compare(magnitude(beside), fraction(1n, 10n)) < 0 ? 2 : 1);
    if (unit === "seconds") return seconds(a);
    if (unit === "multiple") return multiple(a, beside);
    return number(a, DIGITS[unit]) + (rules.units[unit] ?? "");
  }

  // A value somebody chose, so without decimals it does not need.
  function limit(unit, a) {
    const isWhole = a.top % a.base === 0n;
    if (unit === "money" && isWhole) return money(a, { digits: 0 });
    if (unit === "multiple" && isWhole) return number(a, 0) + NARROW_SPACE + "×";
    if (unit !== "percent") return value(unit, a);
    const fits = (digits) => compare(fraction(roundTo(a, digits + 2), 10n ** BigInt(digits + 2)), a) === 0;
    return percent(a, fits(0) ? 0 : fits(1) ? 1 : 2);
  }

  function difference(unit, a, beside = a) {
    if (unit === "percent") return points(a);
    if (unit === "money") return money(a, { signed: true, beside });
    const text = value(unit, a, beside);
    return a.top > 0n && /[1-9]/.test(text) ? "+" + text : text;
  }

  function change(unit, now, before) {
    if (unit === "percent") return points(minus(now, before));
    if (before.top <= 0n || now.top < 0n) {
      const larger = compare(magnitude(now), magnitude(before)) > 0 ? now : before;
      return difference(unit, minus(now, before), larger);
    }
    const relative = over(minus(now, before), before);
    if (compare(magnitude(relative), fraction(10n)) >= 0) return number(over(now, before), 0) + NARROW_SPACE + "×";
    return percent(relative, 1, true);
  }

  return { number, money, percent, points, value, limit, difference, change };
}

// For spreadsheets: no groups, no unit, the reader's decimal sign, at most eight decimals.
function toCell(a, decimal) {
  const digits = 8;
  const rounded = roundTo(a, digits);
  const text = (rounded < 0n ? -rounded : rounded).toString().padStart(digits + 1, "0");
  const decimals = text.slice(-digits).replace(/0+$/, "");
  return (rounded < 0n ? "-" : "") + text.slice(0, -digits) + (decimals ? decimal + decimals : "");
}

// Which segments moved a total, in parts that add up to the change exactly: the report's own split, so that any
// period can be compared with any other. A test holds it to the same numbers.

// Segments are [{ name, before, after }], each cell null where the segment was not there. Null when they do not
// add up to the totals.
function splitChange(segments, totalBefore, totalAfter) {
  const isRatio = totalBefore.base !== null && totalAfter.base !== null;
  if (!addsUp(segments.map((one) => one.before), totalBefore)) return null;
  if (!addsUp(segments.map((one) => one.after), totalAfter)) return null;
  if (isRatio && (totalBefore.base.top === 0n || totalAfter.base.top === 0n)) return null;
  const parts = segments.map((one) => ({
    ...one,
    ...(isRatio ? splitRatio(one, totalBefore, totalAfter) : splitFlow(one, totalBefore)),
  }));
  return { isRatio, change: minus(valueOf(totalAfter), valueOf(totalBefore)), parts };
}

function addsUp(cells, total) {
  const known = cells.filter((cell) => cell && cell.top !== null);
  const zero = fraction(0n);
  return (
    compare(sumOf(known.map((cell) => cell.top)), total.top) === 0 &&
    compare(sumOf(known.map((cell) => cell.base ?? zero)), total.base ?? zero) === 0
  );
}

function valueOf(cell) {
  return cell.base === null ? cell.top : over(cell.top, cell.base);
}

function splitFlow(one, totalBefore) {
  const zero = fraction(0n);
  const before = one.before?.top ?? zero;
  const after = one.after?.top ?? zero;
  const weight = totalBefore.top.top === 0n ? zero : over(before, totalBefore.top);
  const rate = minus(after, before);
  return { rate, mix: zero, effect: rate, weight };
}

function splitRatio(one, totalBefore, totalAfter) {
  const zero = fraction(0n);
  const [before, after] = [one.before, one.after].map((cell) => ({
    top: cell?.top ?? zero, base: cell?.base ?? zero,
  }));
  const weightBefore = over(before.base, totalBefore.base);
  const weightAfter = over(after.base, totalAfter.base);
  const middle = times(plus(valueOf(totalBefore), valueOf(totalAfter)), fraction(1n, 2n));
  const effect = minus(
    minus(over(after.top, totalAfter.base), over(before.top, totalBefore.base)),
    times(middle, minus(weightAfter, weightBefore)),
  );
  const hadValue = before.base.top !== 0n;
  const hasValue = after.base.top !== 0n;
  let rate = zero; // a segment that appeared or vanished: its weight moved, not its rate
  if (hadValue && hasValue) {
    const half = times(plus(weightBefore, weightAfter), fraction(1n, 2n));
    rate = times(half, minus(valueOf(after), valueOf(before)));
  } else if (!hadValue && !hasValue) {
    rate = effect; // an amount without a base, such as a fee of a channel without customers
  }
  return { rate, mix: minus(effect, rate), effect, weight: weightBefore };
}

// How much more of the change one segment explains than its size would; the dimension to look at first.
function concentrationOf(split) {
  if (!split || split.change.top === 0n || split.parts.length < 2) return -1;
  const excess = split.parts.map((one) => toNumber(minus(over(one.effect, split.change), one.weight)));
  return Math.max(0, ...excess);
}

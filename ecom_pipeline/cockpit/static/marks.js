// The report's marks: sparkline, bullet, pin, tiers, and the history they belong to. Actual is solid and dark, a
// year before light, a target outlined. Colours are classes, so that the dark page and the printed one have theirs.

function spanOf(values) {
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  return { low, high: high > low ? high : low + 1 };
}

function placeIn(span, value, width) {
  return ((value - span.low) / (span.high - span.low)) * width;
}

function frame(width, height, title, marks) {
  const named = title ? { role: "img", "aria-label": title } : { "aria-hidden": "true" };
  return draw("svg", { width, height, viewBox: `0 0 ${width} ${height}`, ...named }, marks);
}

function bar(start, end, y, height, kind) {
  const width = Math.max(Math.abs(end - start), 0.5);
  return draw("rect", { x: Math.min(start, end), y, width, height, class: kind });
}

function axis(x, height) {
  return draw("path", { d: `M${x} 0V${height}`, class: "axis" });
}

// Periods oldest first, gaps as null, over the usual band.
function sparkline(values, { title = "", band = null, tone = "plain", width = 116, height = 22 } = {}) {
  const known = values.filter((value) => value !== null);
  if (!known.length) return frame(width, height, title, []);
  const edges = band ? [...known, ...band] : known;
  let [low, high] = [Math.min(...edges), Math.max(...edges)];
  if (!band && high > low) {
    // Where nothing says what is usual, a move of a few percent must not look like a plunge.
    const spare = Math.max(0.2 * Math.max(Math.abs(low), Math.abs(high)) - (high - low), 0) / 2;
    [low, high] = [low - spare, high + spare];
  }
  const x = (place) => 3 + (place * (width - 6)) / Math.max(values.length - 1, 1);
  const y = (value) => (high > low ? height - 3 - ((value - low) / (high - low)) * (height - 6) : height / 2);
  const marks = [];
  if (band) marks.push(draw("rect", {
    x: 0, y: y(band[1]), width, height: Math.max(y(band[0]) - y(band[1]), 0.5), class: "band",
  }));
  for (const run of runsOf(values)) {
    if (run.length === 1) marks.push(draw("circle", { cx: x(run[0][0]), cy: y(run[0][1]), r: 1, class: "ink" }));
    else marks.push(draw("path", { d: lineOf(run, x, y), class: "line" }));
  }
  const last = values.at(-1);
  if (last !== null) marks.push(draw("circle", { cx: x(values.length - 1), cy: y(last), r: 2.4, class: tone }));
  return frame(width, height, title, marks);
}

function runsOf(values) {
  const runs = [[]];
  values.forEach((value, place) => (value === null ? runs.push([]) : runs.at(-1).push([place, value])));
  return runs.filter((run) => run.length);
}

function lineOf(run, x, y) {
  return "M" + run.map(([place, value]) => `${x(place).toFixed(1)} ${y(value).toFixed(1)}`).join("L");
}

// The actual before what it is compared with; the target as an outlined mark across both.
function bullet(actual, { before = null, target = null, width = 96, height = 14 } = {}) {
  const span = spanOf([actual, before, target].filter((value) => value !== null));
  const zero = placeIn(span, 0, width - 3) + 1.5;
  const x = (value) => placeIn(span, value, width - 3) + 1.5;
  const marks = [];
  if (before !== null) marks.push(bar(zero, x(before), 1, height - 5, "light"));
  marks.push(bar(zero, x(actual), height - 9.5, 6.5, "ink"));
  if (target !== null) marks.push(draw("rect", {
    x: x(target) - 1.2, y: 0.6, width: 2.4, height: height - 1.2, class: "outline",
  }));
  marks.push(axis(zero, height));
  return frame(width, height, "", marks);
}

// A deviation from the zero axis.
function pin(deviation, span, tone, { width = 78, height = 14 } = {}) {
  const x = (value) => placeIn(span, value, width - 8) + 4;
  return frame(width, height, "", [
    draw("path", { d: `M${x(0)} ${height / 2}H${x(deviation)}`, class: `stem ${tone}` }),
    draw("circle", { cx: x(deviation), cy: height / 2, r: 3, class: tone }),
    axis(x(0), height),
  ]);
}

// Signed parts stacked from zero, each to its own side; parts are [amount, class].
function tiers(parts, span, title, { width = 84, height = 14 } = {}) {
  let right = 0;
  let left = 0;
  const marks = parts.map(([amount, kind]) => {
    const start = amount >= 0 ? right : left;
    const end = start + amount;
    if (amount >= 0) right = end;
    else left = end;
    return bar(placeIn(span, start, width), placeIn(span, end, width), 2.5, height - 5, kind);
  });
  return frame(width, height, title, [...marks, axis(placeIn(span, 0, width), height)]);
}

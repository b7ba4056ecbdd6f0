// One KPI's history as columns (amounts that add up) or as a line (all else), a year before behind it.

const CHART_HEIGHT = 190;
const CHART_FOOT = 20;
const CHART_HEAD = 12;

// Points oldest first: { label, now, year, target, place, text }, each value a number or null.
function historyChart(points, { width, isFlow, chosen, title, choose, axisText }) {
  const room = CHART_HEIGHT - CHART_FOOT - CHART_HEAD;
  const known = points.flatMap((one) => [one.now, one.year, one.target]).filter((value) => value !== null);
  const span = isFlow ? spanOf(known) : closeSpan(known);
  const y = (value) => CHART_HEAD + room - placeIn(span, value, room);
  const steps = niceSteps(span).map((step) => [step, axisText(step)]);
  const gutter = 8 + 6.2 * Math.max(...steps.map(([, text]) => text.length), 0);
  const slot = (width - gutter) / Math.max(points.length, 1);
  const middle = (place) => gutter + slot * (place + 0.5);
  const marks = [...guides(steps, y, width, gutter)];
  if (isFlow) points.forEach((one, place) => marks.push(...columns(one, middle(place), slot, y, one.place === chosen)));
  else marks.push(...lines(points, middle, y, chosen));
  marks.push(...labels(points, middle, slot, chosen));
  marks.push(...points.map((one, place) => hit(one, gutter + slot * place, slot, choose)));
  return frame(width, CHART_HEIGHT, title, marks);
}

function closeSpan(known) {
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const air = (high - low) * 0.12 || Math.abs(high) * 0.1 || 1;
  return { low: low >= 0 ? Math.max(0, low - air) : low - air, high: high + air };
}

function guides(steps, y, width, gutter) {
  return steps.flatMap(([step, text]) => [
    draw("path", { d: `M${gutter} ${y(step)}H${width}`, class: step === 0 ? "axis" : "guide" }),
    draw("text", { x: gutter - 6, y: y(step) + 3.5, class: "tick", "text-anchor": "end" }, text),
  ]);
}

function niceSteps(span) {
  const rough = (span.high - span.low) / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const steps = [];
  for (let place = Math.ceil(span.low / step); place * step <= span.high; place += 1) steps.push(place * step);
  return steps;
}

function columns(one, x, slot, y, isChosen) {
  const width = Math.min(slot * 0.62, 26);
  const marks = [];
  const column = (value, left, kind) => draw("rect", {
    x: left, y: Math.min(y(value), y(0)), width, height: Math.max(Math.abs(y(value) - y(0)), 0.5), class: kind,
  });
  if (one.year !== null) marks.push(column(one.year, x - width / 2 - slot * 0.16, "light"));
  if (one.now !== null) marks.push(column(one.now, x - width / 2 + slot * 0.06, isChosen ? "ink chosen" : "ink"));
  if (one.target !== null) marks.push(draw("rect", {
    x: x - slot * 0.46, y: y(one.target) - 1.2, width: slot * 0.92, height: 2.4, class: "outline",
  }));
  return marks;
}

function lines(points, x, y, chosen) {
  const marks = [];
  const kinds = [["target", "line dashed"], ["year", "line faint"], ["now", "line strong"]];
  for (const [slot, kind] of kinds) {
    for (const run of runsOf(points.map((one) => one[slot]))) {
      if (run.length > 1) marks.push(draw("path", { d: lineOf(run, x, y), class: kind }));
      else if (slot !== "target") marks.push(draw("circle", {
        cx: x(run[0][0]), cy: y(run[0][1]), r: 2, class: slot === "now" ? "ink" : "light",
      }));
    }
  }
  const place = points.findIndex((one) => one.place === chosen);
  if (place >= 0 && points[place].now !== null) {
    marks.push(draw("circle", { cx: x(place), cy: y(points[place].now), r: 4, class: "ink" }));
  }
  return marks;
}

function labels(points, x, slot, chosen) {
  const every = Math.max(1, Math.ceil(52 / slot));
  const marks = [];
  points.forEach((one, place) => {
    const isChosen = one.place === chosen;
    const isNear = !isChosen && Math.abs(points.findIndex((other) => other.place === chosen) - place) < every;
    if (!isChosen && ((points.length - 1 - place) % every !== 0 || isNear)) return;
    const isTight = slot < 44; // a label wider than its column would leave the picture at either end
    const edge = isTight && place === 0 ? "start" : isTight && place === points.length - 1 ? "end" : "middle";
    const at = edge === "start" ? x(place) - slot / 2 : edge === "end" ? x(place) + slot / 2 : x(place);
    marks.push(draw("text", {
      x: at, y: CHART_HEIGHT - 5, class: isChosen ? "tick now" : "tick", "text-anchor": edge,
    }, one.label));
  });
  return marks;
}

function hit(one, x, width, choose) {
  return draw("rect", { x, y: 0, width, height: CHART_HEIGHT, class: "hit", onclick: () => choose(one.place) },
    draw("title", {}, one.text));
}

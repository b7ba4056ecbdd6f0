// The page's data and what is asked of it: cells by KPI, grain, cut and place.

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text.trim()), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

function parseCell(text, scales) {
  if (!text) return null;
  if (/^[a-z]$/.test(text)) return { state: text, value: null, top: null, base: null };
  const [top, base = null] = text.split("/").map(
    (digits, place) => fraction(BigInt(digits), 10n ** BigInt(scales[place])),
  );
  return { state: "ok", value: base === null ? top : over(top, base), top, base };
}

function makeModel(data) {
  const parsed = new Map();

  function cells(key, grain, cut) {
    const name = `${key} ${grain} ${cut}`;
    if (!parsed.has(name)) {
      const series = seriesOf(key, grain);
      const text = cut === null ? series.total : (series.cuts?.[cut] ?? "");
      parsed.set(name, text.split(",").map((one) => parseCell(one, data.kpis[key].scales)));
    }
    return parsed.get(name);
  }

  function seriesOf(key, grain) {
    return data.kpis[key].series[data.grains[grain].key];
  }

  function cell(key, grain, cut, place) {
    return cells(key, grain, cut)[place] ?? null;
  }

  // The cuts of a KPI by one dimension, in the order they were chosen in.
  function cutsOf(key, grain, dimension) {
    return Object.keys(seriesOf(key, grain).cuts ?? {})
      .map(Number)
      .filter((number) => data.cuts[number][0] === dimension);
  }

  function dimensionsOf(key, grain) {
    return [...new Set(Object.keys(seriesOf(key, grain).cuts ?? {}).map((number) => data.cuts[number][0]))];
  }

  // The number of a cut in this KPI; null for the total, undefined where the KPI is not cut so.
  function cutNumber(key, grain, dimension, segment) {
    if (!dimension) return null;
    return cutsOf(key, grain, dimension).find((number) => data.cuts[number][1] === segment);
  }

  // What a KPI's row says: the value told for the period, and what it is compared with.
  function figure(key, view) {
    const { grain, place, versus } = view;
    const series = seriesOf(key, grain);
    const told = place + (series.shift?.[place] ?? 0);
    const cut = cutNumber(key, grain, view.dimension, view.segment);
    if (cut === undefined) return { key, told, cut, now: null, before: null, target: null, note: "" };
    const target = cut === null && series.targets?.[told] ? parseDecimal(series.targets[told]) : null;
    const previous = cell(key, grain, cut, told + 1);
    const year = cell(key, grain, cut, told + data.grains[grain].year);
    const before = { previous, year, target: target && { state: "ok", value: target } }[versus];
    const note = cut === null ? (series.notes?.[told] ?? "") : "";
    return { key, told, cut, now: cell(key, grain, cut, told), before, previous, year, target, note };
  }

  function toneOf(key, now, before) {
    const { good } = data.kpis[key];
    const direction = good === "zero" ? compare(magnitude(now), magnitude(before)) : compare(now, before);
    if (direction === 0 || good === "neutral") return "plain";
    return (direction > 0) === (good === "up") ? "good" : "bad";
  }

  // A move well inside what the KPI does every week is told, not coloured; so is any where that is not known.
  function toneOfMove(key, now, before, noise) {
    const isNotable = noise && compare(magnitude(minus(now, before)), noise) > 0;
    return isNotable ? toneOf(key, now, before) : "plain";
  }

  // Good or bad only where the newest week left its usual range.
  function standing(key, view, told, value) {
    const series = seriesOf(key, view.grain);
    if (!series.band || view.dimension || told !== (series.shift?.[0] ?? 0)) return "plain";
    const [low, middle, high] = series.band.map(parseDecimal);
    if (compare(value, low) >= 0 && compare(value, high) <= 0) return "plain";
    return toneOf(key, value, middle);
  }

  // How far a KPI moves in any week, null where that is not known. A segment moves at least as far for its size as
  // the whole; a target is missed by however little.
  function noiseOf(key, grain, before, { isSegment = false, isTarget = false } = {}) {
    if (isTarget) return fraction(0n);
    const { noise, band } = seriesOf(key, grain);
    if (!noise || !isSegment) return noise ? parseDecimal(noise) : null;
    const middle = magnitude(parseDecimal(band[1]));
    return middle.top && before?.state === "ok"
      ? times(parseDecimal(noise), over(magnitude(before.value), middle)) : null;
  }

  return { data, cell, cutsOf, dimensionsOf, cutNumber, figure, toneOfMove, standing, noiseOf, seriesOf };
}

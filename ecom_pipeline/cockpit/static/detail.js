// One indicator: what it is now, its history, and which segments moved it.

function makeDetail(model, texts, formats, view, open) {
  const { data } = model;
  const { words } = data;

  function render() {
    const now = view.get();
    const kpi = data.kpis[now.kpi];
    const pane = byId("detail");
    pane.replaceChildren(...(kpi ? parts(now, kpi).filter(Boolean) : []));
  }

  function parts(now, kpi) {
    const figure = model.figure(now.kpi, now);
    return [
      make("div", { class: "detail_head" },
        make("h3", { id: "detail_name", tabindex: -1 }, kpi.name),
        make("button", {
          type: "button", id: "define", class: "quiet_button", "aria-haspopup": "dialog",
          "aria-label": say(words.definition_of, { name: kpi.name }), onclick: () => open.definition(now.kpi),
        }, words.definition)),
      make("p", { class: "caption" }, periodText(now, figure)),
      facts(now, figure, kpi),
      kpi.progress && !now.dimension ? make("p", { class: "progress" }, kpi.progress) : null,
      historyOf(now, figure, kpi),
      segmentsOf(now, figure, kpi),
      make("button", {
        type: "button", class: "quiet_button back", onclick: () => byId(`row_${now.kpi}`)?.focus(),
      }, words.back),
    ];
  }

  function periodText(now, figure) {
    const cut = figure.cut === null || figure.cut === undefined ? "" : data.cuts[figure.cut][2];
    return [data.grains[now.grain].spans[figure.told], cut].filter(Boolean).join(" · ");
  }

  function facts(now, figure, kpi) {
    const compared = [
      [data.grains[now.grain].before, figure.previous], [words.year, figure.year],
      [words.target, figure.target && { state: "ok", value: figure.target }],
    ];
    const lines = compared.filter(([, cell]) => cell).map(([label, cell]) => make("div", {},
      make("dt", {}, label),
      make("dd", {}, label === words.target ? formats.limit(kpi.unit, cell.value) : texts.amount(now.kpi, cell),
        " ", texts.changeElement(texts.change(now.kpi, figure.now, cell, model.noiseOf(now.kpi, now.grain, cell, {
          isSegment: figure.cut !== null, isTarget: label === words.target,
        }))))));
    const note = texts.stateOf(figure);
    const value = figure.now?.state === "ok" ? figure.now.value : null;
    const tone = value ? model.standing(now.kpi, now, figure.told, value) : "absent";
    return make("div", { class: "facts" },
      make("p", { class: "big" }, make("span", { class: `value ${tone}` }, texts.amount(now.kpi, figure.now)),
        note && make("span", { class: "note" }, note)),
      make("dl", { class: "compared_list" }, lines));
  }

  function pointsOf(now, figure) {
    const grain = data.grains[now.grain];
    const number = figure.cut === null ? Math.min(grain.shown, TREND[grain.key]) : grain.cut;
    const series = model.seriesOf(now.kpi, now.grain);
    const newest = series.shift?.[0] ?? 0;
    const start = Math.max(newest, Math.min(figure.told - number + 1, grain.shown - number));
    const points = [];
    for (let place = Math.min(start + number, grain.shown) - 1; place >= start; place -= 1) {
      const cell = model.cell(now.kpi, now.grain, figure.cut, place);
      const year = model.cell(now.kpi, now.grain, figure.cut, place + grain.year);
      const target = figure.cut === null && series.targets?.[place] ? parseDecimal(series.targets[place]) : null;
      points.push({
        place, cell, yearCell: year, goal: target, label: grain.short[place],
        now: cell?.state === "ok" ? toNumber(cell.value) : null,
        year: year?.state === "ok" ? toNumber(year.value) : null,
        target: target ? toNumber(target) : null,
        text: `${grain.spans[place]} · ${texts.amount(now.kpi, cell)}`,
      });
    }
    // Before the shop's history there is nothing to draw.
    const first = points.findIndex((one) => one.now !== null || one.year !== null);
    return points.slice(Math.max(first, 0));
  }

  function historyOf(now, figure, kpi) {
    if (figure.cut === undefined) return make("p", { class: "none" },
      say(words.no_dimension, { dimension: data.dimensions[now.dimension] }));
    const points = pointsOf(now, figure);
    const grain = data.grains[now.grain];
    if (!points.some((one) => one.now !== null)) return null;
    const title = say(words.history_of, {
      name: kpi.name, grain: grain.name.toLowerCase(), number: points.length,
      first: grain.spans[points[0].place], last: grain.spans[points.at(-1).place],
    });
    const width = Math.max(byId("detail").clientWidth - 40, 240);
    return make("div", { class: "history" },
      make("h4", {}, words.history, make("span", { class: "aside" }, words.chart_hint)),
      historyChart(points, {
        width, isFlow: kpi.kind === "flow", chosen: figure.told, title,
        choose: (place) => view.update({ place }),
        axisText: (number) => formats.limit(kpi.unit, parseDecimal(number.toFixed(6))),
      }),
      make("details", {}, make("summary", {}, words.history_table), historyTable(now, kpi, points)));
  }

  function historyTable(now, kpi, points) {
    const table = make("table", { id: "history_table" },
      make("caption", { class: "unseen" }, `${kpi.name}, ${words.history}`),
      make("thead", {}, make("tr", {}, [words.period, words.value, words.year, words.target].map((label, place) =>
        make("th", { scope: "col", class: place ? "number" : "" }, label)))),
      make("tbody", {}, [...points].reverse().map((one) => make("tr", {},
        make("th", { scope: "row" }, data.grains[now.grain].spans[one.place]),
        cellOf(texts.amount(now.kpi, one.cell), one.cell),
        cellOf(texts.amount(now.kpi, one.yearCell), one.yearCell),
        cellOf(one.goal ? formats.limit(kpi.unit, one.goal) : words.not_known, one.goal && { state: "ok", value: one.goal })))));
    return make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": words.history_table },
      table, open.copyButton(() => tableCells(table, data.formats.decimal), "history"));
  }

  function cellOf(text, cell) {
    return make("td", { class: "number", "data-raw": cell?.state === "ok" ? toCell(cell.value, ".") : null }, text);
  }

  function segmentsOf(now, figure, kpi) {
    const dimensions = model.dimensionsOf(now.kpi, now.grain);
    if (!dimensions.length) return null;
    const splits = new Map(dimensions.map((name) => [name, splitBy(name, now, figure)]));
    const telling = [...dimensions].sort((one, other) =>
      concentrationOf(splits.get(other).split) - concentrationOf(splits.get(one).split));
    const by = dimensions.includes(now.by) ? now.by : telling[0];
    const choice = make("div", { class: "tabs", role: "group", "aria-label": words.cut }, dimensions.map((name) =>
      make("button", {
        type: "button", id: `by_${name}`, "aria-pressed": String(name === by), onclick: () => view.update({ by: name }),
      }, say(words.by, { dimension: data.dimensions[name] }))));
    return make("div", { class: "segments" }, choice, segmentTable(by, splits.get(by), now, figure, kpi));
  }

  function splitBy(dimension, now, figure) {
    const year = data.grains[now.grain].year;
    const back = now.versus === "year" ? figure.told + year : figure.told + 1;
    const cuts = model.cutsOf(now.kpi, now.grain, dimension);
    const segments = cuts.map((cut) => ({
      cut, name: data.cuts[cut][2], after: model.cell(now.kpi, now.grain, cut, figure.told),
      before: model.cell(now.kpi, now.grain, cut, back),
    })).filter((one) => isThere(one.after) || isThere(one.before));
    const [after, before] = [figure.told, back].map((place) => model.cell(now.kpi, now.grain, null, place));
    const isKnown = after?.state === "ok" && before?.state === "ok";
    return { segments, after, before, split: isKnown ? splitChange(segments, before, after) : null };
  }

  function isThere(one) {
    return Boolean(one?.top) && (one.top.top !== 0n || Boolean(one.base && one.base.top !== 0n));
  }

  function segmentTable(dimension, { segments, after, before, split }, now, figure, kpi, name = "segments") {
    if (!segments.length) return make("p", { class: "none" }, words.no_segments);
    const effects = new Map(split?.parts.map((one) => [one.cut, one]) ?? []);
    const size = (one) => Math.abs(effects.has(one.cut) ? toNumber(effects.get(one.cut).effect)
      : one.after?.value ? toNumber(one.after.value) : 0);
    const rows = [...segments].sort((one, other) => size(other) - size(one));
    const shares = split?.parts.map((one) => [toNumber(one.rate), toNumber(one.mix)]) ?? [];
    const span = spanOf(shares.flatMap((pair) => [
      pair.filter((one) => one > 0).reduce((sum, one) => sum + one, 0),
      pair.filter((one) => one < 0).reduce((sum, one) => sum + one, 0),
    ]));
    const compared = now.versus === "year" ? words.year : data.grains[now.grain].before;
    const heads = [[capital(data.dimensions[dimension]), ""], [words.value, "number"], [compared, "number compared"], [words.change, "number"],
      ...(split ? [["", "mark"], [words.effect, "number"]] : [])];
    const table = make("table", { class: "segment_table" },
      make("caption", { class: "unseen" }, say(words.segments_of, {
        name: kpi.name, dimension: data.dimensions[dimension], period: data.grains[now.grain].spans[figure.told],
      })),
      make("thead", {}, make("tr", {}, heads.map(([label, kind]) =>
        label ? make("th", { scope: "col", class: kind }, label) : make("td", { class: kind })))),
      make("tbody", {}, rows.map((one) => segmentRow(one, effects.get(one.cut), span, split, kpi, now)),
        split ? totalRow(after, before, split, kpi, now) : null));
    const change = split ? formats.difference(kpi.unit, split.change) : "";
    const note = !split ? words.no_drivers : say(split.isRatio ? words.drivers_note : words.drivers_flow, { change });
    return make("div", {}, make("p", { class: "caption" }, note),
      make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": say(words.by, { dimension: data.dimensions[dimension] }) }, table),
      open.copyButton(() => tableCells(table, data.formats.decimal), name));
  }

  function segmentRow(one, effect, span, split, kpi, now) {
    return make("tr", {},
      make("th", { scope: "row" }, one.name),
      cellOf(texts.amount(now.kpi, one.after), one.after),
      make("td", { class: "number compared", "data-raw": one.before?.state === "ok" ? toCell(one.before.value, ".") : null },
        texts.amount(now.kpi, one.before)),
      make("td", { class: "number" }, texts.changeElement(texts.change(now.kpi, one.after, one.before,
        model.noiseOf(now.kpi, now.grain, one.before, { isSegment: true })))),
      split ? [
        make("td", { class: "mark" }, tiers(
          [[toNumber(effect.rate), "ink"], [toNumber(effect.mix), "light"]], span, effectTitle(one, effect, split, kpi))),
        make("td", { class: "number", "data-raw": toCell(effect.effect, ".") }, formats.difference(kpi.unit, effect.effect)),
      ] : []);
  }

  function effectTitle(one, effect, split, kpi) {
    const [all, rate, mix] = [effect.effect, effect.rate, effect.mix].map((part) => formats.difference(kpi.unit, part));
    return say(split.isRatio ? words.effect_of : words.effect_flow, { name: one.name, effect: all, rate, mix });
  }

  function totalRow(after, before, split, kpi, now) {
    return make("tr", { class: "total" },
      make("th", { scope: "row" }, words.total),
      cellOf(texts.amount(now.kpi, after), after),
      make("td", { class: "number compared" }, texts.amount(now.kpi, before)),
      make("td", { class: "number" }, texts.changeElement(texts.change(now.kpi, after, before,
        model.noiseOf(now.kpi, now.grain, before)))),
      make("td", { class: "mark" }),
      make("td", { class: "number", "data-raw": toCell(split.change, ".") }, formats.difference(kpi.unit, split.change)));
  }

  return { render, splitBy, segmentTable };
}

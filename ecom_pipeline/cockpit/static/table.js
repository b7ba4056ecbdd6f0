// All indicators of the period: the cards of the essential ones, and the table by family.

const TREND = { day: 28, week: 26, four_weeks: 13, month: 25 };

function makeTexts(model, formats) {
  const { data } = model;

  function amount(key, cell) {
    if (!cell) return data.words.not_known;
    return cell.state === "ok" ? formats.value(data.kpis[key].unit, cell.value) : data.absent;
  }

  function stateOf(figure) {
    if (figure.note) return figure.note;
    return figure.now && figure.now.state !== "ok" ? data.states[figure.now.state] : "";
  }

  // The change with its arrow and tone, the arrow hollow where it is nothing to note; a dash where one side is not
  // known.
  function change(key, now, before, noise) {
    if (now?.state !== "ok" || before?.state !== "ok") return { text: data.words.not_known, arrow: "", tone: "plain" };
    const text = formats.change(data.kpis[key].unit, now.value, before.value);
    if (!/[1-9]/.test(text)) return { text, arrow: "", tone: "plain" };
    const tone = model.toneOfMove(key, now.value, before.value, noise);
    const arrows = tone === "plain" ? "△▽" : "▲▼";
    return { text, arrow: arrows[compare(now.value, before.value) > 0 ? 0 : 1], tone };
  }

  // The change against what the reader chose to compare with.
  function changeOf(key, figure, view) {
    const kind = { isSegment: figure.cut !== null, isTarget: view.versus === "target" };
    return change(key, figure.now, figure.before, model.noiseOf(key, view.grain, figure.before, kind));
  }

  function changeElement({ text, arrow, tone }) {
    const sign = arrow && make("span", { class: "arrow", "aria-hidden": "true" }, arrow);
    const said = tone === "plain" ? null : make("span", { class: "unseen" }, ` (${data.words[tone]})`);
    return make("span", { class: `delta ${tone}` }, sign || null, text, said);
  }

  // What the reader should know of the period a value is told for.
  function notes(figure, view) {
    const found = [];
    if (figure.told !== view.place) {
      found.push(say(data.words.earlier_value, { period: data.grains[view.grain].spans[figure.told] }));
    }
    const state = stateOf(figure);
    if (state) found.push(state);
    return found.join(" · ");
  }

  function trend(key, view, figure, title) {
    const grain = data.grains[view.grain];
    const length = figure.cut === null ? TREND[grain.key] : grain.cut + 1;
    const values = [];
    for (let place = figure.told + length - 1; place >= figure.told; place -= 1) {
      const cell = place > grain.shown ? null : model.cell(key, view.grain, figure.cut, place);
      values.push(cell?.state === "ok" ? toNumber(cell.value) : null);
    }
    const series = model.seriesOf(key, view.grain);
    const isNewest = figure.cut === null && figure.told === (series.shift?.[0] ?? 0);
    const band = isNewest && series.band ? [series.band[0], series.band[2]].map(Number) : null;
    const tone = figure.now?.state === "ok" ? model.standing(key, view, figure.told, figure.now.value) : "plain";
    return sparkline(values, { title, band, tone });
  }

  return { amount, stateOf, change, changeOf, changeElement, notes, trend };
}

function makeCards(model, texts, view, names) {
  function card(key) {
    const now = view.get();
    const figure = model.figure(key, now);
    const value = figure.now?.state === "ok" ? figure.now.value : null;
    const tone = value ? model.standing(key, now, figure.told, value) : "absent";
    return make("button", {
      type: "button", class: "card", id: `${names}_${key}`, "aria-pressed": String(now.kpi === key),
      onclick: () => view.update({ kpi: key, isChosen: true }),
    },
    make("span", { class: "name" }, model.data.kpis[key].name),
    make("span", { class: `value ${tone}` }, texts.amount(key, figure.now)),
    texts.changeElement(texts.changeOf(key, figure, now)),
    figure.cut === undefined ? null : texts.trend(key, now, figure, ""),
    make("span", { class: "note" }, figure.cut === undefined
      ? say(model.data.words.no_dimension, { dimension: model.data.dimensions[now.dimension] })
      : texts.notes(figure, now)));
  }
  return card;
}

function makeTable(model, texts, formats, view) {
  const { data } = model;
  const { words } = data;

  function render() {
    const now = view.get();
    const bodies = data.families.map(([family, keys]) => {
      const shown = keys.filter((key) => isFound(key, now.text));
      if (!shown.length) return null;
      return make("tbody", {},
        make("tr", { class: "family" }, make("th", { scope: "rowgroup", colspan: 7 }, family)),
        shown.map((key) => row(key, now)));
    }).filter(Boolean);
    const number = bodies.reduce((sum, body) => sum + body.rows.length - 1, 0);
    byId("table").replaceChildren(number ? make("table", { class: "indicators" }, caption(now), head(now), ...bodies)
      : make("p", { class: "none" }, say(words.none_found, { text: now.text })));
    rove();
    return number;
  }

  function isFound(key, text) {
    const fold = (one) => one.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
    return !text || fold(`${data.kpis[key].name} ${key}`).includes(fold(text));
  }

  function caption(now) {
    const versus = now.versus === "previous" ? data.grains[now.grain].before : words[`versus_${now.versus}`];
    return make("caption", { class: "unseen" }, `${data.grains[now.grain].spans[now.place]}, ${versus}`);
  }

  function head(now) {
    const compared = now.versus === "previous" ? data.grains[now.grain].before : words[`versus_${now.versus}`];
    const columns = [
      [words.indicator, ""], [words.trend, "mark trend"], [words.value, "number"], [compared, "number compared"],
      ["", "mark bullet"], [words.change, "number"], [words.reference_head, "number reference"],
    ];
    return make("thead", {}, make("tr", {}, columns.map(([label, kind]) =>
      label ? make("th", { scope: "col", class: kind }, label) : make("td", { class: kind }))));
  }

  function row(key, now) {
    const kpi = data.kpis[key];
    const figure = model.figure(key, now);
    const value = figure.now?.state === "ok" ? figure.now.value : null;
    const before = figure.before?.state === "ok" ? figure.before.value : null;
    const isCut = figure.cut !== undefined;
    const note = isCut ? texts.notes(figure, now)
      : say(words.no_dimension, { dimension: data.dimensions[now.dimension] });
    const change = texts.changeOf(key, figure, now);
    const tone = value ? model.standing(key, now, figure.told, value) : "absent";
    const title = say(words.trend_of, {
      name: kpi.name, number: isCut && figure.cut === null ? TREND[data.grains[now.grain].key] : data.grains[now.grain].cut,
      period: data.grains[now.grain].spans[figure.told], value: texts.amount(key, figure.now),
    });
    return make("tr", { "aria-current": now.kpi === key ? "true" : null, class: isCut ? null : "uncut" },
      make("th", { scope: "row" },
        make("button", {
          type: "button", class: "kpi", id: `row_${key}`, onclick: () => view.update({ kpi: key, isChosen: true }),
        }, kpi.name),
        note && make("span", { class: "note" }, note)),
      make("td", { class: "mark trend" }, isCut ? texts.trend(key, now, figure, title) : null),
      make("td", { class: `number value ${tone}` }, texts.amount(key, figure.now)),
      make("td", { class: "number compared" }, comparedText(key, figure, now)),
      make("td", { class: "mark bullet" }, value ? bullet(toNumber(value), {
        before: now.versus === "target" || !before ? null : toNumber(before),
        target: figure.target ? toNumber(figure.target) : null,
      }) : null),
      make("td", { class: "number" }, texts.changeElement(change)),
      make("td", { class: "number reference" }, figure.target ? formats.limit(kpi.unit, figure.target) : kpi.reference));
  }

  function comparedText(key, figure, now) {
    if (now.versus !== "target") return texts.amount(key, figure.before);
    return figure.target ? formats.limit(data.kpis[key].unit, figure.target) : words.not_known;
  }

  // One stop for Tab; arrows move between rows.
  function rove() {
    const buttons = [...byId("table").querySelectorAll("button.kpi")];
    const chosen = buttons.find((button) => button.id === `row_${view.get().kpi}`) ?? buttons[0];
    for (const button of buttons) button.tabIndex = button === chosen ? 0 : -1;
  }

  byId("table").addEventListener("keydown", (event) => {
    const buttons = [...byId("table").querySelectorAll("button.kpi")];
    const place = buttons.indexOf(document.activeElement);
    const next = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (place < 0 || next === undefined) return;
    event.preventDefault();
    const target = buttons[Math.min(Math.max(next, 0), buttons.length - 1)];
    for (const button of buttons) button.tabIndex = button === target ? 0 : -1;
    target.focus();
  });

  return { render, isFound };
}

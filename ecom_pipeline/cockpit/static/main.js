// Puts the page together, and draws again what a choice changes.

async function start() {
  const data = await unpack(byId("data").textContent);
  const model = makeModel(data);
  const formats = makeFormats(data.formats);
  const texts = makeTexts(model, formats);
  const view = makeView(data, render);
  const open = makeDialogs(data, announce);
  const controls = makeControls(data, view);
  const table = makeTable(model, texts, formats, view);
  const detail = makeDetail(model, texts, formats, view, open);
  const card = makeCards(model, texts, view, "card");
  const cashCard = makeCards(model, texts, view, "cash");
  const search = make("input", {
    type: "search", id: "search", autocomplete: "off", oninput: () => view.update({ text: search.value }),
  });

  byId("tools").append(
    make("label", { for: "search" }, data.words.search), search,
    open.copyButton(() => indicatorCells(model, texts, view, table.isFound), "indicators"));
  for (const element of document.querySelectorAll("table[data-copy]")) {
    element.closest(".scroll").after(
      open.copyButton(() => tableCells(element, data.formats.decimal), element.dataset.copy));
  }

  function announce(text, isShown = false) {
    byId("live").textContent = text;
    byId("live").classList.toggle("shown", isShown);
  }

  function render(now, changes = {}) {
    const focused = document.activeElement?.id;
    controls.show(now);
    byId("cards").replaceChildren(...data.essentials.map(card));
    renderCash(now);
    const rows = table.render();
    detail.render();
    if (focused && document.activeElement?.id !== focused) byId(focused)?.focus({ preventScroll: true });
    announce(describe(now, rows));
    if (changes.isChosen && matchMedia("(max-width: 68rem)").matches) byId("detail_name").focus();
  }

  function renderCash(now) {
    if (!data.cash.length) return;
    byId("cash_cards").replaceChildren(...data.cash.map(cashCard));
    const key = "net_cash_flow";
    const [dimension] = data.cash.includes(key) ? model.dimensionsOf(key, now.grain) : [];
    if (!dimension) return;
    const looked = { ...now, kpi: key, dimension: "", segment: "" };
    const figure = model.figure(key, looked);
    byId("cash_flow").replaceChildren(
      make("h3", {}, say(data.words.cash_by, { dimension: data.dimensions[dimension] })),
      detail.segmentTable(dimension, detail.splitBy(dimension, looked, figure), looked, figure, data.kpis[key], "cash"));
  }

  function describe(now, rows) {
    const versus = now.versus === "previous" ? data.grains[now.grain].before : data.words[`versus_${now.versus}`];
    const segment = now.dimension ? say(data.words.of_segment, { segment: segmentLabel(data, now) }) : "";
    return say(data.words.shown, { period: data.grains[now.grain].spans[now.place], versus, segment, rows });
  }

  for (const name of ["cards", "tools", "table", "detail", "cash"]) if (byId(name)) byId(name).hidden = false;
  document.documentElement.classList.add("scripted");
  render(view.get());
  let width = byId("detail").clientWidth;
  new ResizeObserver(() => {
    if (byId("detail").clientWidth === width) return;
    width = byId("detail").clientWidth;
    detail.render();
  }).observe(byId("detail"));
}

if (typeof DecompressionStream === "function" && typeof BigInt === "function") start();
else document.querySelector(".no_script").hidden = false;

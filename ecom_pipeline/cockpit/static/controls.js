// The choices above everything: length and period, comparison, segment. Native controls, so that keyboards and
// screen readers know them already.

function makeControls(data, view) {
  const words = data.words;
  const period = make("select", { id: "period", onchange: () => view.update({ place: Number(period.value) }) });
  const dimension = make("select", { id: "cut", onchange: chooseDimension });
  const segment = make("select", {
    id: "segment", onchange: () => view.update({ segment: segment.value }),
  });
  const earlier = stepButton("‹", words.earlier, 1);
  const later = stepButton("›", words.later, -1);
  const lengths = radios("grain", words.period_length, data.grains.map((grain, place) => [place, grain.name]),
    (value) => view.update({ grain: Number(value), place: 0 }));
  const versus = radios("versus", words.versus, VERSUS.map((name) => [name, words[`versus_${name}`]]),
    (value) => view.update({ versus: value }));

  dimension.append(
    make("option", { value: "" }, words.cut_none),
    ...Object.entries(data.dimensions).map(([name, label]) => make("option", { value: name }, capital(label))),
  );
  byId("toolbar").append(
    lengths,
    make("div", { class: "control" }, make("label", { for: "period" }, words.period),
      make("div", { class: "stepper" }, earlier, period, later)),
    versus,
    make("div", { class: "control" }, make("label", { for: "cut" }, words.cut), dimension),
    make("div", { class: "control", id: "segment_control" },
      make("label", { for: "segment" }, words.segment), segment),
  );
  byId("toolbar").hidden = false;

  function stepButton(sign, label, step) {
    return make("button", {
      type: "button", class: "step", "aria-label": label, title: label,
      onclick: () => view.update({ place: view.get().place + step }),
    }, sign);
  }

  function radios(name, legend, choices, choose) {
    return make("div", { class: "control", role: "radiogroup", "aria-labelledby": `${name}_legend` },
      make("span", { class: "legend", id: `${name}_legend` }, legend),
      make("div", { class: "options" }, choices.map(([value, label]) =>
        make("label", {},
          make("input", { type: "radio", name, value, onchange: () => choose(String(value)) }),
          make("span", {}, label)))));
  }

  function chooseDimension() {
    const cuts = segmentsOf(dimension.value);
    view.update({ dimension: dimension.value, segment: cuts[0]?.[1] ?? "" });
  }

  // One entry for each segment, in order of size; what sums the others differs by KPI and is no choice.
  function segmentsOf(name) {
    const found = new Map();
    for (const cut of data.cuts) {
      if (cut[0] === name && cut[1] !== data.others && !found.has(cut[1])) found.set(cut[1], cut);
    }
    return [...found.values()];
  }

  function show(now) {
    for (const [name, value] of [["grain", now.grain], ["versus", now.versus]]) {
      for (const input of document.querySelectorAll(`input[name="${name}"]`)) {
        input.checked = input.value === String(value);
        input.disabled = input.value === "target" && Boolean(now.dimension);
      }
    }
    const places = view.placesOf();
    period.replaceChildren(...data.grains[now.grain].spans.slice(0, data.grains[now.grain].shown)
      .map((label, place) => make("option", { value: place, disabled: place >= places }, label)));
    period.value = String(now.place);
    earlier.disabled = now.place >= places - 1;
    later.disabled = now.place === 0;
    dimension.value = now.dimension;
    byId("segment_control").hidden = !now.dimension;
    segment.replaceChildren(...segmentsOf(now.dimension)
      .map(([, name, label]) => make("option", { value: name }, label)));
    segment.value = now.segment;
  }

  return { show };
}

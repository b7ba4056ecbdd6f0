// Tables for spreadsheets: the reader's separator and decimal sign, and no text that a spreadsheet would run.

function toCsv(rows, decimal) {
  const separator = decimal === "," ? ";" : ",";
  return rows.map((row) => row.map((one) => quote(one, separator)).join(separator)).join("\r\n") + "\r\n";
}

// Numbers come as { raw }; all else is text.
function quote(one, separator) {
  if (one !== null && typeof one === "object") return one.raw;
  const text = String(one ?? "");
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /["\r\n]/.test(safe) || safe.includes(separator) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

// A table of the page: cells with a raw value as numbers, changes and dashes as they stand.
function tableCells(table, decimal) {
  return [...table.rows].map((row) => [...row.cells]
    .filter((cell) => !cell.classList.contains("mark"))
    .map((cell) => ("raw" in cell.dataset ? { raw: cell.dataset.raw.replace(".", decimal) } : cell.textContent.trim())));
}

// All indicators as they are looked at, with everything they can be compared with.
function indicatorCells(model, texts, view, isFound) {
  const { data } = model;
  const { words } = data;
  const now = view.get();
  const decimal = data.formats.decimal;
  const raw = (value) => (value ? { raw: toCell(value, decimal) } : "");
  const cell = (one) => raw(one?.state === "ok" ? one.value : null);
  const head = [
    words.family, words.indicator, words.key, words.unit, words.first_day, words.last_day, words.segment, words.value,
    words.previous, words.year, words.target, words.numerator, words.denominator, words.state,
  ];
  const rows = data.families.flatMap(([family, keys]) => keys.filter((key) => isFound(key, now.text)).map((key) => {
    const figure = model.figure(key, now);
    const [first, last] = data.grains[now.grain].days[figure.told].split("/");
    const segment = now.dimension ? segmentLabel(data, now) : "";
    const note = figure.cut === undefined ? say(words.no_dimension, { dimension: data.dimensions[now.dimension] })
      : texts.stateOf(figure);
    return [
      family, data.kpis[key].name, key, data.kpis[key].unit, first, last, segment, cell(figure.now), cell(figure.previous),
      cell(figure.year), raw(figure.target), raw(figure.now?.top), raw(figure.now?.base), note,
    ];
  }));
  return [head, ...rows];
}

function segmentLabel(data, now) {
  return data.cuts.find(([dimension, segment]) => dimension === now.dimension && segment === now.segment)?.[2] ?? "";
}

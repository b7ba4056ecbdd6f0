// The drawer of definitions, and copying: to the clipboard, or where that is refused as selected text.

function makeDialogs(data, announce) {
  const { words } = data;
  const drawer = byId("drawer");
  drawer.addEventListener("click", (event) => {
    if (event.target === drawer) drawer.close(); // beside it: the backdrop is the dialog itself
  });

  function show(heading, ...content) {
    const close = make("button", { type: "button", class: "quiet_button", onclick: () => drawer.close() }, words.close);
    const opener = document.activeElement?.id;
    drawer.replaceChildren(make("div", { class: "drawer_content" },
      make("div", { class: "drawer_head" }, make("h2", { id: "drawer_title" }, heading), close), ...content));
    drawer.addEventListener("close", () => byId(opener)?.focus(), { once: true });
    drawer.showModal();
    close.focus();
  }

  function definition(key) {
    const kpi = data.kpis[key];
    show(kpi.name, make("p", { class: "definition" }, kpi.definition),
      make("dl", {}, kpi.facts.map(([heading, text]) => [make("dt", {}, heading), make("dd", {}, text)])));
  }

  async function copy(cells) {
    const text = toCsv(cells, data.formats.decimal);
    try {
      await navigator.clipboard.writeText(text);
      announce(say(words.copied, { rows: cells.length - 1 }), true);
    } catch {
      const area = make("textarea", { readonly: true, rows: 14, "aria-label": words.csv_text });
      area.value = text;
      show(words.csv_text, make("p", {}, words.copy_failed), area);
      area.focus();
      area.select();
    }
  }

  function copyButton(cells, name) {
    return make("button", {
      type: "button", class: "quiet_button copy", id: `copy_${name}`, onclick: () => copy(cells()),
    }, words.copy);
  }

  return { definition, copyButton };
}

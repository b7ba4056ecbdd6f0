// What the reader looks at: one object, kept in the address so that it can be bookmarked and sent.

const VERSUS = ["previous", "year", "target"];

function makeView(data, render) {
  const first = data.essentials[0] ?? data.families[0]?.[1][0] ?? null;
  const week = Math.max(data.grains.findIndex((grain) => grain.key === "week"), 0);
  const start = { kpi: first, grain: week, place: 0, versus: "previous", dimension: "", segment: "", by: "", text: "" };
  let view = normal({ ...start, ...fromAddress() });

  function fromAddress() {
    const given = new URLSearchParams(location.hash.slice(1));
    const found = {};
    for (const name of ["kpi", "versus", "dimension", "segment", "by"]) {
      if (given.has(name)) found[name] = given.get(name);
    }
    if (given.has("place")) found.place = Number(given.get("place"));
    if (given.has("grain")) found.grain = data.grains.findIndex((grain) => grain.key === given.get("grain"));
    return found;
  }

  // Whatever an old address or another choice asks for that is not there becomes the nearest that is.
  function normal(asked) {
    const found = { ...asked };
    if (!(found.kpi in data.kpis)) found.kpi = first;
    if (!data.grains[found.grain]) found.grain = week;
    if (!VERSUS.includes(found.versus)) found.versus = "previous";
    const cuts = data.cuts.filter(([dimension]) => dimension === found.dimension);
    if (!cuts.length) [found.dimension, found.segment] = ["", ""];
    else if (!cuts.some((cut) => cut[1] === found.segment)) found.segment = cuts[0][1];
    if (found.dimension && found.versus === "target") found.versus = "previous";
    const places = placesOf(found);
    if (!Number.isInteger(found.place)) found.place = 0;
    found.place = Math.min(Math.max(found.place, 0), places - 1);
    return found;
  }

  // Segments are known for fewer periods than totals.
  function placesOf(one) {
    const grain = data.grains[one.grain];
    return one.dimension ? grain.cut : grain.shown;
  }

  function remember() {
    const grain = data.grains[view.grain].key;
    const address = new URLSearchParams({ kpi: view.kpi ?? "", grain, place: view.place, versus: view.versus });
    for (const name of ["dimension", "segment", "by"]) if (view[name]) address.set(name, view[name]);
    history.replaceState(null, "", `#${address}`);
  }

  function update(changes) {
    view = normal({ ...view, ...changes });
    remember();
    render(view, changes);
  }

  return { get: () => view, update, placesOf: () => placesOf(view) };
}

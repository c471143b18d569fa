// Draws the charts of the page, each fitted to the room it has; again when that changes, or a line is switched.
const { charts, config, arms, data } = JSON.parse(document.getElementById("charts").textContent);
const GAP = 20; // between panels, Vega-Lite's own
const FIRST = "datum.column === 0"; // of panels beside each other, the one that has the rows' names
const off = new Map(); // of each chart the lines that are switched off

function fitted(id, room, taken = 0) {
  const spec = structuredClone(charts[id]);
  const panel = spec.spec ?? spec; // of a facet
  const { most, least, margin, widest = Infinity, whole } = spec.usermeta.fit;
  const left = margin + taken;
  let columns = Math.max(1, Math.min(most, Math.floor((room - left + GAP) / (least + GAP))));
  if (whole && columns < most) columns = 1;
  if (spec.spec) spec.columns = columns;
  panel.width = Math.min(widest, Math.max(Math.min(least, 90), Math.floor((room - left - GAP * (columns - 1)) / columns)));
  for (const layer of panel.layer) {
    if (whole && columns === 1 && layer.transform) layer.transform = layer.transform.filter((t) => t.filter !== FIRST);
    for (const channel of ["color", "strokeDash"]) {
      if (spec.usermeta.lines && layer.encoding[channel]?.scale) layer.encoding[channel].legend = null; // the page has its own
    }
  }
  spec.data.values = spec.data.values.filter((row) => !off.get(id)?.has(row.series));
  return spec;
}

async function drawOne(id) {
  const place = document.getElementById(id);
  const spec = charts[id].spec ?? charts[id];
  const texts = spec.layer.flatMap(({ encoding }) => encoding.tooltip ?? []).filter(({ type }) => type === "nominal");
  const tooltip = (_, event, item, value) => {
    if (!value) return hideTip();
    const row = item.datum.datum ?? item.datum; // of the nearest point, whose texts Vega-Lite does not find
    const said = Object.fromEntries(texts.map(({ title, field }) => [title ?? field, row[field]]));
    showRows(event, { ...value, ...said }, arms);
  };
  // ast: expressions are interpreted, not compiled, so that the page can forbid eval.
  const options = { config, actions: false, renderer: "svg", ast: true, tooltip };
  const room = place.clientWidth;
  await vegaEmbed(place, fitted(id, room), options);
  const over = place.querySelector("svg").width.baseVal.value - room; // what the axes took was a guess
  if (over > 0) await vegaEmbed(place, fitted(id, room, over), options);
  place.querySelector("svg").setAttribute("aria-hidden", "true"); // the chart is described as a whole, and not mark by mark
  place.setAttribute("role", "img");
  place.removeAttribute("aria-roledescription");
  if (place.scrollWidth > place.clientWidth) place.tabIndex = 0; // so that keys scroll it
}

function legend(id, { title, series }) {
  const bar = document.createElement("div");
  bar.className = "lines";
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", `Lines${title ? ` by ${title}` : ""}`);
  if (title) bar.append(Object.assign(document.createElement("span"), { textContent: title }));
  off.set(id, new Set());
  for (const { name, colour, dash } of series) {
    const line = button("", () => {
      const without = off.get(id);
      if (!without.delete(name)) without.add(name);
      if (without.size === series.length) without.clear(); // none at all would be an empty chart
      [...bar.querySelectorAll("button")].forEach((b, i) => b.setAttribute("aria-pressed", !without.has(series[i].name)));
      drawOne(id);
    });
    line.setAttribute("aria-pressed", "true");
    const mark = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    mark.setAttribute("viewBox", "0 0 26 8");
    mark.setAttribute("aria-hidden", "true");
    const stroke = mark.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "path"));
    stroke.setAttribute("d", "M0 4H26");
    stroke.setAttribute("stroke", colour);
    stroke.setAttribute("stroke-dasharray", dash[1] ? dash.join(" ") : "none");
    line.append(mark, name);
    bar.append(line);
  }
  return bar;
}

for (const [id, chart] of Object.entries(charts)) {
  const place = document.getElementById(id);
  const { lines } = chart.usermeta;
  if (lines) place.before(legend(id, lines));
  const bar = document.createElement("div");
  bar.className = "bar";
  const own = ({ row, column, pale, ...rest }) => Object.fromEntries(Object.entries(rest).filter(([key]) => !/^name\d+$/.test(key)));
  bar.append(button("Save as CSV", () => download(id.replace("chart-", ""), chart.data.values.map(own))));
  place.parentElement.append(bar);
}

async function draw() {
  fixAll();
  for (const id of Object.keys(charts)) await drawOne(id);
}

let width = innerWidth;
addEventListener("resize", lodashDebounce(() => {
  if (innerWidth !== width) draw();
  width = innerWidth;
}, 200));
prepared(data);
draw().then(() => document.documentElement.dataset.drawn = "yes");

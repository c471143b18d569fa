// Draws the charts of the page, each fitted to the room it has and in the colours of the page; again when either changes.
const { charts, config } = JSON.parse(document.getElementById("charts").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");
const GAP = 20; // between panels, Vega-Lite's own

function fitted(chart, room, taken = 0) {
  const spec = structuredClone(chart);
  const panel = spec.spec ?? spec; // of a facet
  let { most, least, margin, widest = Infinity, split } = spec.usermeta.fit;
  margin += taken;
  if (split && room - margin < most * (least + GAP)) {
    margin = split.margin + taken;
    panel.height = { step: split.step };
    for (const layer of panel.layer) {
      if (layer.encoding.y) layer.encoding.y.axis.labelExpr = "split(datum.label, ', ')";
    }
  }
  const columns = Math.max(1, Math.min(most, Math.floor((room - margin + GAP) / (least + GAP))));
  if (spec.spec) spec.columns = columns;
  panel.width = Math.min(widest, Math.max(least, Math.floor((room - margin - GAP * (columns - 1)) / columns)));
  return spec;
}

async function draw() {
  const colours = dark.matches ? "dark" : "light";
  for (const [id, chart] of Object.entries(charts)) {
    const place = document.getElementById(id);
    // ast: expressions are interpreted, not compiled, so that the page can forbid eval.
    const options = { config: config[colours], actions: false, renderer: "svg", ast: true, tooltip: { theme: colours } };
    const room = place.clientWidth;
    await vegaEmbed(place, fitted(chart, room), options);
    const over = place.querySelector("svg").width.baseVal.value - room; // what the axes and legends took was a guess
    if (over > 0) await vegaEmbed(place, fitted(chart, room, over), options);
  }
}

let width = innerWidth;
addEventListener("resize", lodashDebounce(() => {
  if (innerWidth !== width) draw();
  width = innerWidth;
}, 200));
dark.addEventListener("change", draw);
draw();

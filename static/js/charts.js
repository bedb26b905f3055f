// Draws a service's numbers with uPlot (vendor/uplot). What is drawn is JSON in the page; the tables beside it
// say the same, so without this file only the pictures are missing.
const { uPlot } = globalThis;
const HEIGHT = 190;
const LOOKS = [{ token: "ink", width: 1.75 }, { token: "ink-faint", width: 1.5, dash: [4, 3] }]; // of the lines, in their order
const NEAR = 8; // px between the pointer and a mark that is named
const plots = new Map(); // name of the chart -> its plot; it outlives the answer of a poll
let data = null;

// The tokens change with the scheme, and a canvas knows none of them.
const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);
const colours = new Map();
const colour = (token) => {
  if (!colours.has(token)) {
    probe.style.color = `var(--${token})`;
    colours.set(token, getComputedStyle(probe).color);
  }
  return colours.get(token);
};

// --- Words, as the tables have them ---------------------------------------------------------------------
const two = (number) => String(number).padStart(2, "0");
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const day = (at) => `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]}`;
const hour = (at) => `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
const date = (seconds) => new Date(seconds * 1000);
const moment = (seconds) => (seconds == null ? "–" : `${day(date(seconds))} ${hour(date(seconds))}`);
const tick = (seconds) => {
  const at = date(seconds);
  return at.getUTCHours() === 0 && at.getUTCMinutes() === 0 ? day(at) : hour(at);
};
const short = (value) => String(Number(value.toPrecision(3)));
const onAxis = (value, unit) => {
  if (unit === "ms" && value >= 1000) return `${short(value / 1000)} s`;
  if (unit === "MB" && value >= 1000) return `${short(value / 1000)} GB`;
  return `${short(value)}${unit === "%" || unit === "/s" ? "" : " "}${unit}`;
};

const amount = (value, unit) => {
  if (value == null) return "no data";
  return unit === "%" && value > 0 && value < 0.05 ? "under 0.1%" : onAxis(value, unit);
};

// --- What is drawn beside the lines ----------------------------------------------------------------------
const GLYPHS = { // the same as in templates/deployments/_mark.html
  deployment: "M0 -5 5 4 -5 4Z",
  operation: "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0",
  migration: "M0 -5 5 0 0 5 -5 0Z",
  incident: "M-4 6V-6L5 -2.5L-4 1Z",
};

const drawMarks = (plot) => {
  const { ctx, bbox } = plot, scale = devicePixelRatio;
  for (const { kind, at } of data.marks) {
    const x = Math.round(plot.valToPos(at, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    const tone = colour(kind === "incident" ? "bad" : "ink-soft");
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = tone;
    ctx.lineWidth = scale;
    ctx.setLineDash(kind === "incident" ? [] : [2 * scale, 3 * scale]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.translate(x, bbox.top - 7 * scale);
    ctx.scale(scale, scale);
    ctx.setLineDash([]);
    const glyph = new Path2D(GLYPHS[kind]);
    ctx.lineWidth = 1.5;
    if (kind === "operation") ctx.stroke(glyph);
    else ctx.fill(glyph);
    ctx.restore();
  }
};

const drawLimit = (plot, limit) => {
  const { ctx, bbox } = plot, y = Math.round(plot.valToPos(limit, "y", true));
  ctx.save();
  ctx.strokeStyle = colour("bad");
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
};

const nameMark = (plot, note) => {
  const { left } = plot.cursor;
  const near = left < 0 || !plot.over.matches(":hover") ? [] : data.marks
    .map((mark) => ({ mark, distance: Math.abs(plot.valToPos(mark.at, "x") - left) }))
    .filter(({ distance }) => distance <= NEAR)
    .sort((one, other) => one.distance - other.distance);
  note.textContent = near.length ? `${moment(near[0].mark.at)} ${near[0].mark.words}` : "";
};

// A value between two gaps is a point: a line without length is not drawn.
const alone = (plot, index) => {
  const values = plot.data[index];
  return values.flatMap((value, at) => (value != null && values[at - 1] == null && values[at + 1] == null ? [at] : []));
};

// --- One chart ----------------------------------------------------------------------------------------------
const options = (name, chart, width, note) => {
  const now = () => data.charts[name] ?? chart; // what the last answer said
  const axis = { stroke: () => colour("ink-soft"), grid: { stroke: () => colour("line"), width: 1 }, ticks: { show: false }, font: "11px system-ui" };
  const drawBeside = (plot) => {
    drawMarks(plot);
    if (now().limit != null) drawLimit(plot, now().limit);
  };
  return {
    width,
    height: HEIGHT,
    padding: [16, 20, 0, 0],
    tzDate: (seconds) => uPlot.tzDate(date(seconds), "Etc/UTC"),
    cursor: { y: false, drag: { x: false, y: false }, sync: { key: "numbers" } },
    scales: {
      x: { time: true, range: () => [data.from, data.from + data.step * data.steps] },
      y: { range: (plot, low, high) => [0, Math.max(high ?? 0, 2 * (now().limit ?? 0)) * 1.08 || 1] },
    },
    axes: [
      { ...axis, size: 28, space: 64, values: (plot, ticks) => ticks.map(tick) },
      { ...axis, size: 62, values: (plot, ticks) => ticks.map((value) => onAxis(value, chart.unit)) },
    ],
    series: [
      { label: "UTC", value: (plot, at) => moment(at) },
      ...chart.lines.map((line, index) => ({
        label: line.label,
        stroke: () => colour(LOOKS[index].token),
        width: LOOKS[index].width,
        dash: LOOKS[index].dash,
        value: (plot, value, series, at) => (at == null ? "–" : amount(value, chart.unit)),
        points: { show: false, filter: alone, size: 4 },
      })),
    ],
    hooks: { drawAxes: [drawBeside], setCursor: [(plot) => nameMark(plot, note)] },
  };
};

const columns = (chart) => {
  const times = Array.from({ length: data.steps }, (_, number) => data.from + number * data.step);
  return [times, ...chart.lines.map((line) => line.values)];
};

const make = (place, name, chart) => {
  const note = document.createElement("p");
  note.className = "plot-note";
  const holder = document.createElement("div");
  holder.append(note);
  const plot = new uPlot(options(name, chart, place.clientWidth, note), columns(chart), (made, start) => {
    holder.prepend(made.root);
    start();
  });
  place.append(holder);
  sizes.observe(place);
  return { plot, holder };
};

const sizes = new ResizeObserver((changes) => {
  for (const { target } of changes) {
    const known = plots.get(target.dataset.chart);
    if (known && target.isConnected && target.clientWidth) known.plot.setSize({ width: target.clientWidth, height: HEIGHT });
  }
});

// --- The page -----------------------------------------------------------------------------------------------
const draw = () => {
  const source = document.getElementById("numbers-data");
  if (!source || source.dataset.drawn) return;
  source.dataset.drawn = "yes";
  data = JSON.parse(source.textContent);
  for (const place of document.querySelectorAll(".plot[data-chart]")) {
    const name = place.dataset.chart, chart = data.charts[name], known = plots.get(name);
    if (known) {
      place.append(known.holder);
      sizes.observe(place);
      known.plot.setData(columns(chart));
    } else {
      plots.set(name, make(place, name, chart));
    }
  }
  performance.mark("charts-drawn");
};

const redraw = () => {
  colours.clear();
  for (const { plot } of plots.values()) plot.redraw();
};
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
matchMedia("(forced-colors: active)").addEventListener("change", redraw);

// Whoever reads a table stays where they are when new numbers arrive.
let places = [];
document.body.addEventListener("htmx:beforeSwap", ({ detail: { target } }) => {
  places = [...target.querySelectorAll(".chart-table[id]")].map(({ id, scrollTop }) => ({ id, scrollTop }));
});
document.body.addEventListener("htmx:afterSettle", () => {
  draw();
  for (const { id, scrollTop } of places) document.getElementById(id)?.scrollTo({ top: scrollTop });
  places = [];
});
draw();

// What the linked views have in common: colours, scales with ticks, and canvases.

const NEAR = 14; // pixels from the pointer within which a run is found
const ROOM = 26; // pixels for diverged runs, beyond the largest fault rate
const SHADES = 24;
const CROWD = 500; // with more runs, lines and points are smaller
const PLAIN_TICKS = 8; // an axis with at most this number of values names each of them

function css(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// Returns the colour of each shade, from the best to the worst run.
function shadeColours() {
  const scale = d3.scaleLinear([0, SHADES / 2, SHADES - 1], [css("--best"), css("--middle"), css("--worst")]);
  return Array.from({ length: SHADES }, (_, i) => scale(i));
}

// Places the values of a dimension between two pixels, the smallest first. Diverged runs have a place beyond the last.
// at: the pixel of each value. ticks: [pixel, text].
function makeScale(dimension, from, to) {
  const { values, texts, name, scale: kind } = dimension;
  const lost = name === "metric" && values.at(-1) === null;
  const count = values.length - lost;
  const sign = Math.sign(from - to);
  const ends = [from, lost ? to + sign * ROOM : to];
  const scale = kind === "point" ? pointScale(count, ends) : numberScale(values.slice(0, count), ends, kind);
  const at = values.slice(0, count).map((value, i) => scale(kind === "point" ? i : value));
  const plain = kind === "point" || (count <= PLAIN_TICKS && name !== "metric");
  if (!count) return { at: [to + (sign * ROOM) / 3], ticks: [[to + (sign * ROOM) / 3, texts[0]]] }; // every run diverged
  const ticks = plain ? at.map((place, i) => [place, texts[i]]) : roundTicks(scale, kind, Math.abs(from - to));
  if (lost) {
    at.push(to + (sign * ROOM) / 3);
    ticks.push([at.at(-1), texts.at(-1)]);
  }
  return { at, ticks };
}

function pointScale(count, ends) {
  return d3.scalePoint(Array.from({ length: count }, (_, i) => i), ends).padding(0.5);
}

function numberScale(values, ends, kind) {
  const [low, high] = values.length ? [values[0], values.at(-1)] : [0, 1];
  if (low === high) return d3.scaleLinear([low - 1, high + 1], ends);
  const margin = 0.02;
  if (kind === "log") {
    const factor = (high / low) ** margin;
    return d3.scaleLog([low / factor, high * factor], ends);
  }
  return d3.scaleLinear([low - margin * (high - low), high + margin * (high - low)], ends);
}

// Returns round numbers on a scale, about one for each 45 pixels.
function roundTicks(scale, kind, room) {
  const count = Math.max(2, Math.round(room / 45));
  const [low, high] = scale.domain();
  let ticks = scale.ticks(count);
  if (kind === "log") {
    const steps = [[1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 5], [1, 3], [1]];
    const within = (step) => ticks.filter((value) => step.includes(Number(value.toExponential()[0])));
    ticks = high / low < 5 ? d3.scaleLinear().domain([low, high]).ticks(count) : (steps.map(within).find((found) => found.length <= 1.5 * count) ?? []);
  }
  return ticks.map((value) => [scale(value), String(Number(value.toPrecision(6)))]);
}

// Returns the ticks that have at least this distance from the one before.
function spaced(ticks, distance) {
  const kept = [];
  for (const tick of [...ticks].sort(([a], [b]) => a - b)) {
    if (!kept.length || tick[0] - kept.at(-1)[0] >= distance) kept.push(tick);
  }
  return kept;
}

// Returns the run with the smallest distance, or null if none is near.
function closest(runs, distance) {
  let [best, least] = [null, NEAR];
  for (const run of runs) {
    const found = distance(run);
    if (found < least) [best, least] = [run, found];
  }
  return best;
}

// Canvases for all runs, for the selected ones and for the run under the pointer, and an SVG for axes and brushes. A
// subclass has layout, trace (adds the path of a run), nearest (finds the run at a pixel) and sync (moves brushes).
class View {
  constructor(place, explore) {
    this.explore = explore;
    this.place = place;
    this.canvases = ["faint", "selected", "overlay"].map((className) => element("canvas", { className }));
    place.append(...this.canvases);
    this.svg = d3.select(place).append("svg");
    place.addEventListener("pointermove", (event) => explore.hover(this.nearest(...this.pointer(event))));
    place.addEventListener("pointerleave", () => explore.hover(null));
    place.addEventListener("click", (event) => {
      const run = this.nearest(...this.pointer(event));
      if (run !== null) explore.pick(run, event.shiftKey || event.ctrlKey || event.metaKey);
    });
  }

  pointer(event) {
    const box = this.place.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.place;
    Object.assign(this, { width, height });
    for (const canvas of this.canvases) {
      Object.assign(canvas, { width: width * devicePixelRatio, height: height * devicePixelRatio });
      canvas.getContext("2d").scale(devicePixelRatio, devicePixelRatio);
    }
    this.place.style.setProperty("--ratio", width / height); // for print
    this.svg.attr("viewBox", `0 0 ${width} ${height}`).selectAll("*").remove();
    this.layout();
    this.sync();
    this.drawn = null; // the faint runs must be drawn again
  }

  sync() {}

  // Draws an upright axis at x, or a level one at y, from ends[0] to ends[1]; ticks: [pixel, text].
  axis(side, place, ticks, ends) {
    const upright = side === "left";
    const group = this.svg.append("g").attr("class", `axis ${side}`);
    const [along, across] = upright ? ["y", "x"] : ["x", "y"];
    const line = (from, to, at) =>
      group.append("line").attr(`${along}1`, from).attr(`${along}2`, to).attr(`${across}1`, at).attr(`${across}2`, at);
    line(...ends, place);
    for (const [at, text] of spaced(ticks, upright ? 13 : 9 + 6.2 * Math.max(...ticks.map(([, one]) => one.length)))) {
      const label = group.append("text").attr(along, at).attr(across, upright ? place - 7 : place + 16).text(text);
      label.attr("dy", upright ? "0.32em" : 0);
    }
    return group;
  }

  title(x, y, text, anchor) {
    this.svg.append("text").attr("class", "title").attr("x", x).attr("y", y).attr("text-anchor", anchor).text(text);
  }

  context(layer) {
    const context = this.canvases[layer].getContext("2d");
    context.clearRect(0, 0, this.width, this.height);
    context.lineJoin = context.lineCap = "round"; // a curve of one epoch is a dot
    return context;
  }

  // Draws all runs in a faint colour, and the selected ones in the colours of their results, the best last. On the page
  // of two experiments, colours, dashes and markers show the experiment.
  draw() {
    const { runs } = this.explore;
    this.drawFaint(css("--faint"));
    const context = this.context(1);
    const groups = Array.from({ length: 2 * SHADES }, () => []);
    for (const run of this.shown()) groups[2 * Math.round(runs.rank(run) * (SHADES - 1)) + runs.side(run)].push(run);
    const [colours, ofSides] = [shadeColours(), [css("--best"), css("--alert")]];
    for (let group = groups.length - 1; group >= 0; group--) {
      const dashed = group % 2 && runs.count <= CROWD; // dashes of thousands of lines take seconds
      context.setLineDash(dashed ? [6, 4] : []);
      this.paint(context, groups[group], runs.sides ? ofSides[group % 2] : colours[group >> 1]);
    }
    this.highlight();
  }

  drawFaint(colour) {
    if (this.drawn !== colour) this.paint(this.context(0), this.explore.runs.order, colour);
    this.drawn = colour;
  }

  shown() {
    return this.explore.runs.selected;
  }

  paint(context, runs, colour) {
    if (!runs.length) return;
    context.beginPath();
    runs.forEach((run) => this.trace(context, run));
    context.strokeStyle = colour;
    context.lineWidth = this.explore.runs.count > CROWD ? 0.8 : 1.4;
    context.stroke();
  }

  highlight() {
    const context = this.context(2);
    const { hovered } = this.explore;
    if (hovered === null) return;
    for (const [colour, width] of [[css("--page"), 7], [css("--ink"), 2.5]]) {
      context.beginPath();
      this.trace(context, hovered);
      Object.assign(context, { strokeStyle: colour, lineWidth: width });
      context.stroke();
    }
  }
}

// The fault rate against one axis, and the learning curves of selected runs.

const MOST_CURVES = 300; // curves that are drawn together
const MARGIN = { left: 66, right: 14, top: 24, bottom: 40 };

class Scatter extends View {
  constructor(place, explore) {
    super(place, explore);
    this.name = null;
  }

  get dimension() {
    const { axes } = this.explore.runs.data;
    const usual = axes.find(({ name }) => name === "learning_rate") ?? axes[0] ?? this.explore.runs.metric;
    return axes.find(({ name }) => name === this.name) ?? usual;
  }

  layout() {
    const { metric } = this.explore.runs;
    const [left, right, top, bottom] = [MARGIN.left, this.width - MARGIN.right, MARGIN.top, this.height - MARGIN.bottom];
    this.x = makeScale(this.dimension, left + 8, right - 8);
    this.y = makeScale(metric, bottom - 6, top);
    this.axis("bottom", bottom, this.x.ticks, [left, right]);
    this.axis("left", left, this.y.ticks, [top, bottom]);
    this.title(right, this.height - 6, this.dimension.title, "end");
    this.title(4, 12, metric.title, "start");
    const brush = d3.brush().extent([[left, top - 4], [right, bottom]]);
    brush.on("brush end", ({ sourceEvent, selection, type }) => {
      if (!sourceEvent) return; // moved by sync
      if (!selection && (type !== "end" || this.explore.hovered !== null)) return;
      this.explore.limit(this.dimension, this.x.at, selection && [selection[0][0], selection[1][0]]);
      this.explore.limit(metric, this.y.at, selection && [selection[0][1], selection[1][1]]);
      if (type === "end") this.sync();
    });
    this.brush = { brush, group: this.svg.append("g").attr("class", "brush").call(brush) };
  }

  // The ranges are shown on the axes of the parallel coordinates, so no rectangle stays.
  sync() {
    this.brush.group.call(this.brush.brush.move, null);
  }

  trace(context, run) {
    const x = this.x.at[this.dimension.at[run]];
    const y = this.y.at[this.explore.runs.metric.at[run]];
    const radius = this.explore.runs.count > CROWD ? 2 : 3.5;
    context.moveTo(x + radius, y);
    if (this.explore.runs.side(run)) context.rect(x - radius, y - radius, 2 * radius, 2 * radius);
    else context.arc(x, y, radius, 0, 2 * Math.PI);
  }

  paint(context, runs, colour) {
    context.beginPath();
    runs.forEach((run) => this.trace(context, run));
    context.fillStyle = colour;
    context.fill();
  }

  nearest(x, y) {
    const { metric, selected } = this.explore.runs;
    return closest(selected, (run) => Math.hypot(this.x.at[this.dimension.at[run]] - x, this.y.at[metric.at[run]] - y));
  }
}

class Curves extends View {
  // Returns the runs whose curves are drawn: all selected ones, or the best and an even choice of the others.
  shown() {
    const { selected, data } = this.explore.runs;
    const drawn = selected.filter((run) => data.lengths[run] > 0);
    if (drawn.length <= MOST_CURVES) return drawn;
    const [best, others] = [drawn.slice(0, MOST_CURVES / 2), drawn.slice(MOST_CURVES / 2)];
    const step = others.length / (MOST_CURVES / 2);
    return [...best, ...Array.from({ length: MOST_CURVES / 2 }, (_, k) => others[Math.floor(k * step)])];
  }

  layout() {
    const { runs } = this.explore;
    const shown = this.shown();
    this.points = new Map(shown.map((run) => [run, runs.curve(run)]));
    const rates = [...this.points.values()].flat().map(([, rate]) => rate);
    const [low, high] = [rates.reduce((a, b) => Math.min(a, b), 100), rates.reduce((a, b) => Math.max(a, b), 0)];
    const last = shown.reduce((most, run) => Math.max(most, runs.data.lengths[run]), 2);
    const [left, right, top, bottom] = [MARGIN.left, this.width - MARGIN.right, MARGIN.top, this.height - MARGIN.bottom];
    const kind = low > 0 && high > 4 * low ? "log" : "linear";
    this.x = d3.scaleLinear([1, last], [left + 8, right - 8]);
    this.y = numberScale(low <= high ? [low, high] : [0, 1], [bottom - 6, top], kind);
    const epochs = this.x.ticks(6).filter(Number.isInteger);
    this.axis("bottom", bottom, epochs.map((epoch) => [this.x(epoch), String(epoch)]), [left, right]);
    this.axis("left", left, roundTicks(this.y, kind, bottom - top), [top, bottom]);
    this.title(right, this.height - 6, "epoch", "end");
    this.title(4, 12, runs.metric.title, "start");
    const all = runs.selected.length;
    if (all > shown.length) this.title(right, 12, `${shown.length} of ${all} curves`, "end");
  }

  draw() {
    this.svg.selectAll("*").remove();
    this.layout();
    super.draw();
  }

  drawFaint() {}

  trace(context, run) {
    const points = this.points.get(run) ?? this.explore.runs.curve(run);
    if (points.length) context.moveTo(this.x(points[0][0]), this.y(points[0][1]));
    points.forEach(([epoch, rate]) => context.lineTo(this.x(epoch), this.y(rate)));
  }

  nearest(x, y) {
    const epoch = this.x.invert(x);
    const distance = (run) => {
      const points = this.points.get(run);
      const k = points.reduce((best, [at], i) => (Math.abs(at - epoch) < Math.abs(points[best][0] - epoch) ? i : best), 0);
      return Math.hypot(this.x(points[k][0]) - x, this.y(points[k][1]) - y);
    };
    return closest(this.points.keys(), distance);
  }
}

// Parallel coordinates: a line for each run across all axes that vary and the fault rate, and a brush on each axis.

const LEAST_WIDTH = 92; // pixels for a dimension; narrow screens scroll

class Parallel extends View {
  resize() {
    this.place.style.minWidth = `${LEAST_WIDTH * this.explore.runs.dimensions.length}px`;
    super.resize();
  }

  layout() {
    const { dimensions } = this.explore.runs;
    const [first, last, top, bottom] = [64, this.width - 50, 46, this.height - 10];
    const step = (last - first) / Math.max(1, dimensions.length - 1);
    this.places = dimensions.map((_, i) => first + i * step);
    this.scales = dimensions.map((dimension) => makeScale(dimension, bottom, top));
    this.brushes = dimensions.map((dimension, i) => {
      this.axis("left", this.places[i], this.scales[i].ticks, [top, bottom]);
      const end = i === 0 ? "start" : i === dimensions.length - 1 ? "end" : "middle";
      const shift = { start: 8 - first, middle: 0, end: this.width - last - 4 }[end];
      this.title(this.places[i] + shift, i % 2 ? 28 : 12, dimension.title, end);
      return this.brush(dimension, this.scales[i], [top - 6, bottom + 6], this.places[i]);
    });
  }

  brush(dimension, scale, [top, bottom], place) {
    const brush = d3.brushY().extent([[place - 14, top], [place + 14, bottom]]);
    brush.on("brush end", ({ sourceEvent, selection, type }) => {
      if (!sourceEvent) return; // moved by sync
      if (selection) this.explore.limit(dimension, scale.at, selection);
      else if (type === "end" && this.explore.hovered === null) this.explore.limit(dimension, scale.at, null);
      if (type === "end") this.sync();
    });
    return { brush, dimension, scale, group: this.svg.append("g").attr("class", "brush").call(brush) };
  }

  sync() {
    for (const { brush, dimension, scale, group } of this.brushes) {
      const range = this.explore.runs.ranges.get(dimension.name)?.map((i) => scale.at[i]);
      group.call(brush.move, range ? [Math.min(...range) - 5, Math.max(...range) + 5] : null);
    }
  }

  trace(context, run) {
    this.explore.runs.dimensions.forEach((dimension, i) => {
      const [x, y] = [this.places[i], this.scales[i].at[dimension.at[run]]];
      if (i) context.lineTo(x, y);
      else context.moveTo(x, y);
    });
  }

  nearest(x, y) {
    const { dimensions, selected } = this.explore.runs;
    if (dimensions.length < 2) return null;
    const after = this.places.findIndex((place) => place > x);
    const i = Math.max(0, (after < 0 ? this.places.length : after) - 1 - (after < 0));
    const part = Math.min(1, Math.max(0, (x - this.places[i]) / (this.places[i + 1] - this.places[i])));
    const [left, right, from, to] = [dimensions[i].at, dimensions[i + 1].at, this.scales[i].at, this.scales[i + 1].at];
    return closest(selected, (run) => Math.abs((1 - part) * from[left[run]] + part * to[right[run]] - y));
  }
}

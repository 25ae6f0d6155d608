// The runs of a dataset in the linked views: their values on each axis, their curves, and which are selected.

const DIVERGED = "diverged";

function decodeCurves(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Uint16Array(bytes.buffer); // the page is little-endian, as are all machines with a browser
}

// Returns the epochs, counted from 0, of the points of a curve; explore.py has the same formula.
function pointEpochs(length, points) {
  const count = Math.min(length, points);
  return Array.from({ length: count }, (_, k) => Math.floor((k * (length - 1)) / Math.max(1, count - 1)));
}

function percentText(value) {
  return `${value >= 10 ? value.toFixed(1) : value.toFixed(2)}%`;
}

// Returns the dimension of the fault rate in percent on a split. Its last value is null if a run diverged.
function metricDimension(split) {
  const rates = split.faults.map((faults, run) => (faults === null ? null : (100 * faults) / split.sizes[run]));
  const values = [...new Set(rates)].sort((a, b) => (a === null) - (b === null) || a - b);
  const place = new Map(values.map((value, i) => [value, i]));
  const finished = values.filter((value) => value !== null);
  const log = finished.length > 1 && finished[0] > 0 && finished.at(-1) > 4 * finished[0];
  return {
    name: "metric",
    title: `misclassified, ${split.name} (%)`,
    scale: log ? "log" : "linear",
    values,
    texts: values.map((value) => (value === null ? DIVERGED : percentText(value))),
    at: rates.map((rate) => place.get(rate)),
  };
}

// The runs of one dataset with one metric. A dimension has distinct values in order, and for each run the index of its
// value. ranges: dimension name -> first and last selected index. picked: runs that were clicked.
class Runs {
  constructor(data, splitName) {
    this.data = data;
    this.count = data.names.length;
    this.split = data.splits.find((split) => split.name === splitName) ?? data.splits[0];
    this.metric = metricDimension(this.split);
    this.dimensions = [...data.axes, this.metric];
    this.curves = decodeCurves(this.split.curves);
    this.starts = [];
    let start = 0;
    for (const length of data.lengths) {
      this.starts.push(start);
      start += Math.min(length, data.points);
    }
    this.ranges = new Map();
    this.picked = new Set();
    this.sides = data.axes.find(({ name }) => name === "experiment"); // on the page of two experiments
    this.order = this.metric.at.map((_, run) => run).sort((a, b) => this.metric.at[a] - this.metric.at[b]);
    this.select();
  }

  get restricted() {
    return this.ranges.size > 0 || this.picked.size > 0;
  }

  // Sets the range of a dimension to the indices from first to last; the whole dimension is no restriction.
  setRange(dimension, first, last) {
    if (first <= 0 && last >= dimension.values.length - 1) this.ranges.delete(dimension.name);
    else this.ranges.set(dimension.name, [first, last]);
  }

  clear() {
    this.ranges.clear();
    this.picked.clear();
  }

  togglePick(run, keepOthers) {
    const had = this.picked.has(run);
    if (!keepOthers) this.picked.clear();
    if (had) this.picked.delete(run);
    else this.picked.add(run);
  }

  // Finds the selected runs, from the best to the worst.
  select() {
    const limits = this.dimensions.filter(({ name }) => this.ranges.has(name)).map((d) => [d.at, ...this.ranges.get(d.name)]);
    const fits = (run) => limits.every(([at, first, last]) => at[run] >= first && at[run] <= last);
    const among = this.picked.size ? (run) => this.picked.has(run) : () => true;
    this.selected = this.order.filter((run) => fits(run) && among(run));
    return this.selected;
  }

  // Returns the points of a run's curve as [epoch, percent].
  curve(run) {
    const epochs = pointEpochs(this.data.lengths[run], this.data.points);
    return epochs.map((epoch, k) => [epoch + 1, (100 * this.curves[this.starts[run] + k]) / 65534]);
  }

  // Returns the run's values in words, and its result.
  describe(run) {
    const { faults, sizes } = this.split;
    const values = this.data.axes.map((axis) => `${axis.title} ${axis.texts[axis.at[run]]}`);
    const result =
      faults[run] === null
        ? DIVERGED
        : `${this.metric.texts[this.metric.at[run]]} misclassified (${faults[run]} of ${sizes[run]}, ${this.split.name})`;
    return { result, values: values.join(", "), name: this.data.names[run] };
  }

  // Returns the place of a run's experiment: 0 for A and for the only one, 1 for B.
  side(run) {
    return this.sides?.at[run] ?? 0;
  }

  // Returns the rank of a run from 0, the best, to 1, the worst and all that diverged.
  rank(run) {
    if (this.split.faults[run] === null) return 1;
    return this.metric.values.length > 1 ? this.metric.at[run] / (this.metric.values.length - 1) : 0;
  }
}

// Returns the entry of an experiment file that describes exactly these runs, as YAML. Axes whose values occur in all
// combinations become lists. The values of the others belong together (zip). A run of two experiments is one run.
function experimentYaml(data, runs) {
  const axes = data.axes.filter(({ name }) => data.order.includes(name));
  const key = (row) => [...row].join();
  const distinct = (rows) => [...new Map(rows.map((row) => [key(row), row])).values()];
  let rows = distinct(runs.map((run) => new Map(axes.map((axis) => [axis.name, axis.at[run]]))));
  const lists = new Map();
  for (const { name } of axes) {
    const groups = new Map();
    for (const row of rows) {
      const rest = key(new Map([...row].filter(([axis]) => axis !== name)));
      groups.set(rest, [...(groups.get(rest) ?? []), row.get(name)]);
    }
    const found = [...groups.values()].map((values) => [...values].sort((a, b) => a - b));
    if (found.some((values) => values.join() !== found[0].join())) continue;
    lists.set(name, found[0]);
    rows.forEach((row) => row.delete(name));
    rows = distinct(rows);
  }
  const together = axes.map(({ name }) => name).filter((name) => !lists.has(name));
  together.forEach((name) => lists.set(name, rows.map((row) => row.get(name))));
  const line = (name) => {
    const axis = axes.find((one) => one.name === name) ?? data.common[name];
    return `    ${name}: ${yamlList((lists.get(name) ?? [0]).map((i) => yamlValue(axis, i)))}`;
  };
  const zip = together.length ? [`    zip: [[${together.join(", ")}]]`] : [];
  return ["experiments:", `  - dataset: ${JSON.stringify(data.name)}`, ...data.order.map(line), ...zip, ""].join("\n");
}

function yamlList(texts) {
  return texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`;
}

// Returns a value as YAML. JSON texts are YAML, and a number keeps its text in the table.
function yamlValue({ values, texts }, i) {
  if (values[i] === null) return "null";
  return typeof values[i] === "string" ? JSON.stringify(values[i]) : texts[i];
}

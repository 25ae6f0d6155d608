// The section Explore: controls, the linked views, and the table of results, which shows the same selection.

class Explore {
  constructor(section, datasets) {
    this.section = section;
    this.datasets = datasets;
    this.hovered = null;
    this.find = (name) => section.querySelector(`[data-part=${name}]`);
    this.table = TABLES.get("results");
    this.views = [new Parallel(this.find("parallel"), this), new Scatter(this.find("scatter"), this), new Curves(this.find("curves"), this)];
    this.makeControls();
    this.bindTable();
    this.open();
    new ResizeObserver(() => this.resize()).observe(this.find("views"));
    addEventListener("schemechange", () => this.views.forEach((view) => view.draw()));
  }

  makeControls() {
    const names = this.datasets.map(({ name }) => name);
    this.dataset = this.choice("dataset", names.map((name) => [name, name]), () => this.open());
    this.metric = this.choice("metric", [], () => this.open(this.metric.value));
    this.axis = this.choice("axis", [], () => this.chooseAxis());
    this.find("clear").addEventListener("click", () => this.clear());
    this.section.addEventListener("keydown", (event) => event.key === "Escape" && this.clear());
    this.find("copy").addEventListener("click", () => this.copy());
    this.find("yaml").closest("details").addEventListener("toggle", () => this.writeYaml());
  }

  choice(name, options, action) {
    const select = this.find(name);
    this.fill(select, options);
    select.addEventListener("change", action);
    return select;
  }

  // Fills a list with [value, text] pairs. A list with one option is hidden.
  fill(select, options) {
    select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
    select.closest("label").hidden = options.length < 2;
  }

  // Shows the dataset that is chosen, with one of its metrics.
  open(split) {
    const data = this.datasets.find(({ name }) => name === this.dataset.value);
    this.runs = new Runs(data, split);
    this.rowOf = new Map(data.rows.map((row, run) => [this.table.original[row], run]));
    this.fill(this.metric, data.splits.map(({ name }) => [name, `misclassified, ${name}`]));
    this.metric.value = this.runs.split.name;
    this.fill(this.axis, data.axes.map(({ name, title }) => [name, title]));
    this.axis.value = this.views[1].dimension.name;
    for (const name of ["parallel", "scatter"]) this.find(name).closest("figure").hidden = !data.axes.length;
    this.find("axis-title").textContent = this.views[1].dimension.title;
    this.find("common").replaceChildren(...this.commonValues(data));
    this.makeRanges();
    this.hovered = null;
    this.resize();
    this.update();
  }

  commonValues(data) {
    return Object.values(data.common).map(({ title, texts }) => element("li", { textContent: `${title}: ${texts[0]}` }));
  }

  chooseAxis() {
    this.views[1].name = this.axis.value;
    this.find("axis-title").textContent = this.views[1].dimension.title;
    this.views[1].resize();
    this.views[1].draw();
  }

  // Two sliders for each dimension: the smallest and the largest selected value.
  makeRanges() {
    this.sliders = this.runs.dimensions.map((dimension) => {
      const last = dimension.values.length - 1;
      const [from, to] = ["from", "to"].map((end) => {
        const slider = element("input", { type: "range", min: 0, max: last, step: 1 });
        slider.setAttribute("aria-label", `${dimension.title}, ${end}`);
        return slider;
      });
      const shown = element("output");
      const group = element("fieldset", {}, element("legend", { textContent: dimension.title }), from, to, shown);
      group.addEventListener("input", ({ target }) => {
        if (target === from) to.value = Math.max(to.value, from.value);
        else from.value = Math.min(to.value, from.value);
        this.runs.setRange(dimension, Number(from.value), Number(to.value));
        this.views[0].sync();
        this.update();
      });
      return { dimension, from, to, shown, group, last };
    });
    this.find("ranges").replaceChildren(...this.sliders.map(({ group }) => group));
  }

  showRanges() {
    for (const { dimension, from, to, shown, last } of this.sliders) {
      const [low, high] = this.runs.ranges.get(dimension.name) ?? [0, last];
      [[from, low], [to, high]].forEach(([slider, value]) => {
        slider.value = value;
        slider.setAttribute("aria-valuetext", dimension.texts[value]);
      });
      const [first, end] = [dimension.texts[low], dimension.texts[high]];
      shown.textContent = first === end ? first : `${first} to ${end}`;
    }
  }

  // Limits a dimension to the values between two pixels; null for no limit. at: the pixel of each value.
  limit(dimension, at, selection) {
    const [low, high] = selection ?? [-Infinity, Infinity];
    const within = at.map((place, i) => [place, i]).filter(([place]) => place >= low && place <= high).map(([, i]) => i);
    if (within.length) this.runs.setRange(dimension, within[0], within.at(-1));
    this.update();
  }

  clear() {
    this.runs.clear();
    this.views[0].sync();
    this.update();
  }

  pick(run, keepOthers) {
    this.runs.togglePick(run, keepOthers);
    this.update();
  }

  // Names a run and marks it in all views; null for none.
  hover(run) {
    if (run === this.hovered) return;
    this.hovered = run;
    this.views.forEach((view) => view.highlight());
    const { result, values, name } = run === null ? { result: "", values: "", name: "" } : this.runs.describe(run);
    this.find("result").textContent = result;
    this.find("values").textContent = values;
    this.find("name").textContent = name;
  }

  resize() {
    this.views.forEach((view) => view.place.clientWidth && view.resize());
    this.views.forEach((view) => view.width && view.draw());
  }

  // Shows the selection everywhere, at most once a frame.
  update() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      const selected = new Set(this.runs.select());
      if (this.hovered !== null && !selected.has(this.hovered)) this.hovered = null;
      this.views.forEach((view) => view.width && view.draw());
      this.showRanges();
      const counts = [selected.size, this.runs.count].map((count) => count.toLocaleString("en"));
      this.find("count").textContent = `${counts[0]} of ${counts[1]} runs selected`;
      this.find("clear").disabled = !this.runs.restricted;
      const fits = (row) => selected.has(this.rowOf.get(row));
      this.table.restrict("explore", this.runs.restricted ? fits : null);
      this.writeYaml();
    });
  }

  writeYaml() {
    const text = this.find("yaml");
    if (!text.closest("details").open) return;
    text.value = experimentYaml(this.runs.data, this.runs.selected);
    this.find("copied").textContent = "";
  }

  async copy() {
    const text = this.find("yaml");
    text.select();
    try {
      await navigator.clipboard.writeText(text.value);
      this.find("copied").textContent = "Copied.";
    } catch {
      this.find("copied").textContent = "The browser refused; the text is selected, copy it with Ctrl+C.";
    }
  }

  // Rows show their run in the views when the pointer or the focus is on them; Enter or Space picks the run.
  bindTable() {
    const body = this.table.table.tBodies[0];
    const runOf = (event) => this.rowOf.get(event.target.closest("tr")) ?? null;
    body.addEventListener("pointerover", (event) => this.hover(runOf(event)));
    body.addEventListener("pointerleave", () => this.hover(null));
    body.addEventListener("focusin", (event) => this.hover(runOf(event)));
    body.addEventListener("focusout", () => this.hover(null));
    body.addEventListener("keydown", (event) => this.pressed(event, runOf(event)));
    const focusable = (rows) => rows.forEach((row, i) => (row.tabIndex = i ? -1 : 0));
    this.table.listeners.push(focusable);
    focusable([...body.rows]);
  }

  // One row is in the order of the Tab key; the arrow keys move between rows.
  pressed(event, run) {
    const row = event.target.closest("tr");
    const next = { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling }[event.key];
    if (next) {
      [row.tabIndex, next.tabIndex] = [-1, 0];
      next.focus();
    } else if (run !== null && (event.key === "Enter" || event.key === " ")) this.pick(run, event.shiftKey);
    else if (event.key === "Escape") this.clear();
    else return;
    event.preventDefault();
  }
}

const EXPLORE = new Explore(document.getElementById("explore"), JSON.parse(document.getElementById("runs").textContent));

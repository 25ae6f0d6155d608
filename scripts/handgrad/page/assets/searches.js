// The settings of a search with halving: their validation faults at each stop, until they were stopped.

class Stops extends View {
  layout() {
    const { data } = this.explore;
    const rates = data.rates.flat().filter((rate) => rate !== null);
    const [low, high] = rates.length ? [rates.reduce((a, b) => Math.min(a, b)), rates.reduce((a, b) => Math.max(a, b))] : [0, 1];
    const [left, right, top, bottom] = [MARGIN.left, this.width - MARGIN.right, MARGIN.top + ROOM, this.height - MARGIN.bottom];
    const kind = low > 0 && high > 4 * low ? "log" : "linear";
    const x = pointScale(data.until.length, [left, right]);
    const y = numberScale([low, high], [bottom, top], kind);
    const diverged = [MARGIN.top + ROOM / 3, DIVERGED];
    this.pixel = (part, rate) => [x(part), rate === null ? diverged[0] : y(rate)];
    this.axis("bottom", bottom, data.until.map((epochs, part) => [x(part), `after epoch ${epochs}`]), [left, right]);
    this.axis("left", left, [...roundTicks(y, kind, bottom - top), diverged], [MARGIN.top, bottom]);
    this.title(4, 12, "misclassified, validation (%)", "start");
  }

  points(setting) {
    const { rates, last } = this.explore.data;
    return rates.slice(0, last[setting] + 1).map((part, i) => this.pixel(i, part[setting]));
  }

  trace(context, setting) {
    const points = this.points(setting);
    context.moveTo(...points[0]);
    points.forEach((point) => context.lineTo(...point));
    const [x, y] = points.at(-1);
    context.moveTo(x + 2.5, y);
    context.arc(x, y, 2.5, 0, 2 * Math.PI);
  }

  nearest(x, y) {
    const distance = (setting) => Math.min(...this.points(setting).map((point) => Math.hypot(point[0] - x, point[1] - y)));
    return closest(this.explore.runs.selected, distance);
  }
}

// A search in the place of Explore for its view: all settings are shown, and none can be selected.
class Searches {
  constructor(figure, searches) {
    this.figure = figure;
    this.searches = searches;
    this.hovered = null;
    const select = figure.querySelector("select");
    select.replaceChildren(...searches.map(({ name }) => new Option(name)));
    select.closest("div").hidden = searches.length < 2;
    select.addEventListener("change", () => this.open(searches[select.selectedIndex]));
    this.view = new Stops(figure.querySelector(".drawing"), this);
    this.open(searches[0]);
    new ResizeObserver(() => this.draw()).observe(figure);
    addEventListener("schemechange", () => this.view.draw());
  }

  open(data) {
    this.data = data;
    const order = data.last.map((_, setting) => setting);
    const rank = (setting) => 1 - data.last[setting] / Math.max(1, data.until.length - 1);
    this.runs = { order, selected: order, count: order.length, rank, side: () => 0 };
    this.draw();
  }

  draw() {
    if (!this.view.place.clientWidth) return;
    this.view.resize();
    this.view.draw();
  }

  pick() {}

  hover(setting) {
    this.hovered = setting;
    this.view.highlight();
    const { axes, last, rates, until } = this.data;
    const end = setting === null ? "" : rates[last[setting]][setting];
    const result = setting === null ? "" : `${end === null ? DIVERGED : percentText(end)} after epoch ${until[last[setting]]}`;
    this.figure.querySelector(".result").textContent = result;
    const values = setting === null ? [] : axes.map((axis) => `${axis.title} ${axis.texts[axis.at[setting]]}`);
    this.figure.querySelector(".values").textContent = values.join(", ");
  }
}

const SEARCHES = JSON.parse(document.getElementById("search-data").textContent);
const SEARCH = SEARCHES.length ? new Searches(document.getElementById("searches"), SEARCHES) : null;

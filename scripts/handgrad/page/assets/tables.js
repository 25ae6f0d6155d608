// Tables: sorting by a click on a title, filters by words and by values, and few rows at first if there are many.

const MOST_VALUES = 20; // a column with more values has no list to choose from
const FEW_ROWS = 8; // a table with at most this number of rows has no filter
const FIRST_ROWS = 100; // rows that are shown at first: thousands of rows take seconds to lay out

// Returns the sort key of a cell: a number, a text, or null for a blank cell. Blank cells are last in both directions.
function sortKey(cell) {
  const text = cell.textContent.trim();
  if (text === "") return null;
  if (cell.classList.contains("t")) return text;
  const number = parseFloat(text.replaceAll(",", ""));
  return Number.isNaN(number) ? text : number;
}

function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function button(text, action) {
  const made = element("button", { type: "button", textContent: text });
  made.addEventListener("click", action);
  return made;
}

function labelled(text, control) {
  return element("label", {}, text, control);
}

function selectFor(values) {
  const select = document.createElement("select");
  select.add(new Option("all", ""));
  values.forEach((value, i) => select.add(new Option(value || "(none)", String(i + 1))));
  return select;
}

// A table whose rows can be sorted and filtered. Rows that are not shown are not in the document.
class Table {
  constructor(container) {
    this.container = container;
    this.table = container.querySelector("table");
    this.heads = [...this.table.tHead.rows[0].cells];
    this.rows = [...this.table.tBodies[0].rows]; // in the present order
    this.original = [...this.rows];
    this.tests = new Map(); // name of a filter -> function of a row
    this.all = this.rows.length <= FIRST_ROWS;
    this.listeners = [];
    this.makeSortable();
    this.count = element("output");
    if (this.rows.length > FEW_ROWS) this.container.before(this.filterBar());
    this.more = button("", () => this.showAll());
    this.container.after(this.more);
    this.show();
    container.classList.remove("loading");
  }

  // Shows only rows for which the test is true. name: of the filter; a later test with this name replaces it.
  restrict(name, test) {
    if (test) this.tests.set(name, test);
    else this.tests.delete(name);
    this.show();
  }

  showAll() {
    this.all = true;
    this.show();
  }

  show() {
    const tests = [...this.tests.values()];
    const fitting = this.rows.filter((row) => tests.every((test) => test(row)));
    const shown = this.all ? fitting : fitting.slice(0, FIRST_ROWS);
    this.table.tBodies[0].replaceChildren(...shown);
    this.count.textContent = `${fitting.length.toLocaleString("en")} of ${this.rows.length.toLocaleString("en")} rows`;
    this.more.hidden = shown.length === fitting.length;
    this.more.textContent = `Show all ${fitting.length.toLocaleString("en")} rows`;
    this.listeners.forEach((listener) => listener(shown));
  }

  sort(column, descending) {
    const keyed = this.rows.map((row) => [sortKey(row.cells[column]), row]);
    const blank = keyed.filter(([key]) => key === null);
    const filled = keyed.filter(([key]) => key !== null);
    filled.sort(([a], [b]) => (descending ? compare(b, a) : compare(a, b))); // stable: equal rows keep their order
    this.rows = [...filled, ...blank].map(([, row]) => row);
    this.show();
  }

  makeSortable() {
    this.heads.forEach((head, column) => {
      const sorter = button("", () => {
        const descending = head.getAttribute("aria-sort") === "ascending";
        this.heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", descending ? "descending" : "ascending");
        this.sort(column, descending);
      });
      sorter.append(...head.childNodes);
      head.append(sorter);
    });
  }

  filterBar() {
    const words = element("input", { type: "search" });
    const choices = this.heads.flatMap((head, column) => this.choice(head, column));
    const apply = () => {
      const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      const chosen = choices.filter(({ select }) => select.value !== "");
      const fits = (row) =>
        wanted.every((word) => this.text(row).includes(word)) &&
        chosen.every(({ column, values, select }) => row.cells[column].textContent === values[select.value - 1]);
      this.restrict("bar", wanted.length || chosen.length ? fits : null);
    };
    const clear = button("Clear filters", () => {
      words.value = "";
      choices.forEach(({ select }) => (select.value = ""));
      apply();
    });
    const selects = choices.map(({ title, select }) => labelled(title, select));
    const bar = element("div", { className: "filter" }, labelled("Rows with these words", words), ...selects, clear, this.count);
    bar.addEventListener("input", apply);
    return bar;
  }

  // Returns the list of a column with few values, or nothing.
  choice(head, column) {
    if (!("choose" in head.dataset)) return [];
    const values = [...new Set(this.rows.map((row) => row.cells[column].textContent))].sort(compare);
    if (values.length < 2 || values.length > MOST_VALUES) return [];
    return [{ column, values, select: selectFor(values), title: head.textContent }];
  }

  text(row) {
    this.texts ??= new Map();
    if (!this.texts.has(row)) {
      this.texts.set(row, [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase());
    }
    return this.texts.get(row);
  }
}

const TABLES = new Map();
for (const container of document.querySelectorAll(".scroll[data-table]")) {
  TABLES.set(container.dataset.table, new Table(container));
}
addEventListener("beforeprint", () => TABLES.forEach((table) => table.showAll()));

// Makes tables sortable by a click on a title, and adds filters by words and by values.
"use strict";

const MOST_VALUES = 20; // a column with more values has no list to choose from
const FEW_ROWS = 8; // a table with at most this number of rows has no filter

// Returns the sort key of a cell: a number, a text, or null for a blank cell. Blank cells are last in both directions.
function sortKey(cell) {
  const text = cell.textContent.trim();
  if (text === "") return null;
  if (!cell.classList.contains("n")) return text;
  const number = parseFloat(text.replaceAll(",", ""));
  return Number.isNaN(number) ? text : number;
}

function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

function sortRows(table, column, descending) {
  const rows = [...table.tBodies[0].rows].map((row) => [sortKey(row.cells[column]), row]);
  const blank = rows.filter(([key]) => key === null);
  const filled = rows.filter(([key]) => key !== null);
  filled.sort(([a], [b]) => (descending ? compare(b, a) : compare(a, b))); // stable: equal rows keep their order
  table.tBodies[0].append(...[...filled, ...blank].map(([, row]) => row));
}

function makeSortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      sortRows(table, column, descending);
    });
  });
}

function labelled(text, control) {
  const label = document.createElement("label");
  label.append(text, control);
  return label;
}

function valuesOf(rows, column) {
  return [...new Set(rows.map((row) => row.cells[column].textContent))].sort(compare);
}

function selectFor(values) {
  const select = document.createElement("select");
  select.add(new Option("all", ""));
  values.forEach((value, i) => select.add(new Option(value || "(none)", String(i + 1))));
  return select;
}

function makeFilterable(table, container) {
  const rows = [...table.tBodies[0].rows];
  if (rows.length <= FEW_ROWS) return;
  const texts = new Map(rows.map((row) => [row, [...row.cells].map((c) => c.textContent).join(" ").toLowerCase()]));
  const words = document.createElement("input");
  words.type = "search";
  const choices = [];
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const values = "choose" in head.dataset ? valuesOf(rows, column) : [];
    if (values.length < 2 || values.length > MOST_VALUES) return;
    choices.push({ column, values, select: selectFor(values), title: head.textContent });
  });
  const shown = document.createElement("output");
  const everything = document.createElement("button");
  everything.type = "button";
  everything.textContent = "Show all";

  function apply() {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = choices.filter(({ select }) => select.value !== "");
    let count = 0;
    for (const row of rows) {
      const fits =
        wanted.every((word) => texts.get(row).includes(word)) &&
        chosen.every(({ column, values, select }) => row.cells[column].textContent === values[select.value - 1]);
      row.hidden = !fits;
      count += fits;
    }
    shown.textContent = `${count} of ${rows.length} rows`;
  }

  everything.addEventListener("click", () => {
    words.value = "";
    choices.forEach(({ select }) => (select.value = ""));
    apply();
  });
  const bar = document.createElement("div");
  bar.className = "filter";
  bar.append(labelled("Rows with these words", words));
  bar.append(...choices.map(({ title, select }) => labelled(title, select)), everything, shown);
  bar.addEventListener("input", apply);
  container.before(bar);
  apply();
}

addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => (part.open = true)));

document.querySelectorAll(".scroll").forEach((container) => {
  const table = container.querySelector("table");
  makeFilterable(table, container);
  makeSortable(table);
});

// Tables sort by their columns, show the rows that match, keep their first columns in sight, and are kept as CSV.
const FEW = 5; // rows that need no filter
const SHARE = 0.62; // of the room, for the columns that stay in sight

function button(words, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = words;
  made.addEventListener("click", () => act(made));
  return made;
}

// A cell of text that a spreadsheet would take for a formula begins with an apostrophe.
function csvCell(value) {
  if (value === null || value === undefined) return "";
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) && Number.isNaN(Number(value)) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function csv(rows) {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = rows.map((row) => names.map((name) => csvCell(Object.hasOwn(row, name) ? row[name] : "")).join(","));
  return `${[names.map(csvCell).join(","), ...lines].join("\r\n")}\r\n`;
}

function download(name, rows) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["\ufeff", csv(rows)], { type: "text/csv;charset=utf-8" }));
  link.download = `${name}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function sortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const sort = button("", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...table.tBodies[0].rows].map((row) => ({ row, cell: row.cells[column] }));
      const compare = ({ cell: a }, { cell: b }) => {
        const [x, y] = [a.dataset.value, b.dataset.value];
        if (x === undefined && y === undefined) return a.textContent.localeCompare(b.textContent, "en", { numeric: true });
        return x === undefined ? 1 : y === undefined ? -1 : Number(x) - Number(y);
      };
      rows.sort((a, b) => (down ? compare(b, a) : compare(a, b)));
      table.tBodies[0].append(...rows.map(({ row }) => row));
    });
    sort.append(...head.childNodes);
    sort.className = "sort";
    if (head.dataset.term) sort.setAttribute("aria-describedby", `term-${head.dataset.term.replaceAll(" ", "-")}`);
    head.append(sort);
  });
}

function filtered(table, bar) {
  const rows = [...table.tBodies[0].rows];
  if (rows.length <= FEW) return;
  const label = bar.appendChild(document.createElement("label"));
  label.append("Rows with ");
  const input = label.appendChild(document.createElement("input"));
  input.type = "search";
  input.placeholder = "tanh 0.9";
  const count = bar.appendChild(document.createElement("span"));
  count.setAttribute("role", "status");
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const cells = [...row.cells].map((cell) => cell.textContent.toLowerCase());
      row.hidden = !words.every((word) => cells.some((cell) => cell.includes(word)));
    }
    const shown = rows.filter((row) => !row.hidden).length;
    count.textContent = words.length ? `${shown} of ${rows.length} rows` : "";
  });
}

// As many of the columns that name a row as leave room for the others.
function fixed(table) {
  const heads = [...table.tHead.rows[0].cells];
  const most = table.parentElement.clientWidth * SHARE;
  let left = 0;
  heads.forEach((head, column) => {
    const width = head.getBoundingClientRect().width;
    const stays = head.classList.contains("name") && left + width <= most;
    for (const row of table.rows) {
      row.cells[column].classList.toggle("fixed", stays);
      row.cells[column].style.left = stays ? `${left}px` : "";
    }
    left = stays ? left + width : Infinity;
  });
}

function prepared(data) {
  for (const table of document.querySelectorAll("table[data-table]")) {
    const bar = document.createElement("div");
    bar.className = "bar";
    filtered(table, bar);
    bar.append(button("Save as CSV", () => download(table.dataset.table, data[table.dataset.table])));
    table.parentElement.before(bar);
    sortable(table);
  }
}

function fixAll() {
  document.querySelectorAll("table[data-table]").forEach(fixed);
}

// The expert pass by keys: a digit chooses a label, a letter says what holds of it, Enter saves.

const form = document.getElementById("pass");
const told = document.getElementById("told");
const rows = [...form.querySelectorAll(".verdict")];
const keyed = [...form.querySelectorAll("[data-key]")];
const VERDICTS = Object.fromEntries(keyed.map((radio) => [radio.dataset.key, radio.value]));
let at = 0;
let asks = null; // the row whose other label's number is to come
const undone = []; // [row, the value that it had, its other label]

const radios = (row) => [...row.querySelectorAll("[type=radio]")];
const select = (row) => row.querySelector("select");
const value = (row) => radios(row).find((radio) => radio.checked)?.value ?? "";

function go(to) {
  at = Math.max(0, Math.min(to, rows.length - 1));
  rows.forEach((row, number) => row.classList.toggle("on", number === at));
  rows[at]?.focus({ preventScroll: true });
  rows[at]?.scrollIntoView({ block: "nearest" });
}

function set(row, verdict, other) {
  for (const radio of radios(row)) {
    radio.checked = radio.value === verdict;
  }
  if (select(row)) {
    select(row).value = other;
  }
}

function say(row, verdict, other = "") {
  undone.push([row, value(row), select(row)?.value ?? ""]);
  set(row, verdict, other);
}

function verdict(name) {
  const row = rows[at];
  if (name !== "same_object_as") {
    say(row, name);
    told.textContent = "";
    go(at + 1);
  } else if (select(row)) {
    asks = row;
    told.textContent = "The same object as: press the other label's number, or Esc.";
  }
}

function other(number) {
  const option = select(asks).querySelector(`[data-number="${number}"]`);
  if (!option) {
    told.textContent = "No other label has that number.";
    return;
  }
  say(asks, "same_object_as", option.value);
  told.textContent = "";
  asks = null;
  go(at + 1);
}

function undo() {
  if (undone.length) {
    const [row, before, same] = undone.pop();
    set(row, before, same);
    go(rows.indexOf(row));
    told.textContent = "Undone.";
  } else {
    document.querySelector("[data-pass=before]")?.click();
  }
}

function overrules() {
  return rows.some((row) => row.dataset.overruling.split(" ").includes(value(row)));
}

form.addEventListener("submit", (event) => {
  if (event.submitter?.name === "take_back") {
    return;
  }
  if (!rows.some(value)) {
    event.preventDefault();
    told.textContent = "Give a verdict on a label at least, or skip the image.";
  } else if (overrules() && !form.elements.why.value.trim()) {
    event.preventDefault();
    told.textContent = "You overrule the crowd: say why, then press Enter.";
    form.elements.why.focus();
  }
});
for (const row of rows) {
  row.addEventListener("change", () => { asks = null; });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  const { key, target } = event;
  if (target === form.elements.why) {
    if (key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      form.requestSubmit();
    } else if (key === "Escape") {
      go(at);
    }
    return;
  }
  if (target.matches("select, a, button, summary") && key === "Enter") {
    return;
  }
  if (target.matches("select, textarea, input:not([type=radio])") || !rows.length) {
    return;
  }
  const digit = /^[1-9]$/.test(key) ? Number(key) : 0;
  if (digit && asks) {
    other(digit);
  } else if (digit && digit <= rows.length) {
    go(digit - 1);
  } else if (key === "Escape" && asks) {
    asks = null;
    told.textContent = "";
  } else if (key === "ArrowDown" || key === "ArrowUp") {
    go(at + (key === "ArrowDown" ? 1 : -1));
  } else if (key in VERDICTS) {
    verdict(VERDICTS[key]);
  } else if (key === "Enter") {
    form.requestSubmit();
  } else if (key === "u") {
    undo();
  } else if (key === "x") {
    document.querySelector("[data-pass=skip]")?.click();
  } else if (key === "r") {
    form.elements.why.focus();
  } else {
    return;
  }
  event.preventDefault();
});
form.closest(".pass").classList.add("by-key");
go(0);

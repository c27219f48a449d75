// Measures the work: active seconds, what the hand does, and under which conditions.

const form = document.querySelector("form.work");

// Active: the page is visible and the worker did something on it within the last half minute.

const seconds = form.elements.namedItem("active_seconds");
const PATIENCE = 30_000;
let active = Number(seconds.value) || 0;
let last = performance.now();
let lastSign = last;
let visible = document.visibilityState === "visible";

function count() {
  const now = performance.now();
  if (visible) {
    active += Math.max(0, Math.min(now, lastSign + PATIENCE) - last) / 1000;
  }
  last = now;
  visible = document.visibilityState === "visible";
}

for (const sign of ["pointermove", "pointerdown", "keydown", "scroll"]) {
  addEventListener(sign, () => {
    count();
    lastSign = last;
  }, { passive: true });
}
document.addEventListener("visibilitychange", count);
form.addEventListener("restored", () => { active = Math.max(active, Number(seconds.value) || 0); });

// Writes the seconds so far into the form.
export function writeSeconds() {
  count();
  seconds.value = active.toFixed(1);
}

// The hand: events, choices, and how evenly the choices come.

const hand = form.elements.namedItem("hand");

let events = 0;
for (const sign of ["pointermove", "pointerdown", "keydown", "click"]) {
  addEventListener(sign, (event) => { events += event.isTrusted; }, { passive: true, capture: true });
}

// Mean and squared deviations of the seconds between choices, kept up one by one (Welford).
let choices = 0;
let lastChoice = 0;
let pace = 0;
let squares = 0;

form.addEventListener("change", () => {
  const now = performance.now() / 1000;
  if (choices > 0) {
    const apart = now - lastChoice - pace;
    pace += apart / choices;
    squares += apart * (now - lastChoice - pace);
  }
  choices += 1;
  lastChoice = now;
});

form.addEventListener("submit", () => {
  const spread = choices > 2 ? Math.sqrt(squares / (choices - 2)) : 0;
  hand.value = JSON.stringify({ events, choices, pace, spread });
});

// Conditions: device, viewport, and by item what is enlarged and changed.

const field = form.elements.namedItem("conditions");
let counts = { zooms: {}, changes: {} };

// What was counted before a reload, if the field was restored with the draft.
function takeUp() {
  try {
    const { zooms, changes } = JSON.parse(field.value);
    counts = { zooms: { ...zooms }, changes: { ...changes } };
  } catch { /* nothing yet */ }
}

function add(what, item) {
  counts[what][item] = (counts[what][item] ?? 0) + 1;
  write();
}

// The item that a control belongs to; "none" on a card of one picture is that picture's "No".
function itemOf(input) {
  const fieldset = input.closest("fieldset");
  if (fieldset?.dataset.item) {
    return fieldset.dataset.item;
  }
  if (/^(selected|maybe|unseen)$/.test(input.name)) {
    return input.value;
  }
  const tiles = fieldset?.querySelectorAll("input[name=selected]");
  return tiles?.length === 1 ? tiles[0].value : undefined;
}

function write() {
  field.value = JSON.stringify({
    device: matchMedia("(pointer: coarse)").matches ? "touch" : "mouse",
    viewport: `${innerWidth}x${innerHeight}`,
    ...counts,
  });
}

// Scripts change several inputs for one choice (Yes undoes No): that is one change of the item.
const touched = new Set();

form.addEventListener("change", (event) => {
  const item = itemOf(event.target);
  if (item && !touched.has(item)) {
    touched.add(item);
    setTimeout(() => touched.clear());
    add("changes", item);
  }
}, { capture: true });  // before the draft is kept
form.addEventListener("zoomed", (event) => add("zooms", event.target.dataset.picture));
form.addEventListener("submit", write, { capture: true });
form.addEventListener("restored", takeUp);
takeUp();
write();

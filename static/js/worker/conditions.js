// Notes under which conditions a HIT is answered: device, viewport, what is enlarged and changed.

const form = document.querySelector("form.work");
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

// Scripts change several inputs for one choice (Yes undoes No): that is one change of the item.
const touched = new Set();

function write() {
  for (const item of touched) {
    add("changes", item);
  }
  touched.clear();
  field.value = JSON.stringify({
    device: matchMedia("(pointer: coarse)").matches ? "touch" : "mouse",
    viewport: `${innerWidth}x${innerHeight}`,
    ...counts,
  });
}

form.addEventListener("change", (event) => {
  const item = itemOf(event.target);
  if (item) {
    setTimeout(write);
    touched.add(item);
  }
});
form.addEventListener("zoomed", (event) => {
  add("zooms", event.target.dataset.picture);
  write();
});
form.addEventListener("submit", write, { capture: true });
form.addEventListener("restored", takeUp);
takeUp();
write();

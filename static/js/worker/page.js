// What every HIT's page has: its form, its words, the browser's storage, and keys.

export const form = document.querySelector("form.work");

export const one = (selector, within = form) => within.querySelector(selector);
export const all = (selector, within = form) => [...within.querySelectorAll(selector)];

// The way that lines are read: -1 from right to left.
export const forward = document.dir === "rtl" ? -1 : 1;

export function on(target, types, listener, options) {
  types.split(" ").forEach((type) => target.addEventListener(type, listener, options));
}

export function check(box, checked) {
  if (box && box.checked !== checked) {
    box.checked = checked;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

// A sentence of the page, in its language; `{name}` is filled in.
export function words(name, values = {}) {
  const text = one(`[data-say=${name}]`, document.getElementById("words").content).textContent;
  return text.replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

// What `use` makes of the storage; null where a frame has none.
export function stored(use) {
  try {
    return use(localStorage);
  } catch {
    return null;
  }
}

// Keys that act alone, without Ctrl or Alt, can be turned off (WCAG 2.1.4).

const TYPED = "textarea, select, input:not([type=checkbox], [type=radio])";
let enabled = stored((storage) => storage.getItem("keys")) !== "off";

export const singleKeysOn = () => enabled;

const alone = (event) => enabled && !event.ctrlKey && !event.altKey && !event.metaKey && !event.isComposing;

// The key, in lower case, if it may act alone: in a question, and never where one types.
export function single(event) {
  const { key, target } = event;
  return alone(event) && target.closest("[data-section], [data-item]") && !target.matches(TYPED)
    ? key.toLowerCase() : null;
}

const list = one("dialog.keys", document);
const toggle = one("input", list);
toggle.checked = enabled;
on(toggle, "change", () => {
  enabled = toggle.checked;
  stored((storage) => storage.setItem("keys", enabled ? "on" : "off"));
  form.dispatchEvent(new CustomEvent("keys"));
});

const button = one(".bar .keys");
button.hidden = false;
on(button, "click", () => list.showModal());

// Who goes from page to page by keyboard finds the focus where the work begins.
const cameByKeys = stored((storage) => storage.getItem("hand")) === "keys";
let hand = "";
on(window, "keydown pointerdown", ({ type }) => { hand = type === "keydown" ? "keys" : ""; }, true);
on(window, "pagehide", () => stored((storage) => storage.setItem("hand", hand)));

export function beginAt(element) {
  if (cameByKeys && document.activeElement === document.body && !document.getElementById("problems")) {
    element?.focus({ preventScroll: true });
  }
}

// The instructions once more, to lie over the page.
const prose = one("details.instructions .prose", document);
one("dialog.instructions h2", document).after(prose.cloneNode(true));

// After the questions' own listeners, which prevent what they have dealt with.
on(document, "keydown", (event) => {
  if (event.defaultPrevented) {
    return;
  }
  const { target, key } = event;
  const submit = one(".bar .main");
  const open = one("dialog[open]", document);
  const overlay = one(`dialog[data-key="${CSS.escape(key.toLowerCase())}"]`, document);
  if (open) {  // the key that opened it closes it
    if (open !== overlay || !alone(event)) {
      return;
    }
    open.close();
  } else if (overlay && single(event)) {
    overlay.showModal();
  } else if (key === "Enter" && (event.ctrlKey || event.metaKey)) {
    form.requestSubmit(submit);
  } else if (key === "Enter" && target.matches("input[type=checkbox], input[type=radio]")) {
    target.click();  // rather than send the form
  } else if (key === "Enter" && target.type === "text") {
    // It would send the form.
  } else if (key === "End" && event.ctrlKey && !target.matches(TYPED)) {
    submit.focus();
  } else {
    return;
  }
  event.preventDefault();
});

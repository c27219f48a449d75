// Keys: which may act alone, the list of them under "?", and what Enter and Ctrl mean on each page.

const form = document.querySelector("form.work");
const TYPED = "textarea, select, input:not([type=checkbox], [type=radio])";

// What a storage of the browser knows of keys; a frame may have none, and then nothing is remembered.
function recall(storage) {
  try {
    return window[storage].getItem("keys");
  } catch {
    return null;
  }
}

function remember(storage, word) {
  try {
    window[storage].setItem("keys", word);
  } catch {
    // As if for the first time.
  }
}

let on = recall("localStorage") !== "off";

// Whether letters, digits and signs act without Ctrl or Alt (WCAG 2.1.4).
export const singleKeysOn = () => on;

// Whether a key pressed alone may act: only inside a question, and never where one types.
export function single(event) {
  return on && !event.ctrlKey && !event.altKey && !event.metaKey && !event.isComposing
    && event.target.closest("[data-section], [data-item]") !== null && !event.target.matches(TYPED);
}

const dialog = document.querySelector("dialog.keys");
const toggle = dialog.querySelector("input");
toggle.checked = on;
toggle.addEventListener("change", () => {
  on = toggle.checked;
  remember("localStorage", on ? "on" : "off");
  form.dispatchEvent(new CustomEvent("keys"));
});

const button = form.querySelector(".bar .keys");
button.hidden = false;
button.addEventListener("click", () => dialog.showModal());

// Whether the page is left, and the page before was left, by somebody who uses the keyboard.
const cameByKeys = recall("sessionStorage") === "used";
let byKeys = false;
addEventListener("keydown", () => { byKeys = true; }, { capture: true });
addEventListener("pointerdown", () => { byKeys = false; }, { capture: true });
addEventListener("pagehide", () => remember("sessionStorage", byKeys ? "used" : "not used"));

// Puts the focus where the work begins, for somebody who goes from page to page by keyboard.
export function beginAt(element) {
  if (cameByKeys && document.activeElement === document.body && !document.getElementById("problems")) {
    element.focus({ preventScroll: true });
  }
}

// After the listeners of the questions themselves, which prevent what they have dealt with.
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || document.querySelector("dialog[open]")) {
    return;
  }
  const { target, key } = event;
  const submit = form.querySelector(".bar .main");
  if (key === "?" && single(event)) {
    dialog.showModal();
  } else if (key === "Enter" && (event.ctrlKey || event.metaKey)) {
    form.requestSubmit(submit);
  } else if (key === "Enter" && target.matches("input[type=checkbox], input[type=radio]")) {
    target.click();  // rather than send the form
  } else if (key === "End" && event.ctrlKey && !target.matches(TYPED)) {
    submit.focus();
  } else {
    return;
  }
  event.preventDefault();
});

// The instructions once more, over the page, where the worker is: i opens and closes them.

const prose = document.querySelector("details.instructions .prose");
const howTo = document.querySelector("dialog.instructions");

document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "i" || !(single(event) || howTo.open)) {
    return;
  }
  event.preventDefault();
  if (howTo.open) {
    howTo.close();
  } else {
    howTo.querySelector("h2").after(prose.cloneNode(true));
    howTo.showModal();
  }
});
howTo.addEventListener("close", () => howTo.querySelector(".prose").remove());

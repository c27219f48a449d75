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

const dialog = document.createElement("dialog");
dialog.className = "keys";
dialog.setAttribute("aria-labelledby", "keys-title");
dialog.innerHTML = `
  <h2 id="keys-title">Keys</h2>
  <dl></dl>
  <p><input type="checkbox" id="keys-on"> <label for="keys-on">Use the keys that are one letter, digit or sign</label></p>
  <p class="quiet">They act only while you are at a picture. This device remembers your choice.</p>
  <form method="dialog"><button>Close</button></form>`;
document.body.append(dialog);

const toggle = dialog.querySelector("input");
toggle.checked = on;
toggle.addEventListener("change", () => {
  on = toggle.checked;
  remember("localStorage", on ? "on" : "off");
  form.dispatchEvent(new CustomEvent("keys"));
});

// Lists the keys of this kind of page: [["Space x", "select the picture"], ...].
export function describe(list) {
  const shared = [
    ["z", "look closer"],
    ["?", "this list"],
    ["Ctrl+Enter", "submit"],
    ["Ctrl+End", "go to the button that submits"],
  ];
  for (const [keys, what] of [...list, ...shared]) {
    const term = document.createElement("dt");
    for (const key of keys.split(" ")) {
      const cap = document.createElement("kbd");
      cap.textContent = key;
      term.append(cap, " ");
    }
    const meaning = document.createElement("dd");
    meaning.textContent = what;
    dialog.querySelector("dl").append(term, meaning);
  }
}

const button = document.createElement("button");
button.type = "button";
button.className = "keys";
button.textContent = "Keys";
button.setAttribute("aria-haspopup", "dialog");
button.addEventListener("click", () => dialog.showModal());
form.querySelector(".bar [type=submit]").before(button);

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
  const submit = form.querySelector(".bar button[type=submit]");
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

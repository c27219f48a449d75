// Giving the work back: asks once whether what was chosen may go.

import { close, isBox, isText } from "./draft.js";

const form = document.querySelector("form.work");
const giving = document.querySelector("form.return");
const dialog = giving.querySelector("dialog");

const isFilledIn = (input) => isBox(input) ? input.checked : isText(input) && input.value !== "";

giving.addEventListener("submit", (event) => {
  if (!dialog.open && [...form.elements].some(isFilledIn)) {
    event.preventDefault();
    dialog.showModal();
  } else if (navigator.onLine) {
    close();
  }
});
dialog.querySelector("[type=button]").addEventListener("click", () => dialog.close());

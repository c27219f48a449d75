// Giving the work back: asks once whether what was chosen may go.

import { close } from "./draft.js";

const form = document.querySelector("form.work");
const giving = document.querySelector("form.return");
const dialog = giving.querySelector("dialog");

const isFilledIn = ({ type, checked, value }) =>
  type === "checkbox" || type === "radio" ? checked : (type === "text" || type === "textarea") && value !== "";

giving.addEventListener("submit", (event) => {
  if (!dialog.open && [...form.elements].some(isFilledIn)) {
    event.preventDefault();
    dialog.showModal();
  } else {
    close();
  }
});
dialog.querySelector("[type=button]").addEventListener("click", () => dialog.close());

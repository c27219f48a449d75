// The instructions once more, over the page, where the worker is: i opens and closes them.

import { describe, single } from "./keys.js";

const folded = document.querySelector(".instructions");
const dialog = document.createElement("dialog");
dialog.className = "again";
dialog.setAttribute("aria-label", folded.querySelector("summary").textContent);
dialog.innerHTML = `<form method="dialog"><button>Close</button></form>`;
dialog.prepend(folded.querySelector(".prose").cloneNode(true));
document.body.append(dialog);

document.addEventListener("keydown", (event) => {
  if (event.key === "i" && (dialog.open || single(event))) {
    event.preventDefault();
    dialog.open ? dialog.close() : dialog.showModal();
  }
});
describe([["i", "How it works"]]);

// The instructions once more, over the page, where the worker is: i opens and closes them.

import { single } from "./keys.js";

const folded = document.querySelector("details.instructions");
const dialog = document.createElement("dialog");
dialog.className = "instructions";
dialog.setAttribute("aria-labelledby", "instructions-title");
dialog.innerHTML = `<h2 id="instructions-title"></h2><form method="dialog"><button>Close</button></form>`;
dialog.firstChild.textContent = folded.querySelector("summary").textContent;
dialog.firstChild.after(folded.querySelector(".prose").cloneNode(true));
document.body.append(dialog);

document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() === "i" && (single(event) || dialog.open)) {
    event.preventDefault();
    dialog.open ? dialog.close() : dialog.showModal();
  }
});

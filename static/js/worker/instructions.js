// The instructions once more, over the page, where the worker is: i opens and closes them.

import { single } from "./keys.js";

const words = document.querySelector("details.instructions .prose");
const dialog = document.querySelector("dialog.instructions");

document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "i" || !(single(event) || dialog.open)) {
    return;
  }
  event.preventDefault();
  if (dialog.open) {
    dialog.close();
  } else {
    dialog.querySelector("h2").after(words.cloneNode(true));
    dialog.showModal();
  }
});
dialog.addEventListener("close", () => dialog.querySelector(".prose").remove());

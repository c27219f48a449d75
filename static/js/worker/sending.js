// Sends the form, once.

import { writeSeconds } from "./active.js";

const form = document.querySelector("form.work");

let sent = false;
form.addEventListener("submit", (event) => {
  if (sent) {
    event.preventDefault();
    return;
  }
  writeSeconds();
  sent = true;
});
addEventListener("pageshow", () => { sent = false; });

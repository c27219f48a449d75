// Until when the work is kept: in the worker's own time, with a warning before it ends.

import { remind, unsay } from "./words.js";

const form = document.querySelector("form.work");
const until = document.querySelector("main > .kept time");
const again = document.querySelector(".bar .again");
const SOON = 3 * 60_000;
let expires = Date.parse(form.dataset.expires);
let ahead = 0;  // milliseconds by which this device's clock is ahead of the site's

// Takes over what a reply says: the time it was sent, and a new end.
export function renewed(headers) {
  ahead = Date.now() - Date.parse(headers.get("Date")) || 0;
  expires = Date.parse(headers.get("X-Expires")) || expires;
  show();
}

function show() {
  if (!expires) {
    return;
  }
  const end = new Date(expires + ahead);
  const left = end - Date.now();
  const day = left > 20 * 3600_000 ? "short" : undefined;
  const time = end.toLocaleString(undefined, { timeStyle: "short", dateStyle: day });
  until.textContent = time;
  if (again) {
    again.hidden = left > 0;
  }
  const state = left > SOON ? "" : left > 0 ? "soon" : "ended";
  unsay(...["soon", "ended"].filter((name) => name !== state));
  if (state) {
    remind(state, { time });
  }
}

show();
setInterval(show, 10_000);

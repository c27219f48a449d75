// Sends the answer, once: again and again until the site has it, while the page stays usable.

import { end, stillOpen } from "./bar.js";
import { close } from "./draft.js";
import { pending } from "./pictures.js";
import { post } from "./posting.js";
import * as problems from "./problems.js";
import { say } from "./words.js";

const form = document.querySelector("form.work");
const now = form.querySelector(".bar .now");
const FIRST_WAIT = 2;  // seconds; doubled at each try
const LONGEST_WAIT = 60;
const AFTER_CHANGE = 8;

let tries = 0;
let left = 0;  // seconds until the next try
let clock;  // runs while the answer waits for that
let held;  // while pictures load
let busy = false;

function wait(seconds) {
  left = seconds;
  now.hidden = false;
  say("retry", { seconds });
  clock ??= setInterval(() => {
    left -= 1;
    if (left > 0) {
      say("retry", { seconds: left });
    } else {
      send();
    }
  }, 1000);
}

function stopWaiting() {
  clearTimeout(held);
  clearInterval(clock);
  clock = undefined;
  now.hidden = true;
}

// Sends, unless a question is open; `lead` moves the focus to that.
async function send(lead = false) {
  if (busy) {
    return;
  }
  stopWaiting();
  problems.clear();
  if (stillOpen(lead)) {
    return;
  }
  if (pending() > 0) {
    say("pictures");
    held = setTimeout(send, 300);
    return;
  }
  busy = true;
  say("sending");
  const reply = await post({}).catch(() => null);
  busy = false;
  if (!reply) {
    const most = Math.min(FIRST_WAIT * 2 ** tries, LONGEST_WAIT);
    tries += 1;
    wait(Math.ceil(most * (0.5 + Math.random() / 2)));
    return;
  }
  tries = 0;
  if (reply.status === 422) {
    say("problems");
    problems.show(reply.errors);
    return;
  }
  busy = true;  // for good
  close();
  if (reply.status === 200) {
    goOn(reply);
  } else {
    end(reply.detail);
  }
}

// On to the next page, whose first pictures are asked for meanwhile. It takes this page's place in
// the history: Back leads to where the work began, and never to an answered page.
function goOn({ next, hand_in: handIn, headers }) {
  say("sent");
  for (const [, address] of (headers.get("Link") ?? "").matchAll(/<([^>]+)>/g)) {
    new Image().src = address;
  }
  if (next) {
    location.replace(next);
    return;
  }
  const last = document.createElement("form");
  Object.assign(last, { method: "post", action: handIn.action, hidden: true });
  for (const [name, value] of Object.entries(handIn.fields)) {
    last.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }
  document.body.append(last);
  last.submit();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  send(true);
});
now.addEventListener("click", () => send(true));
addEventListener("online", () => clock && send());
form.addEventListener("change", () => {
  left = Math.max(left, AFTER_CHANGE);  // whoever is still at it is not cut short
});
// A page out of the browser's memory may have been answered since.
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

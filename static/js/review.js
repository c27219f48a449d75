// The review queue by keys: a accepts, r opens the reason, o accepts a rejected answer after all,
// s skips, u takes the last decision back.
// A decision waits here for some seconds before it is sent, while the next answer is shown.

const WAIT = 5000;
const SAID = { accept: "Accepted", reject: "Rejected", overturn: "Accepted after all" };
const told = document.getElementById("told");
let turn = 0;
let pending = null; // {body, key, here, timer}

const answer = () => document.getElementById("answer");
const form = () => answer().querySelector(".decision");

function say(text, undo = false) {
  told.replaceChildren(text);
  if (undo) {
    const button = document.createElement("button");
    button.type = "button";
    button.innerHTML = "Take it back <kbd>u</kbd>";
    button.addEventListener("click", takeBack);
    told.append(button);
  }
}

async function show(address) {
  const mine = ++turn; // of two on their way the later one is shown
  answer().inert = true;
  try {
    const page = await (await fetch(address)).text();
    const next = new DOMParser().parseFromString(page, "text/html").getElementById("answer");
    if (mine !== turn) {
      return;
    }
    if (!next) {
      location.assign(address); // the login has ended, say
      return;
    }
    answer().replaceWith(next);
    arrange();
    scrollTo(0, 0);
  } catch {
    location.assign(address); // the browser says that the site is away
  }
}

async function send(leaving = false) {
  if (!pending) {
    return;
  }
  const { body, timer, here } = pending;
  clearTimeout(timer);
  pending = null;
  try {
    const reply = await fetch(here, {
      method: "POST", body, keepalive: leaving, headers: { Accept: "application/json" },
    });
    const text = await reply.text();
    say(reply.ok ? text : `Not decided: ${text}`);
  } catch {
    say("Not decided: the site could not be reached. The answer is as it was.");
  }
  if (!form() && !leaving) {
    await show(here); // what was decided stands below the empty queue
  }
}

async function decide(decision) {
  const current = form();
  answer().inert = true;
  await send();
  const body = new FormData(current);
  body.set("decision", decision);
  const key = current.dataset.answer;
  const here = current.action;
  pending = { body, key, here, timer: setTimeout(send, WAIT) };
  say(`${SAID[decision.split("-")[0]]}.`, true);
  const all = decision.endsWith("-all") ? "&all=1" : "";
  await show(`${here}?held=${encodeURIComponent(key)}${all}`);
}

function takeBack() {
  if (!pending) {
    return;
  }
  clearTimeout(pending.timer);
  const { here, key } = pending;
  pending = null;
  say("Taken back.");
  show(`${here}?at=${encodeURIComponent(key)}`);
}

function openReason(open) {
  const reason = answer().querySelector("#reason");
  if (reason) {
    reason.hidden = !open;
    answer().querySelector(".open-reason").setAttribute("aria-expanded", open);
    if (open) {
      reason.querySelector("textarea").focus();
    }
  }
}

function arrange() {
  openReason(false);
  form()?.addEventListener("submit", (event) => {
    event.preventDefault();
    const { value } = event.submitter;
    if (value.startsWith("reject") && !form().elements.why.value.trim()) {
      say("Write why first: the worker reads it.");
      form().elements.why.focus();
      return;
    }
    decide(value);
  });
  answer().querySelector(".open-reason")?.addEventListener("click", (event) => {
    openReason(event.currentTarget.getAttribute("aria-expanded") !== "true");
  });
}

const KEYS = {
  u: takeBack,
  a: () => press("accept"),
  o: () => press("overturn"),
  s: () => answer().querySelector(".skip")?.click(),
  r: () => openReason(true),
};

function press(decision) {
  if (!answer().inert && form()?.querySelector(`[value=${decision}]`)) {
    decide(decision);
  }
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    openReason(false);
  }
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey && event.key in KEYS) {
    event.preventDefault();
    KEYS[event.key]();
  }
});
addEventListener("pagehide", () => send(true));
arrange();

// The review queue by keys: a accepts, r opens the reason, s skips, u takes the last decision back.
// A decision waits here for some seconds before it is sent, while the next answer is shown.

const WAIT = 5000;
const told = document.getElementById("told");
let pending = null; // {body, key, timer}

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
  const page = await (await fetch(address)).text();
  const next = new DOMParser().parseFromString(page, "text/html").getElementById("answer");
  if (!next) {
    location.assign(address); // the login has ended, say
    return;
  }
  answer().replaceWith(next);
  arrange();
  scrollTo(0, 0);
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
    say(reply.status === 204 ? "" : `Not decided: ${await reply.text()}`);
  } catch {
    say("Not decided: the site could not be reached. The answer still waits.");
  }
}

async function decide(decision) {
  const current = form();
  await send();
  const body = new FormData(current);
  body.set("decision", decision);
  const key = current.dataset.answer;
  const here = current.action;
  pending = { body, key, here, timer: setTimeout(send, WAIT) };
  say(decision.startsWith("accept") ? "Accepted." : "Rejected.", true);
  if (decision.endsWith("all")) {
    await send(); // the queue below changes with it
    await show(here);
  } else {
    await show(`${here}?after=${encodeURIComponent(key)}`);
    if (form()?.dataset.answer === key) {
      await send(); // it was the last
      await show(here);
    }
  }
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
  const reason = answer().querySelector("#reject");
  if (reason) {
    reason.hidden = !open;
    answer().querySelector(".open-reject").setAttribute("aria-expanded", open);
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
  answer().querySelector(".open-reject")?.addEventListener("click", (event) => {
    openReason(event.currentTarget.getAttribute("aria-expanded") !== "true");
  });
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "Escape") {
    openReason(false);
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  if (event.key === "u") {
    takeBack();
  } else if (event.key === "a" && form()) {
    decide("accept");
  } else if (event.key === "r") {
    event.preventDefault();
    openReason(true);
  } else if (event.key === "s") {
    answer().querySelector(".skip")?.click();
  }
});
addEventListener("pagehide", () => send(true));
arrange();

// The bar at the bottom: what the page says, how much is answered, until when the work is kept.

const form = document.querySelector("form.work");
const { isAnswered } = await import(`./${form.dataset.kind}.js`);
const bar = form.querySelector(".bar");
const questions = [...form.querySelectorAll("[data-section], [data-item]")];

// Its sentences stand in the page, in its language; `{name}` is filled in.

const sentences = document.getElementById("words").content;
const message = document.querySelector(".bar .message");
const spoken = document.querySelector(".bar [role=status]");
let said = "";

// The sentence of that name.
export function words(name, values = {}) {
  const text = sentences.querySelector(`[data-say="${name}"]`).textContent;
  return text.replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

// Shows a sentence in the bar ("": none). Screen readers hear it once, though its numbers change.
export function say(name, values) {
  message.textContent = name && words(name, values);
  if (name !== said) {
    spoken.textContent = message.textContent;
  }
  said = name;
}

// Takes a sentence back, if one of these is still shown.
export function unsay(...names) {
  if (names.includes(said)) {
    say("");
  }
}

// Shows a sentence where no other stands.
export function remind(name, values) {
  if (said === "" || said === name) {
    say(name, values);
  }
}

// How much is answered, what is still open, and the way on from work that is over.

// CSS counts without scripts, but not every screen reader reads its numbers.
function writeNumber(name, number) {
  for (const place of bar.querySelectorAll(`.${name}`)) {
    place.classList.add("scripted");
    place.textContent = number;
  }
}

function showCounts() {
  writeNumber("counted", form.querySelectorAll("input[name=selected]:checked").length);
  writeNumber("answered", questions.filter(isAnswered).length);
}

function changed() {
  showCounts();
  unsay("open");
  const led = form.querySelector("[data-open]");
  if (led && isAnswered(led)) {
    delete led.dataset.open;
  }
}

// Whether a question is still open: then the bar says so, and `lead` moves the focus to the first.
export function stillOpen(lead) {
  const open = questions.filter((question) => !isAnswered(question));
  form.querySelector("[data-open]")?.removeAttribute("data-open");
  if (open.length > 0) {
    const [first] = open;
    first.dataset.open = "";
    say("open", { open: open.length });
    if (lead) {
      const none = questions.length === 1 && first.querySelector("input[name=none]");  // by the bar
      (none || first.querySelector("input:not([tabindex='-1'])") || first.querySelector("input")).focus();
    }
  }
  return open.length > 0;
}

// The work is over, and why: nothing can be sent any more, and the page's own address leads on.
export function end(why) {
  say("over", { why });
  bar.querySelector(".on").hidden = false;
  bar.querySelectorAll("button").forEach((button) => { button.hidden = true; });
}

showCounts();
form.addEventListener("change", changed);
form.addEventListener("restored", changed);

// Until when the work is kept: in the worker's own time, with a warning before it ends.

const until = document.querySelector("main > .kept time");
const again = document.querySelector(".bar .again");
const SOON = 3 * 60_000;
let expires = Date.parse(form.dataset.expires);
let ahead = 0;  // milliseconds by which this device's clock is ahead of the site's

// Takes over what a reply says: the time it was sent, and a new end.
export function renewed(headers) {
  ahead = Date.now() - Date.parse(headers.get("Date")) || 0;
  expires = Date.parse(headers.get("X-Expires")) || expires;
  showExpiry();
}

function showExpiry() {
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

showExpiry();
setInterval(showExpiry, 10_000);

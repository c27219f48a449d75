// The form's way to the site: the bar says how far it is; its choices are kept as a draft, on this
// device and on the site; the answer is sent, again and again until the site has it.

import { writeSeconds } from "./measuring.js";
import { all, form, on, one, stored, words } from "./page.js";
import { pending } from "./pictures.js";

const { isAnswered } = await import(`./${form.dataset.kind}.js`);

const bar = one(".bar");
const message = one(".message", bar);
const spoken = one("[role=status]", bar);
let said = "";

// Shows a sentence ("": none); screen readers hear it once, though its numbers change.
function say(name, values) {
  message.textContent = name && words(name, values);
  if (name !== said) {
    spoken.textContent = message.textContent;
  }
  said = name;
}

const questions = all("[data-section], [data-item]");

function showCounts() {
  const numbers = { counted: all("[name=selected]:checked"), answered: questions.filter(isAnswered) };
  for (const [name, { length }] of Object.entries(numbers)) {
    all(`.${name}`, bar).forEach((place) => { place.textContent = length; });
  }
}

on(form, "change restored", () => {
  showCounts();
  if (said === "open") {
    say("");
  }
  all("[data-open]").filter(isAnswered).forEach((question) => question.removeAttribute("data-open"));
});
showCounts();

// Whether a question is still open: then the bar says so, and `lead` moves the focus to the first.
function stillOpen(lead) {
  const open = questions.filter((question) => !isAnswered(question));
  const [first] = open;
  questions.forEach((question) => question.toggleAttribute("data-open", question === first));
  if (first) {
    say("open", { open: open.length });
    if (lead) {
      const none = questions.length === 1 && one("[name=none]", first);  // close to the bar
      (none || one("input:not([tabindex='-1'])", first)).focus();
    }
  }
  return open.length > 0;
}

// Until when the work is kept, in the worker's own time.

const until = one("main > .kept time", document);
const again = one(".again", bar);
const SOON = 3 * 60_000;
const { lang } = document.documentElement;
const language = navigator.languages.find((wish) => wish.startsWith(lang)) ?? lang;  // as in en-GB
let expires = Date.parse(form.dataset.expires);
let ahead = 0;  // milliseconds by which this device's clock is wrong

function showExpiry() {
  if (!expires) {
    return;
  }
  const end = new Date(expires + ahead);
  const left = end - Date.now();
  const day = left > 20 * 3600_000 ? "short" : undefined;
  const time = end.toLocaleString(language, { timeStyle: "short", dateStyle: day });
  until.textContent = words("until", { time });
  if (again) {
    again.hidden = left > 0;
  }
  if (["", "soon", "ended"].includes(said)) {
    say(left > SOON ? "" : left > 0 ? "soon" : "ended", { time });
  }
}

showExpiry();
setInterval(showExpiry, 10_000);

// Posts the form: { status, headers, and what the reply's JSON says }; null where the site gave no
// answer: no line, an overloaded site, a page of the train's network in its place.
async function post(extra) {
  writeSeconds();
  const body = new URLSearchParams(new FormData(form));
  Object.entries({ revision, ...extra }).forEach(([name, value]) => body.set(name, value));
  try {
    const reply = await fetch(location.href, {
      method: "POST",
      headers: { Accept: "application/json" },
      body,
      keepalive: true,
      redirect: "error",
      signal: AbortSignal.timeout(30_000),
    });
    const { status, headers } = reply;
    const known = [200, 204, 409, 410, 422].includes(status);
    return known ? { status, headers, ...(status === 204 ? {} : await reply.json()) } : null;
  } catch {
    return null;
  }
}

// Seconds, by chance, so that not all pages come at once.
const pauseAfter = (tries) => Math.min(2 ** tries, 60) * (0.5 + Math.random() / 2);

// The draft.

const kept = one(".kept", bar);
const KEY = `draft-${form.elements.assignmentId.value}`;
const DAY = 24 * 3600_000;
const FIRST_DRAFT = 2_000;  // after a change
const APART = 10_000;  // between two of them

let revision = Number(form.dataset.revision) || 0;
let onSite = revision;  // the newest that the site has
let onDevice = true;
let failures = 0;
let asked = 0;  // when the site was last sent one
let timer;
let closed = false;

const isText = ({ type }) => type === "text" || type === "textarea";

function write() {
  writeSeconds();
  const draft = JSON.stringify({ revision, at: Date.now(), fields: [...new FormData(form)] });
  onDevice = stored((storage) => storage.setItem(KEY, draft)) !== null;
}

const read = (key) => JSON.parse(stored((storage) => storage.getItem(key)));

function forget(isOver) {
  const keys = stored(Object.keys) ?? [];
  keys.filter((key) => key.startsWith("draft-") && isOver(key))
    .forEach((key) => stored((storage) => storage.removeItem(key)));
}

// Takes over what another tab, or this page before a reload, has kept, but for what is `touched`.
function catchUp(from = revision + 1, touched = []) {
  const draft = read(KEY);
  if (closed || !(draft?.revision >= from)) {
    return;
  }
  revision = draft.revision;
  const chosen = new Set(draft.fields.map((field) => field.join(" ")));
  const texts = new Map(draft.fields);
  for (const input of form.elements) {
    if (input.type === "checkbox" || input.type === "radio") {
      input.checked = chosen.has(`${input.name} ${input.value}`);
    } else if (isText(input) || ["active_seconds", "conditions"].includes(input.name)) {
      input.value = texts.get(input.name) ?? "";
    }
  }
  touched.forEach(([input, checked, value]) => Object.assign(input, { checked, value }));
  form.dispatchEvent(new CustomEvent("restored"));
  goOnKeeping();
}

function keep() {
  if (!closed) {
    revision = Math.max(revision + 1, Date.now());  // the newest of all devices
    write();
    goOnKeeping();
  }
}

// Says where the draft is, and has it sent if the site lacks it.
function goOnKeeping() {
  const isSafe = onSite === revision || (onDevice && failures === 0);
  kept.textContent = revision ? words(isSafe ? "saved" : onDevice ? "device" : "saving") : "";
  if (onSite !== revision) {
    const apart = APART + (failures && 1000 * pauseAfter(failures + 2));
    timer ??= setTimeout(push, Math.max(FIRST_DRAFT, asked + apart - Date.now()));
  }
}

async function push() {
  clearTimeout(timer);
  timer = undefined;
  if (onSite === revision || closed) {
    return;
  }
  const sent = revision;
  asked = Date.now();
  const reply = await post({ draft: 1 });
  if (closed) {
    return;
  }
  if (reply?.detail) {
    end(reply);
    return;
  }
  if (reply?.status === 204) {
    failures = 0;
    onSite = sent;
    ahead = Date.now() - Date.parse(reply.headers.get("Date")) || 0;
    expires = Date.parse(reply.headers.get("X-Expires")) || expires;
    showExpiry();
  } else {
    failures += 1;
  }
  goOnKeeping();
}

// The work is over: this device's copy goes.
function close() {
  closed = true;
  clearTimeout(timer);
  kept.textContent = "";
  forget((key) => key === KEY);
}

// Nothing can be sent any more; the page's own address leads on.
function end({ detail }) {
  close();
  expires = 0;
  if (until) {
    until.parentElement.style.visibility = "hidden";  // nothing moves
  }
  say("over", { why: detail });
  all("button", bar).forEach((button) => { button.hidden = true; });
  one(".on", bar).hidden = false;
}

// What the worker chose before the scripts ran.
const touched = [...form.elements]
  .filter((input) => input.checked !== input.defaultChecked || (isText(input) && input.value !== input.defaultValue))
  .map((input) => [input, input.checked, input.value]);
forget((key) => !(read(key)?.at > Date.now() - DAY));
catchUp(revision, touched);
(touched.length ? keep : goOnKeeping)();
on(form, "change input", keep);
on(form, "change", ({ target }) => target.matches(".report") && push());  // at once
on(window, "storage", ({ key }) => key === KEY && catchUp());
on(window, "online beforeunload", push);  // before a reload asks for the page
on(document, "visibilitychange", () => {
  catchUp();
  if (document.hidden && !closed) {
    write();  // with the seconds so far
    push();
  }
});

// The answer.

const now = one(".now", bar);
const AFTER_CHANGE = 8;  // seconds, so as not to cut short who goes on

let waiting = null;  // { why, seconds }
let tries = 0;
let busy = false;

function wait(why, seconds) {
  waiting = { why, seconds };
  now.hidden = why !== "retry";
  say(why, { seconds });
}

setInterval(() => {
  if (waiting?.seconds > 1) {
    wait(waiting.why, waiting.seconds - 1);
  } else if (waiting) {
    send();
  }
}, 1000);

// Sends, unless a question is open; `lead` moves the focus to that.
async function send(lead = false) {
  if (busy) {
    return;
  }
  waiting = null;
  if (stillOpen(lead)) {
    now.hidden = true;
    return;
  }
  if (pending() > 0) {
    wait("pictures", 1);
    return;
  }
  busy = true;
  say("sending");
  const reply = await post({});
  if (!reply) {
    busy = false;
    tries += 1;
    wait("retry", Math.ceil(pauseAfter(tries)));
  } else if (reply.status === 422) {
    history.replaceState(history.state, "", `${location.search}&problems=1`);
    location.reload();  // the site has kept the answer, and says at each item what is wrong
  } else {
    (reply.detail ? end : goOn)(reply);
  }
}

// The next page, whose first pictures are asked for already, takes this one's place in the history:
// Back leads to where the work began.
function goOn({ next, headers }) {
  close();
  say("sent");
  for (const [, address] of (headers.get("Link") ?? "").matchAll(/<([^>]+)>/g)) {
    new Image().src = address;
  }
  if (next) {
    location.replace(next);
  } else {
    location.reload();  // to the form that hands the work in to the marketplace
  }
}

on(form, "submit", (event) => {
  event.preventDefault();
  send(true);
});
on(now, "click", () => send(true));
on(window, "online", () => waiting && send());
on(form, "change", () => {
  if (waiting) {
    waiting.seconds = Math.max(waiting.seconds, AFTER_CHANGE);
  }
});
// A page out of the browser's memory may be answered.
on(window, "pageshow", ({ persisted }) => persisted && location.reload());

// Giving the work back asks once.

const giving = one("form.return", document);
const sure = one("dialog", giving);

on(giving, "submit", (event) => {
  if (!sure.open && [...form.elements].some((input) => input.checked || (isText(input) && input.value))) {
    event.preventDefault();
    sure.showModal();
  } else if (navigator.onLine) {
    close();
  }
});
on(one("[type=button]", sure), "click", () => sure.close());

form.dataset.ready = "";
document.getElementById("problems")?.focus();

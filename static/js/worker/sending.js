// Keeps the choices until they are sent: on this device at each change, on the site within seconds.
// Sends the answer, once: again and again until the site has it, while the page stays usable.

import { end, renewed, say, stillOpen, words } from "./bar.js";
import { writeSeconds } from "./measuring.js";
import { pending } from "./pictures.js";

const form = document.querySelector("form.work");

// To the site, which answers scripts in JSON.

const ANSWER_IN = 30_000;
const ANSWERS = [200, 204, 409, 410, 422];

// The reply as { status, headers, ... }, with what its JSON says. Throws where the site gave no
// answer: no line, an overloaded site, a page of the train's network in its place.
async function post(extra, keepalive = false) {
  writeSeconds();
  const body = new URLSearchParams(new FormData(form));
  for (const [name, value] of Object.entries({ revision: form.dataset.revision, ...extra })) {
    body.set(name, value);
  }
  const reply = await fetch(location.href, {
    method: "POST",
    headers: { Accept: "application/json" },
    body,
    keepalive,
    redirect: "error",
    signal: AbortSignal.timeout(ANSWER_IN),
  });
  const { status, headers } = reply;
  if (!ANSWERS.includes(status)) {
    throw new Error(`the site answered ${status}`);
  }
  return { status, headers, ...(status === 204 ? {} : await reply.json()) };
}

// The draft.

const kept = document.querySelector(".bar .kept");
const KEY = `draft-${form.elements.namedItem("assignmentId").value}`;
const MEASURED = ["active_seconds", "conditions"];  // hidden fields that a draft carries
const DAY = 24 * 3600_000;
const FIRST_DRAFT = 2_000;  // from a change to the draft that the site gets
const APART = 10_000;  // between two of them
const LONGEST_WAIT = 160_000;  // while the site does not answer

let revision = Number(form.dataset.revision) || 0;  // also in the form's dataset, for `post`
let onSite = true;  // the site has the newest
let onDevice = true;
let failures = 0;
let asked = 0;  // when the site was last sent one
let timer;
let closed = false;

const isBox = ({ type }) => type === "checkbox" || type === "radio";
const isText = ({ type }) => type === "text" || type === "textarea";

function fields() {
  writeSeconds();
  return [...new FormData(form)].filter(([name]) =>
    form.elements.namedItem(name).type !== "hidden" || MEASURED.includes(name));
}

// A marketplace's frame may have no storage at all: then the site's copy has to do.
function write() {
  try {
    localStorage.setItem(KEY, JSON.stringify({ revision, at: Date.now(), fields: fields() }));
    onDevice = true;
  } catch {
    onDevice = false;
  }
}

function read(key = KEY) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}

function remove(isOver) {
  try {
    const copies = Object.keys(localStorage).filter((key) => key.startsWith("draft-"));
    copies.filter(isOver).forEach((key) => localStorage.removeItem(key));
  } catch {
    // No storage, so nothing is left in it.
  }
}

// Shows a draft of this device, but for what the worker chose before the scripts ran.
function show(draft, touched) {
  const chosen = new Set(draft.fields.map((field) => field.join(" ")));
  const texts = new Map(draft.fields);
  const names = touched.filter(({ type }) => type !== "checkbox").map(({ name }) => name);
  for (const input of form.elements) {
    if (touched.includes(input) || names.includes(input.name)) {
      continue;
    }
    if (isBox(input)) {
      input.checked = chosen.has(`${input.name} ${input.value}`);
    } else if (isText(input) || MEASURED.includes(input.name)) {
      input.value = texts.get(input.name) ?? "";
    }
  }
  form.dataset.revision = revision = draft.revision;
  form.dispatchEvent(new CustomEvent("restored"));
}

// Takes over what another tab, or this page before it was closed, has kept since.
function catchUp(from = revision + 1, touched = []) {
  const draft = read();
  if (!closed && draft?.revision >= from) {
    onSite &&= draft.revision === revision;
    show(draft, touched);
    schedule();
  }
}

function keep() {
  if (closed) {
    return;
  }
  form.dataset.revision = revision = Math.max(revision + 1, Date.now());  // the newest of all devices
  onSite = false;
  write();
  tell();
  schedule();
}

function tell() {
  const sure = onSite || (onDevice && failures === 0);
  kept.textContent = revision ? words(sure ? "saved" : onDevice ? "device" : "saving") : "";
}

function schedule() {
  const apart = Math.min(APART * 2 ** failures, LONGEST_WAIT) * (failures ? 0.75 + Math.random() / 2 : 1);
  if (!onSite) {
    timer ??= setTimeout(push, Math.max(FIRST_DRAFT, asked + apart - Date.now()));
  }
}

async function push() {
  clearTimeout(timer);
  timer = undefined;
  if (onSite || closed) {
    return;
  }
  const sent = revision;
  asked = Date.now();
  const reply = await post({ draft: 1 }, true).catch(() => null);
  if (closed) {
    return;
  }
  if (reply?.status === 409 || reply?.status === 410) {
    close();
    end(reply.detail);
    return;
  }
  failures = reply?.status === 204 ? 0 : failures + 1;
  if (failures === 0) {
    onSite = sent === revision;
    renewed(reply.headers);
  }
  tell();
  schedule();
}

// The work is answered or given back: nothing more is kept, and this device's copy goes.
function close() {
  closed = true;
  clearTimeout(timer);
  kept.textContent = "";
  remove((key) => key === KEY);
}

// Puts back what was kept, and keeps what comes.
export function start() {
  const touched = [...form.elements].filter((input) =>
    isBox(input) ? input.checked !== input.defaultChecked : isText(input) && input.value !== input.defaultValue);
  remove((key) => !(read(key)?.at > Date.now() - DAY));
  catchUp(revision, touched);  // this device's copy of the same revision may have more seconds
  if (touched.length) {
    keep();
  }
  tell();
  form.addEventListener("change", keep);
  form.addEventListener("input", (event) => isText(event.target) && keep());
  addEventListener("storage", ({ key }) => key === KEY && catchUp());
  addEventListener("online", push);
  addEventListener("beforeunload", push);  // ahead of the request for the page, when it is loaded anew
  document.addEventListener("visibilitychange", () => {
    catchUp();
    if (document.visibilityState === "hidden" && !closed) {
      write();  // with the seconds so far
      push();
    }
  });
}

// The answer.

const now = form.querySelector(".bar .now");
const FIRST_WAIT = 2;  // seconds; doubled at each try
const LONGEST_PAUSE = 60;
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
  clearProblems();
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
    const most = Math.min(FIRST_WAIT * 2 ** tries, LONGEST_PAUSE);
    tries += 1;
    wait(Math.ceil(most * (0.5 + Math.random() / 2)));
    return;
  }
  tries = 0;
  if (reply.status === 422) {
    say("problems");
    showProblems(reply.errors);
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

// What is wrong with an answer, at each item and in one list: the same markup as on the site's page.

const pattern = document.getElementById("problems-pattern").content;

// Takes the messages away.
function clearProblems() {
  document.getElementById("problems")?.remove();
  form.querySelectorAll(".error").forEach((message) => message.remove());
  form.querySelectorAll(".wrong").forEach((place) => place.classList.remove("wrong"));
  for (const marked of form.querySelectorAll("[aria-describedby^='e-']")) {
    marked.removeAttribute("aria-describedby");
    marked.removeAttribute("aria-invalid");
  }
}

function mark(item, message) {
  const place = document.getElementById(item);
  const text = document.createElement("p");
  Object.assign(text, { className: "error", id: `e-${item}`, textContent: message });
  const heading = document.getElementById(`q-${item}`);
  if (heading) {
    (heading.closest(".question") ?? heading).after(text);
    place.setAttribute("aria-describedby", text.id);
  } else {
    place.append(text);
    place.classList.add("wrong");
  }
  const inputs = heading ? place.querySelectorAll("[name^=labels-]") : [place.querySelector("input")];
  for (const input of inputs) {
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", text.id);
  }
}

// Shows [{ item, message }], in the page's order, and moves the focus to the first; `item` may be null.
function showProblems(errors) {
  clearProblems();
  const notice = pattern.cloneNode(true).firstElementChild;
  const list = notice.querySelector("ul");
  for (const { item, message } of errors) {
    const row = list.appendChild(document.createElement("li"));
    const known = item && document.getElementById(item);
    if (known) {
      mark(item, message);
    }
    const link = known ? row.appendChild(document.createElement("a")) : row;
    link.textContent = message;
    if (known) {
      link.href = `#${item}`;
    }
  }
  form.before(notice);
  const first = errors.find(({ item }) => item)?.item;
  (document.getElementById(first)?.querySelector("input") ?? notice).focus();
}

// Giving the work back: asks once whether what was chosen may go.

const giving = document.querySelector("form.return");
const sure = giving.querySelector("dialog");

const isFilledIn = (input) => isBox(input) ? input.checked : isText(input) && input.value !== "";

giving.addEventListener("submit", (event) => {
  if (!sure.open && [...form.elements].some(isFilledIn)) {
    event.preventDefault();
    sure.showModal();
  } else if (navigator.onLine) {
    close();
  }
});
sure.querySelector("[type=button]").addEventListener("click", () => sure.close());

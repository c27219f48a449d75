// Keeps the choices until they are sent: on this device at each change, on the site within seconds.

import { writeSeconds } from "./active.js";
import { end } from "./bar.js";
import { renewed } from "./expiry.js";
import { post } from "./posting.js";
import { words } from "./words.js";

const form = document.querySelector("form.work");
const kept = document.querySelector(".bar .kept");
const KEY = `draft-${form.elements.namedItem("assignmentId").value}`;
const MEASURED = ["active_seconds", "conditions"];  // hidden fields that a draft carries
const DAY = 24 * 3600_000;
const FIRST = 2_000;  // from a change to the draft that the site gets
const APART = 10_000;  // between two of them
const LONGEST_WAIT = 160_000;  // while the site does not answer

let revision = Number(form.dataset.revision) || 0;  // also in the form's dataset, for posting.js
let onSite = true;  // the site has the newest
let onDevice = true;
let failures = 0;
let asked = 0;  // when the site was last sent one
let timer;
let closed = false;

export const isBox = ({ type }) => type === "checkbox" || type === "radio";
export const isText = ({ type }) => type === "text" || type === "textarea";

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
    timer ??= setTimeout(push, Math.max(FIRST, asked + apart - Date.now()));
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
export function close() {
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

// Loads the pictures soon, tries again those that fail, and reports those that never come as unseen.

import { words } from "./words.js";

const form = document.querySelector("form.work");
const pictures = [...form.querySelectorAll("img[data-picture]")];
const PAUSES = [2_000, 6_000];  // before the first and the second retry
const PATIENCE = 60_000;  // a picture that takes longer has failed

const states = new Map(pictures.map((img) => [img, { failures: 0, done: false }]));
const noted = new Set();  // the boxes that this page, not the worker, has checked

// The number of pictures that are still loading or about to be tried again.
export function pending() {
  return pictures.filter((img) => !states.get(img).done).length;
}

const hasCome = (img) => img.complete && img.naturalWidth > 0;

function report(img, unseen) {
  const box = form.querySelector(`[data-unseen="${img.dataset.picture}"]`);
  if (!box || box.checked === unseen || !(unseen || noted.has(box))) {
    return;
  }
  noted[unseen ? "add" : "delete"](box);
  box.checked = unseen;
  box.dispatchEvent(new Event("change", { bubbles: true }));
}

// The note over a failed picture's room, made when it is first needed.
function noteOf(img) {
  const place = img.closest(".tile, .image");
  let note = place.querySelector(".failed");
  if (!note) {
    note = document.getElementById("failed-pattern").content.firstElementChild.cloneNode(true);
    note.querySelector("button").addEventListener("click", () => load(img));
    place.append(note);
  }
  return note;
}

function arrived(img) {
  const state = states.get(img);
  clearTimeout(state.timer);
  Object.assign(state, { failures: 0, done: true });
  report(img, false);
  const note = img.closest(".tile, .image").querySelector(".failed");
  if (note?.contains(document.activeElement)) {
    note.parentElement.querySelector("input, a")?.focus();
  }
  note?.remove();
}

function failed(img) {
  const state = states.get(img);
  const wait = PAUSES[state.failures];
  state.failures += 1;
  clearTimeout(state.timer);
  const givenUp = wait === undefined;
  noteOf(img).querySelector("p").textContent = words(givenUp ? "unseen" : "failed");
  if (givenUp) {
    state.done = true;
    report(img, true);
  } else {
    state.timer = setTimeout(load, wait, img);
  }
}

function watch(img) {
  const state = states.get(img);
  clearTimeout(state.timer);
  state.timer = setTimeout(failed, PATIENCE, img);
}

function load(img) {
  watch(img);
  img.src = img.src;  // asks for it again
}

// The first row comes first; the rest as soon as it is there, wherever the worker looks.
function loadAll() {
  for (const img of pictures) {
    if (!states.get(img).done) {
      img.loading = "eager";
    }
  }
}

let first = pictures.filter((img) => img.loading !== "lazy");
function settle(img) {
  first = first.filter((other) => other !== img);
  if (first.length === 0) {
    loadAll();
  }
}

for (const img of pictures) {
  img.addEventListener("load", () => { arrived(img); settle(img); });
  img.addEventListener("error", () => { failed(img); settle(img); });
  if (hasCome(img)) {
    arrived(img);
    settle(img);
  } else if (img.complete) {
    failed(img);
    settle(img);
  } else {
    watch(img);
  }
}

addEventListener("online", () => {
  pictures.filter((img) => states.get(img).failures > 0).forEach(load);
});

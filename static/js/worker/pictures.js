// Pictures: loads them soon, tries again those that fail, reports those that never come as unseen;
// and looks closer: one alone, whole and as large as the window allows, by pinch, wheel and drag.

import { words } from "./bar.js";
import { single, singleKeysOn } from "./keys.js";

const form = document.querySelector("form.work");
const pictures = [...form.querySelectorAll("img[data-picture]")];
const PAUSES = [2_000, 6_000];  // before the first and the second retry
const PATIENCE = 60_000;  // a picture that takes longer has failed

const states = new Map(pictures.map((img) => [img, { failures: 0, done: false }]));
// The items that this page, not the worker, has reported; the draft has them too after a reload.
const noted = new Set(history.state?.noted);

// The number of pictures that are still loading or about to be tried again.
export function pending() {
  return pictures.filter((img) => !states.get(img).done).length;
}

const hasCome = (img) => img.complete && img.naturalWidth > 0;

function report(img, unseen) {
  const item = img.dataset.picture;
  const box = form.querySelector(`[data-unseen="${item}"]`);
  if (!box || box.checked === unseen || !(unseen || noted.has(item))) {
    return;
  }
  noted[unseen ? "add" : "delete"](item);
  history.replaceState({ noted: [...noted] }, "");
  box.checked = unseen;
  box.dispatchEvent(new Event("change", { bubbles: true }));
}

// The note over a failed picture's room, made when it is first needed.
function noteOf(img) {
  const place = img.closest(".tile, .image");
  let note = place.querySelector(".failed");
  if (!note) {
    note = document.getElementById("failed-pattern").content.firstElementChild.cloneNode(true);
    note.querySelector("button").addEventListener("click", () => ask(img));
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
    state.timer = setTimeout(ask, wait, img);
  }
}

function watch(img) {
  const state = states.get(img);
  clearTimeout(state.timer);
  state.timer = setTimeout(failed, PATIENCE, img);
}

function ask(img) {
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

form.addEventListener("restored", () => {
  pictures.filter((img) => states.get(img).done).forEach((img) => report(img, !hasCome(img)));
});
addEventListener("online", () => {
  pictures.filter((img) => states.get(img).failures > 0).forEach(ask);
});

// Looking closer.

const HOLD = 450;  // milliseconds; a browser's own long press comes at 500
const SLOP = 10;  // pixels that a finger may wander and still be at rest
const CLOSEST = 8;

const dialog = document.querySelector("dialog.zoom");
const view = dialog.querySelector("img");

let shown = null;

function show(img) {
  shown = img;
  place(1, 0, 0);
  view.alt = img.alt;
  view.src = img.currentSrc || img.src;  // what is there already, until the full one is
  const full = new Image();
  full.onload = () => {
    if (shown === img) {
      view.src = full.src;
    }
  };
  full.src = img.dataset.full;
  img.dispatchEvent(new CustomEvent("zoomed", { bubbles: true }));
}

// Opens the whole picture of `img` over the page; closing it gives the focus back.
export function openZoom(img) {
  if (!dialog.open) {
    dialog.showModal();
  }
  show(img);
}

function step(by) {
  show(pictures[(pictures.indexOf(shown) + by + pictures.length) % pictures.length]);
}

// Where the picture lies: a scale about the window's middle, then a shift in pixels.
let scale = 1;
let x = 0;
let y = 0;

function place(newScale, newX, newY) {
  scale = Math.min(CLOSEST, Math.max(1, newScale));
  const farX = (scale - 1) * innerWidth / 2;
  const farY = (scale - 1) * innerHeight / 2;
  x = Math.min(farX, Math.max(-farX, newX));
  y = Math.min(farY, Math.max(-farY, newY));
  view.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
}

// Changes the scale; what lies under a point of the window goes to the point (toX, toY).
function scaleAbout(factor, atX, atY, toX = atX, toY = atY) {
  const real = Math.min(CLOSEST, Math.max(1, scale * factor)) / scale;
  const [halfX, halfY] = [innerWidth / 2, innerHeight / 2];
  place(scale * real, toX - halfX - (atX - halfX - x) * real, toY - halfY - (atY - halfY - y) * real);
}

const fingers = new Map();  // by the pointer's id: where it is
let wandered = 0;  // how far, so that a drag does not count as a tap

function middleAndSpread() {
  const [a, b = a] = fingers.values();
  return [(a.x + b.x) / 2, (a.y + b.y) / 2, Math.hypot(a.x - b.x, a.y - b.y)];
}

dialog.addEventListener("pointerdown", (event) => {
  if (fingers.size === 0) {
    wandered = 0;
  }
  if (event.target.closest("button") === null && fingers.size < 2) {
    dialog.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  }
});
dialog.addEventListener("pointermove", (event) => {
  if (!fingers.has(event.pointerId)) {
    return;
  }
  const [oldX, oldY, oldSpread] = middleAndSpread();
  fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  const [newX, newY, spread] = middleAndSpread();
  wandered += Math.hypot(newX - oldX, newY - oldY) + Math.abs(spread - oldSpread);
  scaleAbout(oldSpread > 0 ? spread / oldSpread : 1, oldX, oldY, newX, newY);
});
for (const end of ["pointerup", "pointercancel"]) {
  dialog.addEventListener(end, (event) => fingers.delete(event.pointerId));
}
dialog.addEventListener("wheel", (event) => {
  event.preventDefault();
  scaleAbout(Math.exp(-event.deltaY / 400), event.clientX, event.clientY);
}, { passive: false });

dialog.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.matches(".back, .on")) {
    step(button.matches(".on") ? 1 : -1);
  } else if (button || wandered < SLOP) {
    dialog.close();
  }
});
dialog.addEventListener("close", () => {
  shown = null;
  fingers.clear();
});
dialog.addEventListener("keydown", (event) => {
  const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
  if (by) {
    event.preventDefault();
    step(by);
  } else if (event.key.toLowerCase() === "z" && singleKeysOn() && !event.ctrlKey && !event.metaKey) {
    dialog.close();
  }
});

// The picture that a key, a button or a finger means.
function pictureAt(element) {
  const place = element.closest(".tile, .image") ?? element.closest("fieldset");
  return place?.querySelector("img[data-picture]");
}

form.addEventListener("keydown", (event) => {
  const img = event.key.toLowerCase() === "z" && single(event) && pictureAt(event.target);
  if (img) {
    event.preventDefault();
    openZoom(img);
  }
});

form.addEventListener("click", (event) => {
  const id = event.target.closest("[data-zoom]")?.dataset.zoom;
  const img = id && pictures.find((picture) => picture.dataset.picture === id);
  if (img) {
    event.preventDefault();
    openZoom(img);
  }
});

// Long press: opens at once; the click that some browsers send at its end then selects nothing.
let holding = 0;
let held = false;
let start;

form.addEventListener("pointerdown", (event) => {
  clearTimeout(holding);
  held = false;
  const img = event.pointerType !== "mouse" && event.target.closest(".tile, .image")
    && !event.target.closest("button, .pick") && pictureAt(event.target);
  if (img) {
    start = event;
    holding = setTimeout(() => {
      held = true;
      openZoom(img);
    }, HOLD);
  }
});
addEventListener("pointermove", (event) => {
  if (holding && Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) > SLOP) {
    clearTimeout(holding);
  }
});
for (const end of ["pointerup", "pointercancel", "scroll"]) {
  addEventListener(end, () => clearTimeout(holding));
}
addEventListener("click", (event) => {
  if (held && !event.target.closest("button")) {
    event.preventDefault();
    event.stopPropagation();
  }
  held = false;
}, { capture: true });
addEventListener("contextmenu", (event) => {
  if (held || (event.pointerType === "touch" && event.target.closest(".tile, .image"))) {
    event.preventDefault();
  }
});

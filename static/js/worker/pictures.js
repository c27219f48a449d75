// Pictures: loads them soon, tries again, reports those that never come as unseen; and shows one
// alone, as large as the window allows.

import { all, check, form, forward, on, one, single, words } from "./page.js";

const PAUSES = [2_000, 6_000];  // before the first and the second retry
const PATIENCE = 60_000;  // a picture that takes longer has failed

const pictures = all("img[data-picture]");
const loading = new Set(pictures);  // or about to be tried again
const first = new Set(pictures.filter((img) => img.loading !== "lazy"));
// Items that this page, not the worker, has reported.
const noted = new Set(history.state?.noted);
const before = new Set(noted);  // a reload; the draft may tick them after they have arrived

const reportOf = (img) => one("input.report", img.closest(".tile, fieldset"));
const isShown = (img) => !reportOf(img).checked;

export const pending = () => [...loading].filter(isShown).length;

function report(img, unseen) {
  const item = img.dataset.picture;
  const box = one(`[data-unseen="${item}"]`);
  if (unseen ? !box.checked : noted.has(item)) {
    noted[unseen ? "add" : "delete"](item);
    history.replaceState({ noted: [...noted] }, "");
    check(box, unseen);
  }
}

function lookAfter(img) {
  const place = img.closest(".tile, .image");
  let failures = 0;
  let timer;
  let note;  // in the place of a picture that failed

  function wait() {
    clearTimeout(timer);
    timer = setTimeout(fail, PATIENCE);
  }

  function askAgain() {
    wait();
    img.src = img.src;
  }

  function fail() {
    const pause = PAUSES[failures];
    failures += 1;
    clearTimeout(timer);
    if (!note) {
      note = document.getElementById("failed-pattern").content.firstElementChild.cloneNode(true);
      on(one("button", note), "click", askAgain);
      place.append(note);
    }
    one("p", note).textContent = words(pause ? "failed" : "unseen");
    if (pause) {
      timer = setTimeout(askAgain, pause);
    } else {
      loading.delete(img);
      report(img, true);
    }
  }

  function arrive() {
    failures = 0;
    clearTimeout(timer);
    loading.delete(img);
    report(img, false);
    const focused = note?.contains(document.activeElement);
    note?.remove();
    note = undefined;
    if (focused) {
      one("input, a", place).focus();
    }
  }

  function settle() {
    (img.naturalWidth ? arrive : fail)();
    first.delete(img);
    if (first.size === 0) {  // the first row is there: now the rest
      pictures.forEach((other) => { other.loading = "eager"; });
    }
  }

  on(img, "load error", settle);
  on(form, "restored", () => {
    if (!loading.has(img)) {
      if (before.delete(img.dataset.picture)) {
        noted.add(img.dataset.picture);
      }
      report(img, Boolean(note));
    }
  });
  on(window, "online", () => note && askAgain());
  (img.complete ? settle : wait)();
}

pictures.forEach(lookAfter);

// Looking closer.

const HOLD = 450;  // milliseconds; a browser's own long press comes at 500
const SLOP = 10;  // pixels: a finger that wanders further has not tapped
const CLOSEST = 8;
const STEPS = { ArrowLeft: -forward, ArrowUp: -1, back: -1, ArrowRight: forward, ArrowDown: 1, on: 1 };

const zoom = one("dialog.zoom", document);
const view = one("img", zoom);
let shown = null;

function show(img) {
  shown = img;
  move(0, 0, 0);
  view.alt = img.alt;
  view.src = img.src;  // what is there already, until the full one is
  const full = new Image();
  on(full, "load", () => {
    if (shown === img) {
      view.src = full.src;
    }
  });
  full.src = img.dataset.full;
  img.dispatchEvent(new CustomEvent("zoomed", { bubbles: true }));
}

function step(by) {
  const others = pictures.filter(isShown);
  show(others.at((others.indexOf(shown) + by) % others.length));
}

let scale = 1;
let x = 0;
let y = 0;  // of its corner

const within = (number, least, most) => Math.min(most, Math.max(least, number));

// Changes the scale; what lies under a point of the window goes to the point (toX, toY).
function move(factor, atX, atY, toX = atX, toY = atY) {
  const old = scale;
  scale = within(scale * factor, 1, CLOSEST);
  x = within(toX - (atX - x) * scale / old, innerWidth * (1 - scale), 0);
  y = within(toY - (atY - y) * scale / old, innerHeight * (1 - scale), 0);
  view.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
}

const fingers = new Map();  // by the pointer's id: where it is
let wandered = 0;

function middleAndSpread() {
  const [[aX, aY], [bX, bY] = [aX, aY]] = fingers.values();
  return [(aX + bX) / 2, (aY + bY) / 2, Math.hypot(aX - bX, aY - bY)];
}

on(zoom, "pointerdown", ({ target, pointerId, clientX, clientY }) => {
  if (fingers.size === 0) {
    wandered = 0;
  }
  if (!target.closest("button") && fingers.size < 2) {
    zoom.setPointerCapture(pointerId);
    fingers.set(pointerId, [clientX, clientY]);
  }
});
on(zoom, "pointermove", ({ pointerId, clientX, clientY }) => {
  if (fingers.has(pointerId)) {
    const [atX, atY, oldSpread] = middleAndSpread();
    fingers.set(pointerId, [clientX, clientY]);
    const [toX, toY, spread] = middleAndSpread();
    wandered += Math.hypot(toX - atX, toY - atY) + Math.abs(spread - oldSpread);
    move(spread / oldSpread || 1, atX, atY, toX, toY);
  }
});
on(zoom, "pointerup pointercancel", ({ pointerId }) => fingers.delete(pointerId));
on(zoom, "wheel", (event) => {
  event.preventDefault();
  move(Math.exp(-event.deltaY / 400), event.clientX, event.clientY);
}, { passive: false });
on(zoom, "click", ({ target }) => {
  const button = target.closest("button");
  const by = STEPS[button?.className];
  if (by) {
    step(by);
  } else if (button || wandered < SLOP) {
    const report = reportOf(shown);
    zoom.close();
    if (button?.matches(".report")) {
      report.click();
    }
  }
});
on(zoom, "keydown", (event) => {
  if (event.key in STEPS) {
    event.preventDefault();
    step(STEPS[event.key]);
  }
});
on(zoom, "close", () => {
  shown = null;
  fingers.clear();
});

function openAt(element) {
  const img = one("img[data-picture]", element.closest(".tile, .image") ?? element.closest("fieldset"));
  if (isShown(img)) {
    zoom.showModal();
    show(img);
  }
}

on(form, "keydown click", (event) => {
  const { target, type } = event;
  if (type === "click" ? target.closest("[data-zoom]") : single(event) === "z") {
    event.preventDefault();
    openAt(target);
  }
});

// A long press opens it; the click that some browsers send at its end selects nothing.
let timer;
let held = false;

on(form, "pointerdown", ({ target, pointerType }) => {
  held = false;
  clearTimeout(timer);
  if (pointerType !== "mouse" && target.closest(".tile, .image") && !target.closest("button, .pick, [class^=report]")) {
    timer = setTimeout(() => {
      held = true;
      openAt(target);
    }, HOLD);
  }
});
on(window, "pointerup pointercancel scroll", () => clearTimeout(timer));
on(window, "click", (event) => {
  if (held && !event.target.closest("button")) {
    event.preventDefault();
    event.stopPropagation();
  }
  held = false;
}, true);
on(window, "contextmenu", (event) => {
  if (held || (event.pointerType === "touch" && event.target.closest(".tile, .image"))) {
    event.preventDefault();
  }
});

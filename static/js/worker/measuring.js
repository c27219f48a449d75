// Measures the work: active seconds, what the hand does, and under which conditions.

import { form, on } from "./page.js";

const { active_seconds: seconds, hand, conditions } = form.elements;

// Active: the page is visible, and the last sign of the worker is not older than this.
const PATIENCE = 30_000;
let active = Number(seconds.value) || 0;
let last = performance.now();
let lastSign = last;
let visible = !document.hidden;
let events = 0;  // of the hand, not of a program

function count() {
  const now = performance.now();
  if (visible) {
    active += Math.max(0, Math.min(now, lastSign + PATIENCE) - last) / 1000;
  }
  last = now;
  visible = !document.hidden;
}

on(window, "pointermove pointerdown keydown click scroll", ({ isTrusted, type }) => {
  count();
  lastSign = last;
  events += isTrusted && type !== "scroll";
}, { passive: true, capture: true });
on(document, "visibilitychange", count);
on(form, "restored", () => { active = Math.max(active, seconds.value); });

export function writeSeconds() {
  count();
  seconds.value = active.toFixed(1);
}

const times = [];  // of the choices, in seconds

on(form, "change", () => times.push(performance.now() / 1000));
on(form, "submit", () => {
  const gaps = times.slice(1).map((time, n) => time - times[n]);
  const pace = gaps.reduce((sum, gap) => sum + gap, 0) / (gaps.length || 1);
  const squares = gaps.reduce((sum, gap) => sum + (gap - pace) ** 2, 0);
  const spread = Math.sqrt(squares / Math.max(gaps.length - 1, 1));
  hand.value = JSON.stringify({ events, choices: times.length, pace, spread });
});

// Conditions: device, viewport, and by item how often it is enlarged and changed.

let counts;

function takeUp() {
  counts = { zooms: {}, changes: {}, ...JSON.parse(conditions.value || "{}") };
  write();
}

function write() {
  conditions.value = JSON.stringify({
    ...counts,
    device: matchMedia("(pointer: coarse)").matches ? "touch" : "mouse",
    viewport: `${innerWidth}x${innerHeight}`,
  });
}

function add(what, item) {
  counts[what][item] = (counts[what][item] ?? 0) + 1;
  write();
}

// Where Yes undoes No, that is one change of the item.
const touched = new Set();

on(form, "change", ({ target }) => {
  const item = target.dataset.unseen ?? target.closest(".tile, [data-item]")?.id;
  if (item && !touched.has(item)) {
    touched.add(item);
    setTimeout(() => touched.clear());
    add("changes", item);
  }
}, true);  // before the draft is kept
on(form, "zoomed", ({ target }) => add("zooms", target.dataset.picture));
on(form, "restored", takeUp);
takeUp();

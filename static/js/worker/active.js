// Active seconds: the page is visible and the worker did something on it within the last half minute.

const form = document.querySelector("form.work");
const seconds = form.elements.namedItem("active_seconds");
const PATIENCE = 30_000;
let active = Number(seconds.value) || 0;
let last = performance.now();
let lastSign = last;

function count() {
  const now = performance.now();
  if (document.visibilityState === "visible" && now - lastSign < PATIENCE) {
    active += (now - last) / 1000;
  }
  last = now;
}

setInterval(count, 1000);
for (const sign of ["pointermove", "pointerdown", "keydown", "scroll"]) {
  addEventListener(sign, () => { lastSign = performance.now(); }, { passive: true });
}
document.addEventListener("visibilitychange", count);

// Writes the seconds so far into the form.
export function writeSeconds() {
  count();
  seconds.value = active.toFixed(1);
}

// Active seconds: the page is visible and the worker did something on it within the last half minute.

const form = document.querySelector("form.work");
const seconds = form.elements.namedItem("active_seconds");
const PATIENCE = 30_000;
let active = Number(seconds.value) || 0;
let last = performance.now();
let lastSign = last;
let visible = document.visibilityState === "visible";

function count() {
  const now = performance.now();
  if (visible) {
    active += Math.max(0, Math.min(now, lastSign + PATIENCE) - last) / 1000;
  }
  last = now;
  visible = document.visibilityState === "visible";
}

for (const sign of ["pointermove", "pointerdown", "keydown", "scroll"]) {
  addEventListener(sign, () => {
    count();
    lastSign = last;
  }, { passive: true });
}
document.addEventListener("visibilitychange", count);
form.addEventListener("restored", () => { active = Math.max(active, Number(seconds.value) || 0); });

// Writes the seconds so far into the form.
export function writeSeconds() {
  count();
  seconds.value = active.toFixed(1);
}

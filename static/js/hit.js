// Conveniences of a HIT's page, which works without them: active seconds, one submit, focus on problems.

const form = document.querySelector("form.work");
const seconds = form.elements.namedItem("active_seconds");

// Active: the page is visible and the worker did something on it within the last half minute.
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

// The number in "Submit 7 selected": CSS counts it too, but screen readers do not read that.
const numbers = document.querySelectorAll(".counted");
const counted = "input[name=selected]:checked, input[name^=labels-]:checked";

function showCount() {
  const chosen = String(form.querySelectorAll(counted).length);
  for (const number of numbers) {
    number.textContent = chosen;
  }
}

for (const number of numbers) {
  number.classList.add("scripted");
}
showCount();
form.addEventListener("change", showCount);

let sent = false;
form.addEventListener("submit", (event) => {
  if (sent) {
    event.preventDefault();
    return;
  }
  count();
  seconds.value = active.toFixed(1);
  sent = true;
});
addEventListener("pageshow", () => {
  sent = false;
  showCount();
});

document.getElementById("problems")?.focus();

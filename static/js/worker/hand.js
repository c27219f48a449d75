// Counts what a hand does on a HIT's page: events, choices, and how evenly the choices come.

const form = document.querySelector("form.work");
const hand = form.elements.namedItem("hand");

let events = 0;
for (const sign of ["pointermove", "pointerdown", "keydown", "click"]) {
  addEventListener(sign, (event) => { events += event.isTrusted; }, { passive: true, capture: true });
}

// Mean and squared deviations of the seconds between choices, kept up one by one (Welford).
let choices = 0;
let last = 0;
let pace = 0;
let squares = 0;

form.addEventListener("change", () => {
  const now = performance.now() / 1000;
  if (choices > 0) {
    const apart = now - last - pace;
    pace += apart / choices;
    squares += apart * (now - last - pace);
  }
  choices += 1;
  last = now;
});

form.addEventListener("submit", () => {
  const spread = choices > 2 ? Math.sqrt(squares / (choices - 2)) : 0;
  hand.value = JSON.stringify({ events, choices, pace, spread });
});

// The explorer by keys: j and k or the arrows go from card to card, and Enter, the link's own,
// opens one. On an image's page the arrows, j and k lead along the view, u back to it.
// A page whose images are still being laid out looks again.

const cards = () => [...document.querySelectorAll("[data-cards] .open")];
const typing = (target) => target.closest("input, textarea, select, [contenteditable]");
const link = (name) => document.querySelector(`a[data-key="${name}"]`);

function inRow(all) {
  const top = all[0].getBoundingClientRect().top;
  const next = all.findIndex((each) => each.getBoundingClientRect().top > top + 1);
  return next < 1 ? all.length : next;
}

function go(all, step) {
  const now = all.indexOf(document.activeElement);
  const to = now < 0 ? 0 : now + step;
  if (to >= all.length) {
    document.querySelector("[rel=next]")?.focus();
  } else if (to < 0) {
    document.querySelector("[rel=prev]")?.focus();
  } else {
    all[to].focus();
  }
}

addEventListener("keydown", (event) => {
  if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) {
    return;
  }
  const all = cards();
  if (all.length) {
    const steps = { j: 1, k: -1, ArrowRight: 1, ArrowLeft: -1, ArrowDown: 0, ArrowUp: 0 };
    if (!(event.key in steps)) {
      return;
    }
    const row = event.key === "ArrowDown" ? inRow(all) : -inRow(all);
    event.preventDefault();
    go(all, steps[event.key] || row);
    return;
  }
  const names = { j: "next", ArrowRight: "next", k: "before", ArrowLeft: "before", u: "back" };
  const to = link(names[event.key]);
  if (to) {
    event.preventDefault();
    to.click();
  }
});

const again = document.querySelector("[data-again]");
if (again) {
  setTimeout(() => location.reload(), 1000 * Number(again.dataset.again));
}

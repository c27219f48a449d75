// The bar at the bottom: how much is answered, what is still open, and the way on from work that is over.

import { say, unsay } from "./words.js";

const form = document.querySelector("form.work");
const { isAnswered } = await import(`./${form.dataset.kind}.js`);
const bar = form.querySelector(".bar");
const questions = [...form.querySelectorAll("[data-section], [data-item]")];

// CSS counts without scripts, but not every screen reader reads its numbers.
function write(name, number) {
  for (const place of bar.querySelectorAll(`.${name}`)) {
    place.classList.add("scripted");
    place.textContent = number;
  }
}

function show() {
  write("counted", form.querySelectorAll("input[name=selected]:checked").length);
  write("answered", questions.filter(isAnswered).length);
}

function changed() {
  show();
  unsay("open");
  const led = form.querySelector("[data-open]");
  if (led && isAnswered(led)) {
    delete led.dataset.open;
  }
}

// Whether a question is still open: then the bar says so, and `lead` moves the focus to the first.
export function stillOpen(lead) {
  const open = questions.filter((question) => !isAnswered(question));
  form.querySelector("[data-open]")?.removeAttribute("data-open");
  if (open.length > 0) {
    const [first] = open;
    first.dataset.open = "";
    say("open", { open: open.length });
    if (lead) {
      const none = questions.length === 1 && first.querySelector("input[name=none]");  // by the bar
      (none || first.querySelector("input:not([tabindex='-1'])") || first.querySelector("input")).focus();
    }
  }
  return open.length > 0;
}

// The work is over, and why: nothing can be sent any more, and the page's own address leads on.
export function end(why) {
  say("over", { why });
  bar.querySelector(".on").hidden = false;
  bar.querySelectorAll("button").forEach((button) => { button.hidden = true; });
}

show();
form.addEventListener("change", changed);
form.addEventListener("restored", changed);

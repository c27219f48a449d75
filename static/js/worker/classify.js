// The questions of CLASSIFY: which labels fit a picture, and which one names its main object.

import { beginAt, single, singleKeysOn } from "./keys.js";

const form = document.querySelector("form.work");
const questions = [...form.querySelectorAll("fieldset[data-item]")];
const LABEL = "input[name^=labels-]";
const MAIN = "input[name^=main-]";
const ALONE = "input[name^=none-], input[name^=unseen-]";  // answers that exclude all others

const checked = (question, which) =>
  [...question.querySelectorAll(which)].filter((input) => input.checked);

// Whether a picture has a main object, is confirmed as "none of these labels", or did not load.
export function isAnswered(question) {
  return checked(question, `${MAIN}, ${ALONE}`).length > 0 || checked(question, LABEL).length === 1;
}

const before = new WeakMap();  // question -> what was checked before an answer that stands alone
const inferred = new WeakSet();  // questions whose main object is only that of a lone label

function set(input, on) {
  if (input.checked !== on) {
    input.checked = on;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

function exclude(question, input) {
  const others = checked(question, "input").filter((other) => other !== input);
  if (!input.checked) {
    if (input.matches(ALONE) && others.length === 0) {
      before.get(question)?.forEach((other) => set(other, true));
      before.delete(question);
    }
  } else if (input.matches(ALONE)) {
    if (others.length > 0) {
      before.set(question, others);
    }
    others.forEach((other) => set(other, false));
  } else {
    before.delete(question);
    others.filter((other) => other.matches(ALONE)).forEach((other) => set(other, false));
    set(document.getElementById(input.value), true);  // the label of a main object
  }
}

// A lone label is the main object; of several, none is until the worker says so.
function nameMain(question) {
  const labels = checked(question, LABEL).map((label) => label.value);
  const [main] = checked(question, MAIN);
  if (labels.length === 1) {
    if (main?.value !== labels[0]) {
      inferred.add(question);
      set(document.getElementById(`m-${labels[0]}`), true);
    }
  } else if (main && (inferred.has(question) || !labels.includes(main.value))) {
    inferred.delete(question);
    set(main, false);
  }
}

function redraw(question) {
  const answered = isAnswered(question);
  question.classList.toggle("undecided", !answered && checked(question, LABEL).length > 1);
  const mark = form.querySelector(`.strip a[href="#${question.id}"]`);
  mark?.classList.toggle("done", answered);
  mark?.querySelector("span").toggleAttribute("hidden", !answered);
}

let following = false;  // the changes made below are not the worker's
function follow(question, changed) {
  following = true;
  if (changed) {
    exclude(question, changed);
  } else if (checked(question, LABEL).length === 1) {
    inferred.add(question);
  }
  nameMain(question);
  redraw(question);
  following = false;
}

form.addEventListener("change", ({ target }) => {
  const question = target.closest("[data-item]");
  if (question && !following) {
    follow(question, target);
  }
});

// Also where it changes nothing, since the radio was checked by `nameMain`.
form.addEventListener("click", ({ target }) => {
  if (target.matches(MAIN)) {
    inferred.delete(target.closest("[data-item]"));
  }
});

form.addEventListener("restored", () => questions.forEach((question) => follow(question)));
questions.forEach((question) => follow(question));

// Keys

const STEPS = { arrowleft: -1, p: -1, arrowright: 1, n: 1 };
const ROWS = { arrowup: -1, arrowdown: 1 };

// The number key that was pressed, whatever the layout: [number, whether with Shift]; or null.
function numberOf(event) {
  const [, place, number] = /^(Digit|Numpad)(\d)$/.exec(event.code) ?? [];
  if (place === "Digit" || (place && /\d/.test(event.key))) {
    return [Number(number), event.shiftKey];
  }
  // While NumLock is on, Shift makes the number pad's keys arrows, End and so on, and some
  // systems then hide Shift itself.
  return place && event.getModifierState("NumLock") ? [Number(number), true] : null;
}

function pressNumber(question, number, asMain) {
  const box = question.querySelectorAll(number ? LABEL : "input[name^=none-]")[Math.max(number - 1, 0)];
  if (!box) {
    return;
  }
  box.focus();
  if (!(asMain && number && box.checked)) {
    box.click();
  }
  if (asMain && number) {
    document.getElementById(`m-${box.value}`).click();
  }
}

function goTo(question) {
  question?.focus({ preventScroll: true });
  question?.scrollIntoView();
}

// The checkbox one row up or down; radio buttons have their own use for these keys.
function nextBox(question, target, step) {
  const boxes = [...question.querySelectorAll(".choice input")];
  const row = target.closest(".row");
  return target.matches(MAIN) ? null : boxes[boxes.findIndex((box) => row?.contains(box)) + step];
}

form.addEventListener("keydown", (event) => {
  const { target } = event;
  const key = event.key.toLowerCase();
  if (key === "enter" && target.name?.startsWith("other-") && !event.ctrlKey) {
    event.preventDefault();  // it would send the form
  }
  if (event.defaultPrevented || !single(event)) {
    return;
  }
  const question = target.closest("[data-item]");
  const number = numberOf(event);
  const box = key in ROWS ? nextBox(question, target, ROWS[key]) : null;
  if (number) {
    if (!event.repeat) {
      pressNumber(question, ...number);
    }
  } else if (key in STEPS) {
    goTo(questions[questions.indexOf(question) + STEPS[key]]);
  } else if (box) {
    box.focus();
  } else {
    return;
  }
  event.preventDefault();
});

// The numbers beside the labels stand there while they do something.
const showNumbers = () => form.classList.toggle("numbered", singleKeysOn());
form.addEventListener("keys", showNumbers);
showNumbers();

beginAt(questions[0]);

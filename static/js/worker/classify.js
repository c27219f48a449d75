// The questions of CLASSIFY: which labels fit a picture, and which one names its main object.

import { all, beginAt, form, forward, on, one, single, singleKeysOn } from "./page.js";

const questions = all("[data-item]");
const LABEL = "[name^=labels-]";
const MAIN = "[name^=main-]";
const NONE = "[name^=none-]";
const ALONE = "[name^=none-], [name^=unseen-], .report";  // answers that exclude all others

const checked = (question, which) => all(which, question).filter((input) => input.checked);
const mainOf = (label) => document.getElementById(`m-${label}`);

export function isAnswered(question) {
  return checked(question, `${MAIN}, ${ALONE}`).length > 0 || checked(question, LABEL).length === 1;
}

const before = new WeakMap();  // question -> what was checked before an answer that stands alone
const inferred = new WeakSet();  // questions whose main object is only that of a lone label

// Answers exclude each other: the one given last stands.
function exclude(question, input) {
  const others = checked(question, "input").filter((other) => other !== input);
  const isAlone = input.matches(ALONE);
  if (input.checked) {
    const excluded = others.filter((other) => isAlone || other.matches(ALONE));
    excluded.forEach((other) => { other.checked = false; });
    if (isAlone) {
      before.set(question, excluded);
    } else {
      document.getElementById(input.value).checked = true;  // the label of a main object
    }
  } else if (isAlone && others.length === 0) {
    before.get(question)?.forEach((other) => { other.checked = true; });
  }
}

// A lone label is the main object; of several, none is until the worker says so.
function nameMain(question) {
  const labels = checked(question, LABEL).map((label) => label.value);
  const [main] = checked(question, MAIN);
  if (labels.length === 1) {
    if (main?.value !== labels[0]) {
      inferred.add(question);
      mainOf(labels[0]).checked = true;
    }
  } else if (main && (inferred.has(question) || !labels.includes(main.value))) {
    inferred.delete(question);
    main.checked = false;
  }
}

function follow(question, input) {
  if (input) {
    exclude(question, input);
  } else if (checked(question, LABEL).length === 1) {
    inferred.add(question);
  }
  nameMain(question);
  const answered = isAnswered(question);
  question.classList.toggle("undecided", !answered && checked(question, LABEL).length > 1);
  const mark = one(`.strip [href="#${question.id}"]`);
  mark?.classList.toggle("done", answered);
  mark?.firstElementChild.toggleAttribute("hidden", !answered);
}

const followAll = () => questions.forEach((question) => follow(question));
on(form, "restored", followAll);
on(form, "change", ({ target }) => {
  const question = target.closest("[data-item]");
  if (question) {
    follow(question, target);
  }
});
// Also where it changes nothing, since the radio was checked by `nameMain`.
on(form, "click", ({ target }) => target.matches(MAIN) && inferred.delete(target.closest("[data-item]")));
followAll();

const STEPS = { arrowleft: -forward, p: -1, arrowright: forward, n: 1 };
const ROWS = { arrowup: -1, arrowdown: 1 };

// The number key, whatever the layout: [number, whether with Shift]; or null.
function numberOf(event) {
  const [, place, number] = /^(Digit|Numpad)(\d)$/.exec(event.code) ?? [];
  if (place === "Digit" || (place && /\d/.test(event.key))) {
    return [Number(number), event.shiftKey];
  }
  // With NumLock on, Shift turns the pad's keys into arrows, and some systems then hide it.
  return place && event.getModifierState("NumLock") ? [Number(number), true] : null;
}

function pressNumber(question, number, shift) {
  const box = number ? all(LABEL, question)[number - 1] : one(NONE, question);
  if (!box) {
    return;
  }
  const asMain = shift && number > 0;
  box.focus();
  if (!asMain || !box.checked) {
    box.click();
  }
  if (asMain) {
    mainOf(box.value).click();
  }
}

// The checkbox one row up or down; radio buttons have their own use for these keys.
function nextBox(question, target, step) {
  const boxes = all(".choice input", question);
  const row = target.closest(".row");
  return target.matches(MAIN) ? null : boxes[boxes.findIndex((box) => row?.contains(box)) + step];
}

on(form, "keydown", (event) => {
  const { target } = event;
  const key = !event.defaultPrevented && single(event);
  if (!key) {
    return;
  }
  const question = target.closest("[data-item]");
  const number = numberOf(event);
  const box = key in ROWS ? nextBox(question, target, ROWS[key]) : key === "r" ? one("input.report", question) : null;
  if (number) {
    if (!event.repeat) {
      pressNumber(question, ...number);
    }
  } else if (key in STEPS) {
    const next = questions[questions.indexOf(question) + STEPS[key]];
    next?.focus({ preventScroll: true });
    next?.scrollIntoView();
  } else if (box) {
    box.focus();
    if (key === "r") {
      box.click();
    }
  } else {
    return;
  }
  event.preventDefault();
});

const showNumbers = () => form.classList.toggle("numbered", singleKeysOn());
on(form, "keys", showNumbers);
showNumbers();

beginAt(questions[0]);

// The questions of CONTAINS: which pictures show a label.

import { beginAt, single, singleKeysOn } from "./keys.js";

const form = document.querySelector("form.work");
const sections = [...form.querySelectorAll("[data-section]")];
const tiles = [...form.querySelectorAll(".tile")];

const sectionOf = (element) => element.closest("[data-section]");
const tilesOf = (section) => [...section.querySelectorAll(".tile")];
const boxOf = (tile) => tile.querySelector("input[name=selected]");
const maybeOf = (tile) => tile.querySelector("input[name=maybe]");
const unseenOf = (tile) => form.querySelector(`[data-unseen="${tile.id}"]`);
const noneOf = (section) => section.querySelector("input[name=none]");

// Whether a section has a selected picture, is confirmed as "none of these", or shows no picture.
export function isAnswered(section) {
  return section.querySelector("input:checked") !== null
    || tilesOf(section).every((tile) => unseenOf(tile).checked);
}

// Answers exclude each other: the one given last stands.

function set(box, checked) {
  if (box && box.checked !== checked) {
    box.checked = checked;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

// For each section that says "none": the boxes which that emptied, to be checked again after it.
const emptied = new Map();

function sayNone(section) {
  const boxes = [...section.querySelectorAll("input:checked:not([name=none])")];
  boxes.forEach((box) => set(box, false));
  emptied.set(section, boxes);
}

function takeNoneBack(section) {
  const boxes = emptied.get(section) ?? [];
  emptied.delete(section);
  if (section.querySelector("input:checked") === null) {
    boxes.forEach((box) => set(box, true));
  }
}

form.addEventListener("change", ({ target }) => {
  if (target.name === "none") {
    (target.checked ? sayNone : takeNoneBack)(sectionOf(target));
  } else if (target.checked && ["selected", "maybe", "unseen"].includes(target.name)) {
    const tile = document.getElementById(target.value);
    const section = sectionOf(tile);
    [boxOf(tile), maybeOf(tile), unseenOf(tile)].filter((box) => box !== target).forEach((box) => set(box, false));
    if (target.name !== "unseen") {
      set(noneOf(section), false);
    }
  }
});

// Arrows go through all pictures of the page; to Tab, a section's pictures are one stop.

function makeStop(tile) {
  for (const other of tilesOf(sectionOf(tile))) {
    boxOf(other).tabIndex = other === tile ? 0 : -1;
    // Where their keys are off, Tab leads to these, at the picture that it stops at.
    const beside = other === tile && !singleKeysOn() ? 0 : -1;
    other.querySelectorAll(".larger, .maybe input").forEach((control) => { control.tabIndex = beside; });
  }
}

const stopOf = (section) => tilesOf(section).find((tile) => boxOf(tile).tabIndex === 0);

function goTo(tile) {
  boxOf(tile).focus();
  if (sectionOf(tile).matches(".card")) {
    sectionOf(tile).scrollIntoView({ block: "nearest" });
  }
}

// Of some elements, in the row next below (or above) a rectangle, the one nearest to its middle.
function nearest(elements, from, below) {
  const all = elements.map((element) => {
    const to = element.getBoundingClientRect();
    return {
      element,
      gap: below ? to.top - from.bottom : from.top - to.bottom,
      aside: Math.abs(to.left + to.right - from.left - from.right),
    };
  }).filter(({ gap }) => gap > -4);
  const row = Math.min(...all.map(({ gap }) => gap)) + 4;
  return all.filter(({ gap }) => gap <= row).sort((a, b) => a.aside - b.aside)[0]?.element;
}

function vertically(tile, below) {
  const from = tile.getBoundingClientRect();
  const section = sectionOf(tile);
  const inside = nearest(tilesOf(section), from, below);
  if (inside) {
    return inside;
  }
  const next = nearest(sections, { ...section.getBoundingClientRect().toJSON(), left: from.left, right: from.right }, below);
  return next && nearest(tilesOf(next), from, below);
}

// A row of a section's pictures, as it is laid out now.
const rowOf = (tile) => tilesOf(sectionOf(tile)).filter((other) => other.offsetTop === tile.offsetTop);

const ways = {
  ArrowLeft: (tile) => tiles[tiles.indexOf(tile) - 1],
  ArrowRight: (tile) => tiles[tiles.indexOf(tile) + 1],
  ArrowUp: (tile) => vertically(tile, false),
  ArrowDown: (tile) => vertically(tile, true),
  Home: (tile) => rowOf(tile).at(0),
  End: (tile) => rowOf(tile).at(-1),
};

// Answers by key; what answers a whole card leads on to the next section that is still open.
function answer(box) {
  box.click();
  const section = sectionOf(box);
  if (box.checked && section.matches(".card") && (box.name === "none" || tilesOf(section).length === 1)) {
    const here = sections.indexOf(section);
    const open = [...sections.slice(here + 1), ...sections.slice(0, here)].find((other) => !isAnswered(other));
    if (open) {
      goTo(stopOf(open));
    }
  }
}

// The box that a key means, where it means one.
function boxFor(event, section, tile) {
  if (event.key === " " || event.key === "Enter") {
    return event.target;
  }
  if (!single(event) || event.shiftKey) {
    return null;
  }
  if (event.code === "Digit0" || event.code === "Numpad0") {
    return noneOf(section);
  }
  return tile && { x: boxOf, m: maybeOf }[event.key.toLowerCase()]?.(tile);
}

form.addEventListener("keydown", (event) => {
  const { target, key } = event;
  const section = sectionOf(target);
  if (!section || !target.matches("input") || event.ctrlKey || event.altKey || event.metaKey) {
    return;
  }
  const tile = target.closest(".tile");
  const box = boxFor(event, section, tile);
  if (key in ways) {
    const next = ways[key](tile ?? stopOf(section));
    if (next) {
      goTo(next);
    }
  } else if (!box) {
    return;
  } else if (!event.repeat) {
    answer(box);
  }
  event.preventDefault();
});
form.addEventListener("keyup", (event) => {
  if (event.key === " " && sectionOf(event.target) && event.target.matches("input")) {
    event.preventDefault();  // it has acted when it went down
  }
});
form.addEventListener("focusin", ({ target }) => {
  const tile = target.closest(".tile");
  if (tile) {
    makeStop(tile);
  }
});

const makeStops = () => sections.forEach((section) => makeStop(stopOf(section) ?? tilesOf(section)[0]));
form.addEventListener("keys", makeStops);
tiles.forEach((tile) => { boxOf(tile).tabIndex = -1; });
makeStops();
beginAt(boxOf(tiles[0]));

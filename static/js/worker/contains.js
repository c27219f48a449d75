// The questions of CONTAINS: which pictures show a label.

import { all, beginAt, check, form, forward, on, one, single, singleKeysOn } from "./page.js";

const cards = all(".card");
const tiles = all(".tile");

const sectionOf = (element) => element.closest("[data-section]");
const tilesOf = (section) => all(".tile", section);
// Of a tile its box; where it is reported, the one that undoes that.
const box = (name) => (tile) => one("[name=report]:checked", tile) ?? one(`[name=${name}]`, tile);
const boxOf = box("selected");
const keys = { x: boxOf, m: box("maybe"), r: box("report") };
const unseenOf = (tile) => one(`[data-unseen="${tile.id}"]`);
const noneOf = (section) => one("[name=none]", section);
const checkedIn = (section) => all(":checked:not(.report)", section);

// Also where none of its pictures came, or is to be seen.
export function isAnswered(section) {
  return checkedIn(section).length > 0 || tilesOf(section).every((tile) => unseenOf(tile).checked || boxOf(tile).name === "report");
}

// Answers exclude each other: the one given last stands.

const emptied = new Map();  // section -> what its "none" has unchecked

function sayNone(section) {
  const boxes = checkedIn(section).filter(({ name }) => name !== "none");
  boxes.forEach((box) => check(box, false));
  emptied.set(section, boxes);
}

function takeNoneBack(section) {
  const boxes = emptied.get(section) ?? [];
  emptied.delete(section);
  if (checkedIn(section).length === 0) {
    boxes.forEach((box) => check(box, true));
  }
}

on(form, "change", ({ target }) => {
  if (target.name === "none") {
    (target.checked ? sayNone : takeNoneBack)(sectionOf(target));
  } else if (target.checked && target.type === "checkbox") {
    const tile = document.getElementById(target.value);
    [...all("[name=selected], [name=maybe]", tile), unseenOf(tile)].filter((box) => box !== target)
      .forEach((box) => check(box, false));
    if (/selected|maybe/.test(target.name)) {
      check(noneOf(sectionOf(tile)), false);
    }
  }
  if (target.name === "report") {
    boxOf(target.closest(".tile")).focus();
  }
});

// Arrows go through all pictures of the page; to Tab, a section's pictures are one stop.

const stops = new Map(tiles.map((tile) => [sectionOf(tile), tile]).reverse());

function makeStop(tile) {
  stops.set(sectionOf(tile), tile);
  for (const other of tilesOf(sectionOf(tile))) {
    const isStop = other === tile;
    // Where their keys are off, Tab leads to these, at the picture that it stops at.
    const beside = isStop && !singleKeysOn() ? 0 : -1;
    all("[name=selected], [name=report], .larger, .maybe input", other)
      .forEach((control) => { control.tabIndex = beside; });
    boxOf(other).tabIndex = isStop ? 0 : -1;
  }
}

function goTo(tile) {
  boxOf(tile).focus();
  if (sectionOf(tile).matches(".card")) {
    sectionOf(tile).scrollIntoView({ block: "nearest" });
  }
}

// The nearest picture below (or above), first of the same section.
function vertically(tile, below) {
  const from = tile.getBoundingClientRect();
  const found = tiles.map((other) => {
    const to = other.getBoundingClientRect();
    const gap = below ? to.top - from.bottom : from.top - to.bottom;
    const aside = Math.abs(to.left + to.right - from.left - from.right);
    const elsewhere = sectionOf(other) === sectionOf(tile) ? 0 : 1e6;
    return { other, gap, way: gap + aside + elsewhere };
  }).filter(({ gap }) => gap > -4);
  return found.sort((a, b) => a.way - b.way)[0]?.other;
}

const rowOf = (tile) => tilesOf(sectionOf(tile)).filter((other) => other.offsetTop === tile.offsetTop);

const ways = {
  ArrowLeft: (tile) => tiles[tiles.indexOf(tile) - forward],
  ArrowRight: (tile) => tiles[tiles.indexOf(tile) + forward],
  ArrowUp: (tile) => vertically(tile, false),
  ArrowDown: (tile) => vertically(tile, true),
  Home: (tile) => rowOf(tile).at(0),
  End: (tile) => rowOf(tile).at(-1),
};

// By key, what answers a whole card leads on to the next one that is open.
function answer(box) {
  box.click();
  const section = sectionOf(box);
  const here = cards.indexOf(section);
  if (box.checked && here >= 0 && (box.name === "none" || tilesOf(section).length === 1)) {
    const next = [...cards.slice(here + 1), ...cards.slice(0, here)].find((card) => !isAnswered(card));
    if (next) {
      goTo(stops.get(next));
    }
  }
}

// The box that a key means, where it means one.
function boxFor(event, section, tile) {
  if (event.key === " " || event.key === "Enter") {
    return event.target;
  }
  const key = !event.shiftKey && single(event);
  if (key && /^(Digit|Numpad)0$/.test(event.code)) {
    return noneOf(section);
  }
  return tile && keys[key]?.(tile);
}

on(form, "keydown", (event) => {
  const { target, key } = event;
  const section = sectionOf(target);
  if (!section || !target.matches("[type=checkbox]") || event.ctrlKey || event.altKey || event.metaKey) {
    return;
  }
  const tile = target.closest(".tile");
  const box = boxFor(event, section, tile);
  if (key in ways) {
    const next = ways[key](tile ?? stops.get(section));
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
on(form, "keyup", (event) => {
  if (event.key === " " && sectionOf(event.target) && event.target.matches("[type=checkbox]")) {
    event.preventDefault();  // it has acted when it went down
  }
});
on(form, "focusin", ({ target }) => {
  const tile = target.closest(".tile");
  if (tile) {
    makeStop(tile);
  }
});

const makeStops = () => stops.forEach(makeStop);
on(form, "keys", makeStops);
makeStops();
beginAt(boxOf(tiles[0]));

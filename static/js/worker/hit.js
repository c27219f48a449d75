// A HIT's page works without scripts; these make it convenient. Each idea is a module of its own.

import "./bar.js";
import "./hand.js";
import "./keys.js";
import "./pictures.js";
import "./sending.js";
import "./zoom.js";

const form = document.querySelector("form.work");
await import(`./${form.dataset.kind}.js`);

form.dataset.ready = "";  // for whoever drives the page by a program
document.getElementById("problems")?.focus();

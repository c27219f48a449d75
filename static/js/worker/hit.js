// A HIT's page works without scripts; these make it convenient. Each idea is a module of its own.

import "./active.js";
import "./conditions.js";
import "./hand.js";
import "./bar.js";  // and the questions of the page's kind
import { start } from "./draft.js";
import "./expiry.js";
import "./instructions.js";
import "./keys.js";
import "./pictures.js";
import "./sending.js";
import "./giving-back.js";
import "./zoom.js";

const form = document.querySelector("form.work");
start();  // when all others listen

form.dataset.ready = "";  // for whoever drives the page by a program
document.getElementById("problems")?.focus();

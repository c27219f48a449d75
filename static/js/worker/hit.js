// A HIT's page works without scripts; these make it convenient.

import "./measuring.js";
import "./bar.js";  // and the questions of the page's kind
import "./keys.js";
import "./pictures.js";
import { start } from "./sending.js";

const form = document.querySelector("form.work");
start();  // when all others listen

form.dataset.ready = "";  // for whoever drives the page by a program
document.getElementById("problems")?.focus();

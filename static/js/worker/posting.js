// Posts the form to the site, which answers scripts in JSON.

import { writeSeconds } from "./active.js";

const form = document.querySelector("form.work");
const PATIENCE = 30_000;
const ANSWERS = [200, 204, 409, 410, 422];

// The reply as { status, headers, ... }, with what its JSON says. Throws where the site gave no
// answer: no line, an overloaded site, a page of the train's network in its place.
export async function post(extra, keepalive = false) {
  writeSeconds();
  const body = new URLSearchParams(new FormData(form));
  for (const [name, value] of Object.entries({ revision: form.dataset.revision, ...extra })) {
    body.set(name, value);
  }
  const reply = await fetch(location.href, {
    method: "POST",
    headers: { Accept: "application/json" },
    body,
    keepalive,
    redirect: "error",
    signal: AbortSignal.timeout(PATIENCE),
  });
  const { status, headers } = reply;
  if (!ANSWERS.includes(status)) {
    throw new Error(`the site answered ${status}`);
  }
  return { status, headers, ...(status === 204 ? {} : await reply.json()) };
}

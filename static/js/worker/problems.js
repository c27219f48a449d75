// What is wrong with an answer, at each item and in one list: the same markup as on the site's own page.

const form = document.querySelector("form.work");
const pattern = document.getElementById("problems-pattern").content;

// Takes the messages away.
export function clear() {
  document.getElementById("problems")?.remove();
  form.querySelectorAll(".error").forEach((message) => message.remove());
  form.querySelectorAll(".wrong").forEach((place) => place.classList.remove("wrong"));
  for (const marked of form.querySelectorAll("[aria-describedby^='e-']")) {
    marked.removeAttribute("aria-describedby");
    marked.removeAttribute("aria-invalid");
  }
}

function mark(item, message) {
  const place = document.getElementById(item);
  const text = document.createElement("p");
  Object.assign(text, { className: "error", id: `e-${item}`, textContent: message });
  const heading = document.getElementById(`q-${item}`);
  if (heading) {
    (heading.closest(".question") ?? heading).after(text);
    place.setAttribute("aria-describedby", text.id);
  } else {
    place.append(text);
    place.classList.add("wrong");
  }
  const inputs = heading ? place.querySelectorAll("[name^=labels-]") : [place.querySelector("input")];
  for (const input of inputs) {
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", text.id);
  }
}

// Shows [{ item, message }], in the page's order, and moves the focus to the first; `item` may be null.
export function show(errors) {
  clear();
  const notice = pattern.cloneNode(true).firstElementChild;
  const list = notice.querySelector("ul");
  for (const { item, message } of errors) {
    const row = list.appendChild(document.createElement("li"));
    const known = item && document.getElementById(item);
    if (known) {
      mark(item, message);
    }
    const link = known ? row.appendChild(document.createElement("a")) : row;
    link.textContent = message;
    if (known) {
      link.href = `#${item}`;
    }
  }
  form.before(notice);
  const first = errors.find(({ item }) => item)?.item;
  (document.getElementById(first)?.querySelector("input") ?? notice).focus();
}

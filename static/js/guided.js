// The steps of a campaign: only the inputs of what is chosen are shown, and the preview of the
// worker's page follows the form, at two widths.

const form = document.getElementById("step");
const look = form?.querySelector(".look");
const frame = document.querySelector("iframe[name=preview]");
let wait;

function showChosen() {
  for (const part of form.querySelectorAll("[data-of]")) {
    const [name, value] = part.dataset.of.split("=");
    const choice = form.elements[name];
    if (choice) {
      part.hidden = choice.type === "checkbox" ? !choice.checked : choice.value !== value;
    }
  }
}

if (form) {
  form.addEventListener("change", showChosen);
  showChosen();
}
if (look && frame) {
  form.addEventListener("input", () => {
    clearTimeout(wait);
    wait = setTimeout(() => form.requestSubmit(look), 800);
  });
  for (const button of document.querySelectorAll("[data-width]")) {
    button.addEventListener("click", () => {
      frame.classList.toggle("phone", button.dataset.width === "390");
      for (const each of document.querySelectorAll("[data-width]")) {
        each.setAttribute("aria-pressed", String(each === button));
      }
    });
  }
}

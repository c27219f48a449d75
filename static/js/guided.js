// The steps of a campaign: only the inputs of what is chosen are shown, shares have a slider, and
// the preview of the worker's page follows the form, at two widths.

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

// A slider beside the number of a share; the number is what is sent, and may lie between its steps.
function addSlider(number) {
  const slider = document.createElement("input");
  const row = document.createElement("span");
  slider.type = "range";
  slider.min = Number(number.min) && number.dataset.slider; // steps count from there
  slider.max = number.max;
  slider.step = number.dataset.slider;
  slider.value = number.value;
  slider.setAttribute("aria-label", `${form.querySelector(`label[for="${number.id}"]`).innerText.trim()}, slider`);
  row.className = "slider";
  number.replaceWith(row);
  row.append(slider, number);
  slider.addEventListener("input", () => {
    number.value = slider.value;
    form.dispatchEvent(new Event("slid"));
  });
  number.addEventListener("input", () => {
    slider.value = number.value;
  });
}

if (form) {
  form.addEventListener("change", showChosen);
  showChosen();
  form.querySelectorAll("[data-slider]").forEach(addSlider);
}
if (look && frame) {
  form.addEventListener("input", () => {
    clearTimeout(wait);
    wait = setTimeout(() => form.requestSubmit(look), 800);
  });
  for (const name of ["data-width", "data-page"]) {
    const buttons = document.querySelectorAll(`[${name}]`);
    for (const button of buttons) {
      button.addEventListener("click", () => {
        if (name === "data-width") {
          frame.classList.toggle("phone", button.dataset.width === "390");
        } else {
          look.formAction = button.formAction; // what follows the form from now on
        }
        for (const each of buttons) {
          each.setAttribute("aria-pressed", String(each === button));
        }
      });
    }
  }
}

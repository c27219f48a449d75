// The bar at the bottom: how much is chosen.

const form = document.querySelector("form.work");

// The number in "Submit 7 selected": CSS counts it too, but screen readers do not read that.
const numbers = document.querySelectorAll(".counted");
const counted = "input[name=selected]:checked, input[name^=labels-]:checked";

function showCount() {
  const chosen = String(form.querySelectorAll(counted).length);
  for (const number of numbers) {
    number.textContent = chosen;
  }
}

for (const number of numbers) {
  number.classList.add("scripted");
}
showCount();
form.addEventListener("change", showCount);
addEventListener("pageshow", showCount);

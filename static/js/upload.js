// Shows how far the upload of a form's files is; without this script the browser sends the form.

const form = document.querySelector("form[data-upload]");

form.addEventListener("submit", (event) => {
  const size = [...form.querySelectorAll("input[type=file]")].reduce(
    (sum, input) => sum + (input.files[0]?.size ?? 0), 0);
  if (!size) return;
  event.preventDefault();
  const [bar, said, button] = ["progress", "output", "button[type=submit]"].map(
    (part) => form.querySelector(part));
  const request = new XMLHttpRequest();
  const started = performance.now();
  button.disabled = true;
  bar.hidden = false;
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    const left = ((performance.now() - started) / 1000) * (total / loaded - 1);
    bar.max = total;
    bar.value = loaded;
    said.value = loaded < total
      ? `${(loaded / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB sent, ${Math.ceil(left)} s left`
      : "Sent; being checked.";
  });
  const again = (words) => {
    button.disabled = false;
    bar.hidden = true;
    said.value = words;
  };
  request.addEventListener("load", () => {
    if (request.status < 400) return location.assign(request.responseURL);
    const page = new DOMParser().parseFromString(request.responseText, "text/html");
    const returned = page.querySelector("form[data-upload]");
    if (!returned) return again(`The server answered ${request.status}; nothing was imported.`);
    form.innerHTML = returned.innerHTML;  // with what is wrong beside its field
    form.querySelector("[aria-invalid=true]")?.focus();
    form.scrollIntoView();
  });
  request.addEventListener("error", () => {
    again("The connection broke off; nothing was imported. Try again.");
  });
  request.open("POST", location.href);
  request.send(new FormData(form));
});

// A button that copies what an element holds: <button hidden data-copies="ID">.

for (const button of document.querySelectorAll("[data-copies]")) {
  const source = document.getElementById(button.dataset.copies);
  const words = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = source.value ?? source.textContent;
    let copied = false;
    try {
      await navigator.clipboard.writeText(text);
      copied = true;
    } catch {
      // No clipboard without https: select it for the keyboard's own copying.
      if (source.select) {
        source.select();
      } else {
        getSelection().selectAllChildren(source);
      }
      copied = document.execCommand("copy");
    }
    button.textContent = copied ? "Copied" : "Selected: copy it with your keyboard";
    setTimeout(() => (button.textContent = words), 3000);
  });
}

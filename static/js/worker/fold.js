// Folds the instructions where this device has shown them before: while the page is read, so that
// nothing moves. They are read once they are folded by hand, or work below them has begun.
{
  const { study } = document.currentScript.dataset;
  const instructions = document.currentScript.previousElementSibling;
  const name = `read-${study}`;
  const keep = () => {
    try {
      localStorage.setItem(name, "1");
    } catch {
      // A frame may have no storage: the site alone then says whether they are folded.
    }
  };
  try {
    if (localStorage.getItem(name)) {
      instructions.open = false;
    }
  } catch {
    // As above.
  }
  instructions.addEventListener("toggle", () => instructions.open || keep());
  document.addEventListener("change", keep, { once: true });
}

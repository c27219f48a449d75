// Folds the instructions, while the page is read, where they were folded by hand or followed by work.
{
  const { previousElementSibling: instructions, dataset } = document.currentScript;
  const name = `read-${dataset.study}`;
  const keep = () => localStorage.setItem(name, "1");
  try {
    instructions.open &&= !localStorage.getItem(name);
    instructions.addEventListener("toggle", () => instructions.open || keep());
    document.addEventListener("change", keep, { once: true });
  } catch {
    // A frame may have no storage.
  }
}

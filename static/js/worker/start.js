// While the page is read: folds the instructions where they were folded by hand or followed by work.
// Then the other scripts, and the pictures further down: a slow line carries the first row first.
{
  const { previousElementSibling: instructions, dataset } = document.currentScript;
  const { classList } = document.documentElement;
  const name = `read-${dataset.study}`;
  const keep = () => localStorage.setItem(name, "1");
  try {
    instructions.open &&= !localStorage.getItem(name);
    instructions.addEventListener("toggle", () => instructions.open || keep());
    document.addEventListener("change", keep, { once: true });
  } catch {
    // A frame may have no storage.
  }
  classList.add("held");
  document.addEventListener("DOMContentLoaded", async () => {
    const first = [...document.images].filter(({ loading }) => loading !== "lazy");
    const enough = new Promise((done) => { setTimeout(done, 4_000); });
    await Promise.race([enough, Promise.allSettled(first.map((img) => img.decode()))]);
    await Promise.allSettled([import(`./${dataset.kind}.js`), import("./hit.js")]);
    classList.remove("held");
  });
}

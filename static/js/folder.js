// Packs a folder that was chosen into a zip, and puts it where a zip would have been chosen.
// The folder's own labels.csv and classes.csv go where these are asked for.

const form = document.querySelector("form[data-upload]");
const MOST_FILES = 65_535; // a zip holds no more, nor a larger one, without its 64-bit fields
const MOST_BYTES = 4 * 2 ** 30 - 2 ** 26;
const TABLES = ["labels", "classes"];

const STEPS = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});

function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) crc = (crc >>> 8) ^ STEPS[(crc ^ byte) & 255];
  return ~crc >>> 0;
}

// [value, bytes] each, in little-endian order.
function packed(...fields) {
  const view = new DataView(new ArrayBuffer(fields.reduce((sum, [, size]) => sum + size, 0)));
  let at = 0;
  for (const [value, size] of fields) {
    if (size === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += size;
  }
  return view.buffer;
}

async function zipOf(files, tell) {
  const parts = [], directory = [];
  let offset = 0;
  for (const [number, [path, file]] of files.entries()) {
    const name = new TextEncoder().encode(path);
    const crc = crc32(new Uint8Array(await file.arrayBuffer()));
    // Version, UTF-8 names, stored as it is, a date, and what is the same in both headers.
    const facts = [[20, 2], [0x0800, 2], [0, 2], [0, 2], [0x21, 2], [crc, 4], [file.size, 4], [file.size, 4]];
    parts.push(packed([0x04034b50, 4], ...facts, [name.length, 2], [0, 2]), name, file);
    directory.push(
      packed([0x02014b50, 4], [20, 2], ...facts, [name.length, 2], [0, 2], [0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]),
      name,
    );
    offset += 30 + name.length + file.size;
    if (number % 20 === 0) tell(`${number} of ${files.length} files read ...`);
  }
  const listed = new Blob(directory);
  const end = packed(
    [0x06054b50, 4], [0, 2], [0, 2], [files.length, 2], [files.length, 2], [listed.size, 4], [offset, 4], [0, 2]);
  return new Blob([...parts, listed, end], { type: "application/zip" });
}

function put(name, file) {
  const input = form.querySelector(`input[name=${name}]`);
  const files = new DataTransfer();
  files.items.add(file);
  input.files = files.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

async function take(chosen, tell) {
  const folder = chosen[0].webkitRelativePath.split("/")[0];
  const files = chosen
    .map((file) => [file.webkitRelativePath.split("/").slice(1), file])
    .filter(([path]) => !path.some((part) => part.startsWith(".") || part === "__MACOSX"))
    .map(([path, file]) => [path.join("/"), file]);
  const tables = TABLES.flatMap((name) => files.filter(([path]) => path === `${name}.csv`).map(([, file]) => [name, file]));
  const images = files.filter(([, file]) => !tables.some(([, table]) => table === file));
  const bytes = images.reduce((sum, [, file]) => sum + file.size, 0);
  if (images.length > MOST_FILES || bytes > MOST_BYTES) {
    return tell(`${folder} is too large to be packed here (4 GB or 65,535 files): zip it yourself, or put it in a bucket.`);
  }
  const zip = await zipOf(images, tell);
  put("upload", new File([zip], `${folder}.zip`, { type: zip.type }));
  for (const [name, table] of tables) put(name, table);
  const found = tables.map(([name]) => ` and ${name}.csv`).join("");
  tell(`${folder}: ${images.length.toLocaleString("en")} file${images.length === 1 ? "" : "s"}${found}, ${(bytes / 1e6).toFixed(1)} MB, ready to be sent.`);
}

// Before the frame's own listeners, which look for parts of its file fields.
form.addEventListener("change", async (event) => {
  const input = event.target;
  if (!input.webkitdirectory) return;
  event.stopPropagation();
  const [said, button] = ["output", "button[type=submit]"].map((part) => form.querySelector(part));
  if (!input.files.length) return;
  button.disabled = true;
  try {
    await take([...input.files], (words) => { said.value = words; });
  } catch {
    said.value = "The folder could not be read: choose it again, or bring a zip.";
  } finally {
    button.disabled = false;
  }
}, { capture: true });

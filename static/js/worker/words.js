// What the page says: its sentences stand in the page, in its language; `{name}` is filled in.

const sentences = document.getElementById("words").content;
const message = document.querySelector(".bar .message");
const spoken = document.querySelector(".bar [role=status]");
let said = "";

// The sentence of that name.
export function words(name, values = {}) {
  const text = sentences.querySelector(`[data-say="${name}"]`).textContent;
  return text.replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

// Shows a sentence in the bar ("": none). Screen readers hear it once, though its numbers change.
export function say(name, values) {
  message.textContent = name && words(name, values);
  if (name !== said) {
    spoken.textContent = message.textContent;
  }
  said = name;
}

// Takes a sentence back, if one of these is still shown.
export function unsay(...names) {
  if (names.includes(said)) {
    say("");
  }
}

// Shows a sentence where no other stands.
export function remind(name, values) {
  if (said === "" || said === name) {
    say(name, values);
  }
}

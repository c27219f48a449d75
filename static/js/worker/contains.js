// The questions of CONTAINS: which pictures show a label.

// Whether a section has a selected picture or is confirmed as "none of these".
export function isAnswered(fieldset) {
  return fieldset.querySelector("input[name=selected]:checked, input[name=maybe]:checked, input[name=none]:checked") !== null;
}

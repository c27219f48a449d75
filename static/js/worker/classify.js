// The questions of CLASSIFY: which labels fit a picture, and which one names its main object.

// Whether a picture has a main object or is confirmed as "none of these labels".
export function isAnswered(fieldset) {
  return fieldset.querySelector("input[name^=main-]:checked, input[name^=none-]:checked") !== null;
}

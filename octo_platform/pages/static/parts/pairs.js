// @ts-check
/** Names with values, as rows that can be added and taken away. */

import { fill, get, h } from "./dom.js";

/**
 * @param {HTMLFieldSetElement} where @param {Record<string, string>} values
 */
export function write(where, values) {
  const rows = get(".rows", HTMLElement, where);
  const add = get("button.add", HTMLButtonElement, where);
  fill(rows, ...Object.entries(values).map(([name, value]) => row(where, name, value)));
  add.onclick = () => {
    rows.append(row(where, "", ""));
    get("input", HTMLInputElement, /** @type {HTMLElement} */ (rows.lastElementChild)).focus();
  };
}

/** @param {HTMLFieldSetElement} where @returns {Record<string, string>} */
export function read(where) {
  const rows = [...where.querySelectorAll(".rows > div")];
  const pairs = rows.map((each) => [
    get("input", HTMLInputElement, each).value.trim(),
    get("textarea", HTMLTextAreaElement, each).value,
  ]);
  return Object.fromEntries(pairs.filter(([name]) => name));
}

/** @param {HTMLFieldSetElement} where @param {string} name @param {string} value */
function row(where, name, value) {
  const field = h("input", { "aria-label": "Name", value: name, class: "mono", spellcheck: "false" });
  const text = h("textarea", { "aria-label": "Value", rows: 1, class: "mono", spellcheck: "false" }, value);
  const remove = h("button", { type: "button", "aria-label": "Remove this row", class: "quiet" }, "×");
  const made = h("div", { class: "row" }, field, text, remove);
  remove.addEventListener("click", () => {
    made.remove();
    get("button.add", HTMLButtonElement, where).focus();
  });
  return made;
}

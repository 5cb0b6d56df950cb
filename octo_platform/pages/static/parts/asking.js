// @ts-check
/** Asks before something is done that cannot be undone, and opens dialogs. */

import { button, dialog, element, fill, h } from "./dom.js";

/**
 * @param {string} title @param {string} text @param {string} action what the button says @returns {Promise<boolean>}
 */
export function confirmed(title, text, action) {
  const where = dialog("#confirm");
  fill(element("h2", where), title);
  fill(element("p", where), text);
  fill(button("[value=yes]", where), action);
  where.returnValue = "";
  where.showModal();
  return new Promise((done) => {
    where.addEventListener("close", () => done(where.returnValue === "yes"), { once: true });
  });
}

/** Let a dialog be opened by a button, and closed by those of its `[value=cancel]`. @param {HTMLDialogElement} where */
export function closable(where) {
  for (const each of where.querySelectorAll("button[value=cancel]")) {
    each.addEventListener("click", () => where.close());
  }
  return where;
}

/** Show a text that is shown once, ready to be copied. @param {Element} where @param {string} label @param {string} text */
export function once(where, label, text) {
  const field = h("input", { readonly: true, value: text, "aria-label": label, class: "mono", spellcheck: "false" });
  const copy = h("button", { type: "button" }, "Copy");
  copy.addEventListener("click", () => {
    field.select();
    void navigator.clipboard?.writeText(text).then(() => fill(copy, "Copied"));
  });
  fill(where, h("p", {}, h("b", {}, label), " It is shown this once."), h("div", { class: "row" }, field, copy));
}

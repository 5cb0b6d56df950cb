// @ts-check
/** What `octo check` says of the files, each with a way to its line. */

import { post } from "./api.js";
import { button, element, fill, h, icon } from "./dom.js";
import { count } from "./shown.js";
import { pressed, say } from "./say.js";

/** @typedef {import("./editor.js").Editor} Editor */
/** @typedef {{code: string, file?: string, line?: number, column?: number, message: string, hint?: string}} Found */

/** @param {string} integration @param {Editor} editor */
export function checking(integration, editor) {
  pressed(button("#check"), async () => {
    if (editor.isDirty) await editor.save();
    const { body } = await post(`${integration}/check`);
    problems(body.problems, body.warnings, editor);
  });
}

/** @param {Found[]} found @param {Found[]} warnings @param {Editor} editor */
export function problems(found, warnings, editor) {
  const where = element("#problems");
  const title = found.length
    ? `${count(found.length, "problem")} in the files as they are stored`
    : warnings.length
      ? `No problems, ${count(warnings.length, "warning")}`
      : "No problems";
  fill(element("h2", where), title);
  const rows = [
    ...found.map((each) => row(each, "bad", editor)),
    ...warnings.map((each) => row(each, "warn", editor)),
  ];
  fill(element("ul", where), ...rows);
  where.hidden = false;
  say(title, found.length ? "bad" : "ok");
  if (!document.querySelector("dialog[open]")) element("h2", where).focus();
}

/** @param {Found} found @param {"bad" | "warn"} tone @param {Editor} editor */
function row(found, tone, editor) {
  const { file = "", line = 0, column = 0 } = found;
  const place = [file, line || null, column || null].filter(Boolean).join(":");
  const go = h("button", { type: "button", class: "link mono" }, place);
  pressed(go, () => editor.go(file, line, column));
  return h(
    "li",
    { class: tone },
    icon(tone === "bad" ? "error" : "warn"),
    h(
      "div",
      {},
      place && go,
      place && " ",
      found.message,
      " ",
      h("code", { class: "muted" }, found.code),
      found.hint ? h("p", { class: "muted" }, found.hint) : null,
    ),
  );
}

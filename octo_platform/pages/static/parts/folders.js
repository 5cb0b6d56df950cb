// @ts-check
/** Folders: their paths for choosing one, and a dialog that adds, renames and deletes them. */

import { ask, at, post, read } from "./api.js";
import { closable, confirmed } from "./asking.js";
import { button, choices, dialog, element, fill, form, h, input, select } from "./dom.js";
import { current } from "./live.js";
import { workspace } from "./place.js";
import { pressed, sent } from "./say.js";
import * as session from "./session.js";

/** @typedef {{id: string, name: string, parent?: string, integrations: number}} Folder */

/** The folders by id, as paths such as `shop / eu`, in their order. @returns {Promise<Map<string, string>>} */
export async function folders() {
  return named((await read(at`/workspaces/${workspace}/folders`)).body);
}

/** @param {Folder[]} found */
function named(found) {
  const byId = new Map(found.map((each) => [each.id, each]));
  const path = (/** @type {Folder} */ each) => {
    const names = [];
    for (let at = /** @type {Folder | undefined} */ (each); at && names.length < 20; at = byId.get(at.parent ?? "")) {
      names.unshift(at.name);
    }
    return names.join(" / ");
  };
  const paths = found.map((each) => /** @type {[string, string]} */ ([each.id, path(each)]));
  return new Map(paths.sort((one, other) => one[1].localeCompare(other[1])));
}

/** Let the dialog of folders change them. @param {() => Promise<void>} changed */
export function fold(changed) {
  const where = closable(dialog("#folding"));
  const one = (/** @type {string} */ id) => at`/workspaces/${workspace}/folders/${id}`;

  const show = async () => {
    const { body } = await read(at`/workspaces/${workspace}/folders`);
    const paths = named(body);
    const counts = new Map(body.map((/** @type {Folder} */ each) => [each.id, each.integrations]));
    const rows = [...paths].map(([id, path]) => {
      const remove = h("button", { type: "button", class: "quiet", "aria-label": `Delete ${path}` }, "Delete");
      session.needs(remove, "folders.write", workspace);
      pressed(remove, async () => {
        if (!(await confirmed("Delete this folder?", `${path} must be empty.`, "Delete"))) return;
        const { etag } = await current(one(id));
        await ask("DELETE", one(id), { match: etag });
        await Promise.all([show(), changed()]);
      });
      return h("li", { class: "row" }, h("span", { class: "cut grow" }, path), h("span", { class: "muted" }, counts.get(id)), remove);
    });
    fill(element("#folder-list"), ...rows);
    const parents = [...paths].map(([value, text]) => ({ value, text }));
    choices(select("[name=parent]", where), [{ value: "", text: "No other folder" }, ...parents]);
  };

  session.needs(button("button.primary", where), "folders.write", workspace);
  pressed(button("#folders"), async () => {
    await show();
    where.showModal();
  });
  sent(form("form", where), async ({ name, parent }) => {
    await post(at`/workspaces/${workspace}/folders`, { name, parent: parent || null });
    input("[name=name]", where).value = "";
    await Promise.all([show(), changed()]);
  });
}

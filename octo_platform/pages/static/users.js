// @ts-check
/** The users of the platform. */

import { ask, at, post } from "./parts/api.js";
import { closable, confirmed } from "./parts/asking.js";
import { button, dialog, element, fill, form, h, input, select } from "./parts/dom.js";
import { framed } from "./parts/frame.js";
import { Listing } from "./parts/listing.js";
import { current } from "./parts/live.js";
import { pressed, say, sent } from "./parts/say.js";
import * as session from "./parts/session.js";
import { cell, head, tag, when } from "./parts/shown.js";

await framed(async () => {
  const where = closable(dialog("#changing"));
  const list = new Listing(element("#users"), { path: () => "/users", row });
  /** @type {{path: string, etag: string, before: any}} */
  let changed = { path: "", etag: "", before: {} };

  session.needs(button("button", form("#add")), "users.write");
  sent(form("#add"), async ({ email, name, password, role }) => {
    await post("/users", { email, name, password, role: role || null });
    form("#add").reset();
    await list.load();
    say(`${email} can sign in now. Tell them the password; they can change it.`, "ok");
  });
  sent(form("form", where), async ({ name, role, password }) => {
    const { before, path, etag } = changed;
    const disabled = input("[name=disabled]", where).checked;
    /** @type {Record<string, any>} */
    const json = { name, disabled, ...(password ? { password } : {}) };
    if ((role || null) !== (before.role ?? null)) json.role = role || null;
    await ask("PATCH", path, { json, match: etag });
    where.close();
    form("form", where).reset();
    await list.load();
  });
  await list.load();

  /** @param {string} path */
  async function change(path) {
    const { body: one, etag } = await current(path);
    changed = { path, etag, before: one };
    fill(element("h2", where), one.email);
    input("[name=name]", where).value = one.name;
    input("[name=password]", where).value = "";
    input("[name=disabled]", where).checked = one.disabled;
    select("[name=role]", where).value = one.role ?? "";
    select("[name=role]", where).disabled = one.rolesFrom === "provider";
    const roles = Object.entries(one.workspaces).map(([space, role]) => `${role} in ${space}`);
    fill(element("#in-workspaces"), roles.length ? roles.join(", ") : "No role in a workspace of its own.");
    fill(element(".error", where));
    where.showModal();
  }

  /** @param {any} one */
  function row(one) {
    const path = at`/users/${one.id}`;
    const open = session.needs(h("button", { type: "button", "aria-label": `Change ${one.email}` }, "Change"), "users.write");
    pressed(open, () => change(path));
    const remove = h("button", { type: "button", class: "quiet", "aria-label": `Delete ${one.email}` }, "Delete");
    session.needs(remove, "users.write");
    pressed(remove, async () => {
      const text = "Their keys and sessions end. What they have made stays.";
      if (!(await confirmed(`Delete ${one.email}?`, text, "Delete"))) return;
      const { etag } = await current(path);
      await ask("DELETE", path, { match: etag });
      await list.load();
    });
    return h(
      "tr",
      {},
      head(one.email || one.id, one.disabled && tag("may not sign in", "warn")),
      cell("Name", one.name),
      cell("Role everywhere", one.role ?? "–", one.rolesFrom === "provider" && h("small", {}, "by the provider")),
      cell("Signs in by", one.way),
      cell("Seen", when(one.seenAt)),
      h("td", { class: "do" }, open, remove),
    );
  }
});

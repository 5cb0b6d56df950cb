// @ts-check
/** Who one is: roles, API keys, password. */

import { all, ask, at, post } from "./parts/api.js";
import { confirmed, once } from "./parts/asking.js";
import { choices, element, fill, form, h, select } from "./parts/dom.js";
import { framed } from "./parts/frame.js";
import { Listing } from "./parts/listing.js";
import { pressed, say, sent } from "./parts/say.js";
import * as session from "./parts/session.js";
import { cell, head, tag, when } from "./parts/shown.js";

await framed(async () => {
  const list = new Listing(element("#keys"), { path: () => "/keys", row });
  who();
  const spaces = await all("/workspaces");
  const named = spaces.map((each) => ({ value: each.name, text: each.title || each.name }));
  choices(select("[name=workspace]", form("#make")), [{ value: "", text: "all workspaces" }, ...named]);

  sent(form("#make"), async ({ name, workspace, scopes = "all", days }) => {
    const json = { name, scopes, workspace: workspace || null, days: Number(days) };
    const { body } = await post("/keys", json);
    form("#make").reset();
    once(element("#made"), `The key ${body.name}.`, body.key);
    await list.load();
  });
  sent(form("#password"), async ({ old, new: chosen, keys }) => {
    await ask("PUT", "/session/password", { json: { old, new: chosen, revokeKeys: keys === "on" } });
    form("#password").reset();
    say("Your password is another one. All your other browsers are signed out, and octo login is.", "ok");
    await list.load();
  });
  await list.load();

  /** @param {any} one */
  function row(one) {
    const remove = h("button", { type: "button", class: "quiet", "aria-label": `Revoke ${one.name}` }, "Revoke");
    pressed(remove, async () => {
      if (!(await confirmed(`Revoke ${one.name}?`, "It counts no more from the next request on.", "Revoke"))) return;
      await ask("DELETE", at`/keys/${one.id}`);
      await list.load();
    });
    const may = one.scopes.join(", ");
    return h(
      "tr",
      {},
      head(
        one.name,
        one.workspace && h("small", {}, `only ${one.workspace}`),
        one.byCode && h("small", {}, "let in by a code"),
      ),
      cell("Begins with", h("code", {}, one.prefix)),
      cell("May", h("span", { class: "cut", title: may }, may)),
      cell("Used", when(one.usedAt)),
      cell("Expires", one.revokedAt ? tag("revoked") : when(one.expiresAt)),
      h("td", { class: "do" }, one.revokedAt ? "" : remove),
    );
  }
});

function who() {
  const { me } = session;
  const roles = Object.entries(me.roles).map(([place, role]) => `${role} ${place === "*" ? "everywhere" : `in ${place}`}`);
  const tile = (/** @type {string} */ name, /** @type {string} */ value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));
  fill(
    element("#tiles"),
    tile("Name", me.name),
    tile("Email", me.email ?? "–"),
    tile("Roles", roles.length ? roles.join(", ") : "none yet: ask an administrator"),
  );
}

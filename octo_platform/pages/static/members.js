// @ts-check
/** Who may what in a workspace. */

import { ask, at } from "./parts/api.js";
import { confirmed } from "./parts/asking.js";
import { button, element, form, h } from "./parts/dom.js";
import { framed } from "./parts/frame.js";
import { Listing } from "./parts/listing.js";
import { workspace } from "./parts/place.js";
import { pressed, say, sent } from "./parts/say.js";
import * as session from "./parts/session.js";
import { cell, head, tag } from "./parts/shown.js";

const path = at`/workspaces/${workspace}/members`;

await framed(async () => {
  const list = new Listing(element("#members"), { path: () => path, row });
  session.needs(button("button", form("#give")), "members.write", workspace);
  sent(form("#give"), async ({ user = "", role }) => {
    await ask("PUT", path + at`/${user.trim()}`, { json: { role } });
    form("#give").reset();
    await list.load();
    say(`${user} has the role ${role}.`, "ok");
  });
  await list.load();

  /** @param {any} one */
  function row(one) {
    const remove = h("button", { type: "button", class: "quiet", "aria-label": `Take the role of ${one.email}` }, "Take away");
    session.needs(remove, "members.write", workspace);
    pressed(remove, async () => {
      if (!(await confirmed(`Take the role of ${one.email}?`, "It counts from their next request on.", "Take away"))) return;
      await ask("DELETE", path + at`/${one.user}`);
      await list.load();
    });
    return h(
      "tr",
      {},
      head(one.email || one.user, one.disabled && tag("may not sign in", "warn")),
      cell("Name", one.name),
      cell("Role", one.role),
      h("td", { class: "do" }, remove),
    );
  }
});

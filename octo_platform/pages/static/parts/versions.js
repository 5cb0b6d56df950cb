// @ts-check
/** The versions of an integration. */

import { address, ask, at } from "./api.js";
import { confirmed } from "./asking.js";
import { element, h } from "./dom.js";
import { Listing } from "./listing.js";
import { workspace } from "./place.js";
import { pressed, say } from "./say.js";
import * as session from "./session.js";
import { cell, head, when } from "./shown.js";

/** @param {string} integration @param {(tag: string) => void} deploy */
export function versions(integration, deploy) {
  const list = new Listing(element("#versions"), { path: () => `${integration}/versions`, row });

  /** @param {any} one */
  function row(one) {
    const path = integration + at`/versions/${one.tag}`;
    const go = h("button", { type: "button" }, "Deploy");
    session.needs(go, "plans.read", workspace).addEventListener("click", () => deploy(one.tag));
    const remove = h("button", { type: "button", class: "quiet", "aria-label": `Delete ${one.tag}` }, "Delete");
    session.needs(remove, "versions.write", workspace);
    pressed(remove, async () => {
      const text = `${one.tag} is deleted. A version that was deployed cannot be.`;
      if (!(await confirmed("Delete this version?", text, "Delete"))) return;
      await ask("DELETE", path);
      await list.load();
      say(`${one.tag} is deleted.`, "ok");
    });
    const archive = h("a", { href: address(`${path}/archive`), download: true, class: "button quiet" }, "Download");
    return h(
      "tr",
      {},
      head(one.tag),
      cell("Note", one.note),
      cell("Hash", h("code", { title: one.hash }, one.hash.slice(0, 12))),
      cell("Made", when(one.createdAt)),
      h("td", { class: "do" }, go, archive, remove),
    );
  }

  return list;
}

// @ts-check
/** The audit log, of a workspace or of everything. */

import { at } from "./parts/api.js";
import { element, h } from "./parts/dom.js";
import { framed } from "./parts/frame.js";
import { Listing } from "./parts/listing.js";
import { workspace } from "./parts/place.js";
import { cell, head, tag, when } from "./parts/shown.js";

const path = workspace ? at`/workspaces/${workspace}/audit` : "/audit";

await framed(() => new Listing(element("#entries"), { path: () => path, row }).load());

/** @param {any} one */
function row(one) {
  return h(
    "tr",
    {},
    head(one.action),
    cell("When", when(one.at)),
    cell("Who", h("span", { class: "mono cut", title: one.actor }, one.actor)),
    cell("Target", one.target),
    h("td", { "data-label": "Outcome", class: "num" }, tag(String(one.outcome), one.outcome < 400 ? "" : "bad")),
    cell("Request", h("code", { class: "cut", title: one.request }, one.request.slice(-8))),
  );
}

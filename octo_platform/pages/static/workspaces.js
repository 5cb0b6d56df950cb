// @ts-check
/** The workspaces in which one has a role. */

import { at, leave, post, read } from "./parts/api.js";
import { button, element, fill, form, h } from "./parts/dom.js";
import { framed } from "./parts/frame.js";
import { Listing } from "./parts/listing.js";
import { toWorkspace } from "./parts/place.js";
import { sent } from "./parts/say.js";
import * as session from "./parts/session.js";
import { cell, head, number } from "./parts/shown.js";
import { counts } from "./parts/deployments.js";

await framed(async () => {
  const list = new Listing(element("#spaces"), { path: () => "/workspaces", row });
  session.needs(button("button", form("#make")), "workspaces.write");
  sent(form("#make"), async ({ name = "", title }) => {
    await post("/workspaces", { name, title });
    await leave(toWorkspace(name));
  });
  await list.load();
  if (!session.me.hasRights) fill(element("#spaces .empty"), "You have no role yet. Ask an administrator for one.");
});

/** @param {any} space */
function row(space) {
  const integrations = number("Integrations", "");
  const deployments = cell("Deployments", "");
  // Each row is counted by itself, so that the list need not wait for all of them.
  void read(at`/workspaces/${space.name}/overview`)
    .then(({ body }) => {
      fill(integrations, body.integrations.all.toLocaleString("en"));
      fill(deployments, counts(body.deployments));
    })
    .catch(() => {});
  return h(
    "tr",
    {},
    head(h("a", { href: toWorkspace(space.name) }, space.name)),
    cell("Title", space.title),
    integrations,
    deployments,
  );
}

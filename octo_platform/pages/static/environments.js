// @ts-check
/** Environments: where deployments run. */

import { ask, at, post, Refusal } from "./parts/api.js";
import { closable, confirmed } from "./parts/asking.js";
import { area, button, dialog, element, fill, form, h } from "./parts/dom.js";
import { framed } from "./parts/frame.js";
import { Listing } from "./parts/listing.js";
import { current } from "./parts/live.js";
import { workspace } from "./parts/place.js";
import { pressed, say, sent } from "./parts/say.js";
import * as session from "./parts/session.js";
import { cell, head } from "./parts/shown.js";

const path = at`/workspaces/${workspace}/environments`;

await framed(async () => {
  const where = closable(dialog("#changing"));
  const list = new Listing(element("#environments"), { path: () => path, row });
  let changed = { path: "", etag: "" };

  session.needs(button("button", form("#make")), "environments.write", workspace);
  sent(form("#make"), async ({ name, target, settings = "" }) => {
    await post(path, { name, target, settings: parsed(settings) });
    form("#make").reset();
    await list.load();
    say(`${name} is created.`, "ok");
  });
  sent(form("form", where), async ({ settings = "" }) => {
    await ask("PATCH", changed.path, { json: { settings: parsed(settings) }, match: changed.etag });
    where.close();
    await list.load();
  });
  await list.load();

  /** @param {any} one */
  function row(one) {
    const self = path + at`/${one.name}`;
    const change = session.needs(h("button", { type: "button" }, "Change"), "environments.write", workspace);
    pressed(change, async () => {
      const { body, etag } = await current(self);
      changed = { path: self, etag };
      fill(element("h2", where), `Settings of ${body.name}`);
      area("[name=settings]", where).value = JSON.stringify(body.settings, null, 2);
      fill(element(".error", where));
      where.showModal();
    });
    const remove = h("button", { type: "button", class: "quiet", "aria-label": `Delete ${one.name}` }, "Delete");
    session.needs(remove, "environments.write", workspace);
    pressed(remove, async () => {
      const text = "One with deployments or secrets cannot be deleted.";
      if (!(await confirmed(`Delete ${one.name}?`, text, "Delete"))) return;
      const { etag } = await current(self);
      await ask("DELETE", self, { match: etag });
      await list.load();
    });
    const said = Object.entries(one.settings).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
    return h(
      "tr",
      {},
      head(one.name),
      cell("Runs on", one.target === "local" ? "this machine" : one.target),
      cell("Settings", said.length > 0 && h("span", { class: "mono cut" }, said.join(", "))),
      h("td", { class: "do" }, change, remove),
    );
  }
});

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Refusal(`The settings are no JSON: ${error instanceof Error ? error.message : error}`);
  }
}

// @ts-check
/** Secrets: their names. A value goes in, and the page forgets it. */

import { all, ask, at } from "./parts/api.js";
import { confirmed } from "./parts/asking.js";
import { button, choices, element, form, h, select } from "./parts/dom.js";
import { framed } from "./parts/frame.js";
import { Listing } from "./parts/listing.js";
import { workspace } from "./parts/place.js";
import { fail, pressed, say, sent } from "./parts/say.js";
import * as session from "./parts/session.js";
import { cell, head, when } from "./parts/shown.js";

const TOLD =
  "Deployments that use it take the new value at once. The old one cannot be read, so it cannot come back.";

const where = select("[name=environment]", form("#filters"));

/** The path of the secrets of the place that is chosen. */
const path = () =>
  where.value
    ? at`/workspaces/${workspace}/environments/${where.value}/secrets`
    : at`/workspaces/${workspace}/secrets`;

await framed(async () => {
  const list = new Listing(element("#secrets"), { path, row });
  const environments = await all(at`/workspaces/${workspace}/environments`);
  const named = environments.map((each) => ({ value: each.name, text: `environment ${each.name}` }));
  choices(where, [{ value: "", text: "the workspace" }, ...named]);
  where.addEventListener("change", () => void list.load().catch(fail));
  session.needs(button("button", form("#write")), "secrets.write", workspace);

  sent(form("#write"), async ({ name = "", value = "" }) => {
    const isThere = list.items.some((each) => each.name === name);
    if (isThere && !(await confirmed(`Overwrite ${name}?`, TOLD, "Overwrite"))) return;
    const { body } = await ask("PUT", path() + at`/${name}`, { json: { value }, ...(isThere ? { match: "*" } : { create: true }) });
    form("#write").reset();
    await list.load();
    const rolled = body.rolled?.length ? ` These take it now: ${body.rolled.join(", ")}.` : "";
    say(`${name} is set.${rolled}`, "ok");
  });
  await list.load();

  /** @param {any} one */
  function row(one) {
    const remove = h("button", { type: "button", class: "quiet", "aria-label": `Delete ${one.name}` }, "Delete");
    session.needs(remove, "secrets.write", workspace);
    pressed(remove, async () => {
      if (!(await confirmed(`Delete ${one.name}?`, "A secret that a deployment uses cannot be deleted.", "Delete"))) return;
      await ask("DELETE", path() + at`/${one.name}`, { match: "*" });
      await list.load();
      say(`${one.name} is deleted.`, "ok");
    });
    return h(
      "tr",
      {},
      head(h("code", {}, one.name)),
      cell("Of", one.environment ?? "the workspace"),
      cell("Made", when(one.createdAt)),
      cell("Changed", when(one.updatedAt)),
      h("td", { class: "do" }, remove),
    );
  }
});

// @ts-check
/** The integrations of a workspace, with search and folders, and its newest deployments. */

import { at, leave, post, read } from "./parts/api.js";
import { closable } from "./parts/asking.js";
import { counts, listed } from "./parts/deployments.js";
import { button, choices, dialog, element, fill, form, h, input, select } from "./parts/dom.js";
import { folders, fold } from "./parts/folders.js";
import { framed } from "./parts/frame.js";
import { Listing } from "./parts/listing.js";
import { repeat } from "./parts/live.js";
import { toIntegration, toWorkspace, workspace } from "./parts/place.js";
import { fail, sent } from "./parts/say.js";
import * as session from "./parts/session.js";
import { cell, head, when } from "./parts/shown.js";

/** @type {Map<string, string>} */
let paths = new Map();

await framed(async () => {
  const filters = form("#filters");
  filters.addEventListener("submit", (event) => event.preventDefault());
  const query = () => /** @type {Record<string, string>} */ (Object.fromEntries(new FormData(filters)));
  const path = () => at`/workspaces/${workspace}/integrations`;
  const list = new Listing(element("#integrations"), { path, query, row });
  const deployments = listed(() => ({}));

  recall(filters);
  const find = () => {
    remember(query());
    list.load().catch(fail);
  };
  select("[name=folder]", filters).addEventListener("change", find);
  let waiting = 0;
  input("[name=q]", filters).addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(find, 200);
  });

  const fillFolders = async () => {
    paths = await folders();
    const named = [...paths].map(([value, text]) => ({ value, text }));
    choices(select("[name=folder]", filters), [{ value: "", text: "All" }, ...named, { value: "none", text: "In none" }]);
    choices(select("[name=folder]", dialog("#create")), [{ value: "", text: "None" }, ...named]);
  };
  await fillFolders();
  recall(filters);
  fold(async () => {
    await fillFolders();
    await list.load();
  });
  creating();
  repeat(tiles);
  await Promise.all([list.load(), deployments.load(), tiles()]);
});

/** The search is part of the address, so that it can be sent to somebody, and the way back finds it. @param {Record<string, string>} query */
function remember(query) {
  const given = Object.entries(query).filter(([, value]) => value);
  const text = new URLSearchParams(given).toString();
  history.replaceState(null, "", toWorkspace(workspace) + (text ? `?${text}` : ""));
}

/** @param {HTMLFormElement} filters */
function recall(filters) {
  const given = new URLSearchParams(location.search);
  input("[name=q]", filters).value = given.get("q") ?? "";
  select("[name=folder]", filters).value = given.get("folder") ?? "";
}

async function tiles() {
  const { body } = await read(at`/workspaces/${workspace}/overview`);
  const tile = (/** @type {string} */ name, /** @type {any} */ value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));
  fill(
    element("#tiles"),
    tile("Integrations", body.integrations.all.toLocaleString("en")),
    tile("Deployments", counts(body.deployments)),
  );
}

function creating() {
  const where = closable(dialog("#create"));
  const open = session.needs(button("#new"), "integrations.write", workspace);
  open.addEventListener("click", () => {
    where.showModal();
    void read("/samples")
      .then(({ body }) => {
        const samples = body.map((/** @type {string} */ each) => ({ value: each, text: `the sample ${each}` }));
        choices(select("[name=sample]", where), [{ value: "", text: "one small flow" }, ...samples]);
      })
      .catch(fail);
  });
  sent(form("form", where), async ({ name = "", title, sample, folder }) => {
    const json = { name, title, sample: sample || null, folder: folder || null };
    await post(at`/workspaces/${workspace}/integrations`, json);
    await leave(toIntegration(name));
  });
}

/** @param {any} one */
function row(one) {
  return h(
    "tr",
    {},
    head(h("a", { href: toIntegration(one.name) }, one.name)),
    cell("Title", one.title),
    cell("Folder", paths.get(one.folder) ?? ""),
    cell("Changed", when(one.updatedAt)),
    cell("By", one.updatedBy ?? ""),
  );
}

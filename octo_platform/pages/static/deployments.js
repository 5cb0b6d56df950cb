// @ts-check
/** All deployments of a workspace. */

import { all, at } from "./parts/api.js";
import { listed } from "./parts/deployments.js";
import { choices, form, select } from "./parts/dom.js";
import { framed } from "./parts/frame.js";
import { workspace } from "./parts/place.js";
import { fail } from "./parts/say.js";

await framed(async () => {
  const filters = form("#filters");
  const list = listed(() => /** @type {Record<string, string>} */ (Object.fromEntries(new FormData(filters))));
  const find = () => void list.load().catch(fail);
  filters.addEventListener("change", find);
  filters.addEventListener("submit", (event) => {
    event.preventDefault();
    find();
  });
  const environments = await all(at`/workspaces/${workspace}/environments`);
  const named = environments.map((each) => ({ value: each.name, text: each.name }));
  choices(select("[name=environment]", filters), [{ value: "", text: "Any" }, ...named]);
  await list.load();
});

// @ts-check
/** An integration: its files, versions, deployments, its name and place. */

import { ask, at, leave, post } from "./parts/api.js";
import { closable, confirmed } from "./parts/asking.js";
import { deploying } from "./parts/deploying.js";
import { listed } from "./parts/deployments.js";
import { button, choices, dialog, element, fill, form, input, select } from "./parts/dom.js";
import { Editor } from "./parts/editor.js";
import { folders } from "./parts/folders.js";
import { framed, titled } from "./parts/frame.js";
import { current } from "./parts/live.js";
import { thing, toIntegration, toWorkspace, workspace } from "./parts/place.js";
import { checking, problems } from "./parts/problems.js";
import { pressed, say, sent } from "./parts/say.js";
import * as session from "./parts/session.js";
import { versions } from "./parts/versions.js";
import { Problem } from "./parts/api.js";

const self = at`/workspaces/${workspace}/integrations/${thing}`;

await framed(async () => {
  titled(thing);
  const editor = new Editor(self);
  const deploy = deploying(thing);
  const tagged = versions(self, deploy);
  const deployments = listed(() => ({ integration: thing }));
  checking(self, editor);
  tagging(editor, () => tagged.load());
  session.needs(button("#deploy"), "plans.read", workspace).addEventListener("click", () => deploy());
  await Promise.all([editor.load(), tagged.load(), deployments.load(), naming()]);
});

/** @param {Editor} editor @param {() => Promise<void>} tagged */
function tagging(editor, tagged) {
  const where = closable(dialog("#tagging"));
  session.needs(button("#tag"), "versions.write", workspace).addEventListener("click", async () => {
    if (editor.isDirty) say("The file that is open is not saved: a version has what is stored.", "bad");
    where.showModal();
  });
  sent(form("form", where), async ({ tag, note }) => {
    try {
      await post(`${self}/versions`, { tag, note });
    } catch (error) {
      if (error instanceof Problem && error.code === "flow-problems") problems(error.body.problems, [], editor);
      throw error;
    }
    where.close();
    await tagged();
    say(`${tag} is tagged.`, "ok");
  });
}

/** The form of name, title and folder. */
async function naming() {
  const where = form("#naming");
  const [paths, now] = await Promise.all([folders(), current(self)]);
  let etag = now.etag;
  fill(element("#subtitle"), now.body.title);
  input("[name=name]", where).value = now.body.name;
  input("[name=title]", where).value = now.body.title;
  const named = [...paths].map(([value, text]) => ({ value, text }));
  choices(select("[name=folder]", where), [{ value: "", text: "None" }, ...named]);
  select("[name=folder]", where).value = now.body.folder ?? "";
  session.needs(button("button:not([type])", where), "integrations.write", workspace);
  session.needs(button("#delete"), "integrations.write", workspace);
  // Writing a file changes the ETag of the integration, too, but nothing that this form shows.
  const before = { name: now.body.name, title: now.body.title, folder: now.body.folder ?? "" };
  const fresh = async () => {
    const { body, etag: next } = await current(self);
    const isSame = body.name === before.name && body.title === before.title && (body.folder ?? "") === before.folder;
    return isSame ? next : etag;
  };
  sent(where, async ({ name = "", title, folder }) => {
    etag = await fresh();
    await ask("PATCH", self, { json: { name, title, folder: folder || null }, match: etag });
    await leave(toIntegration(name));
  });
  pressed(button("#delete"), async () => {
    const text = `${thing} is deleted with all its files and versions. This cannot be undone.`;
    if (!(await confirmed("Delete this integration?", text, "Delete"))) return;
    await ask("DELETE", self, { match: await fresh() });
    await leave(toWorkspace(workspace));
  });
}

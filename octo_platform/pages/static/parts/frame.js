// @ts-check
/** What all pages have around them: who is signed in, the workspaces, the navigation, and the way out. */

import { all, ask, leave } from "./api.js";
import { button, choices, element, fill, h, icon, select } from "./dom.js";
import { toWorkspace, workspace } from "./place.js";
import { fail, pressed } from "./say.js";
import * as session from "./session.js";
import { themed } from "./theming.js";

/** @type {[string, string, string, string][]} path, name, icon, action */
const HERE = [
  ["", "Integrations", "flow", "integrations.read"],
  ["/deployments", "Deployments", "deploy", "deployments.read"],
  ["/environments", "Environments", "layers", "environments.read"],
  ["/secrets", "Secrets", "key", "secrets.read"],
  ["/members", "Members", "people", "members.read"],
  ["/audit", "Audit", "history", "audit.read"],
];
/** @type {[string, string, string, string][]} */
const EVERYWHERE = [
  ["/", "Workspaces", "grid", "workspaces.list"],
  ["/users", "Users", "user", "users.read"],
  ["/audit", "Audit of all", "history", "platform.read"],
  ["/keys", "Your account", "lock", "keys.read"],
];

// A page that the browser has kept whole may show what its person, signed out by now, must not see any more.
window.addEventListener("pageshow", (event) => event.persisted && location.reload());

/** Show a page once it is known who looks. @param {() => Promise<void>} page */
export async function framed(page) {
  themed(button("#theme"));
  try {
    await session.open();
    fill(element("#who"), session.me.name);
    navigation();
    pressed(button("#out"), out);
    button("#out").hidden = session.me.way === "local"; // nobody has signed in, so nobody can sign out
    await Promise.all([spaces(), page()]);
    element("main").removeAttribute("aria-busy");
  } catch (error) {
    element("main").removeAttribute("aria-busy");
    document.body.classList.add("broken");
    fail(error);
  }
}

function navigation() {
  const link = (/** @type {string} */ path, /** @type {string} */ name, /** @type {string} */ shape) => {
    const isHere = path === location.pathname || (path.endsWith("/deployments") && location.pathname.startsWith(path));
    return h("a", { href: path, "aria-current": isHere ? "page" : null }, icon(shape), h("span", {}, name));
  };
  const here = workspace
    ? HERE.filter(([, , , action]) => session.may(action, workspace)).map(([path, name, shape]) =>
        link(toWorkspace(workspace) + path, name, shape),
      )
    : [];
  const rest = EVERYWHERE.filter(([, , , action]) => session.may(action)).map(([path, name, shape]) =>
    link(path, name, shape),
  );
  const where = element("#nav");
  fill(where, ...here, here.length > 0 && h("hr"), ...rest);
  where.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
}

async function spaces() {
  const found = await all("/workspaces");
  const where = select("#space");
  const names = found.map((each) => ({ value: each.name, text: each.title || each.name }));
  choices(where, workspace ? names : [{ value: "", text: "Choose a workspace" }, ...names]);
  where.value = workspace;
  where.addEventListener("change", () => where.value && void leave(toWorkspace(where.value)));
}

async function out() {
  const { body } = await ask("DELETE", "/session");
  // The provider is another site, and says itself where to come back to.
  await leave(body.provider ?? "/login");
}

/** The title of a page, in its heading and its tab. @param {string} text */
export function titled(text) {
  fill(element("h1"), text);
  document.title = `${text} · Octo`;
}


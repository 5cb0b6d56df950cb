// @ts-check
/** Who is signed in, and what they may. The API is the judge; here it is said beforehand. */

import { read } from "./api.js";

/** @typedef {{id: string, name: string, email?: string, roles: Record<string, string>, hasRights: boolean, way: string}} Me */

/** @type {Me} */
export const me = { id: "", name: "", roles: {}, hasRights: false, way: "" };

/** @type {{roles: Record<string, string[]>, everybody: string[], everywhere: string[]}} */
const policy = { roles: {}, everybody: [], everywhere: [] };

/** Ask who it is; who is nobody is sent to the page for signing in. */
export async function open() {
  const [session, table] = await Promise.all([read("/session"), fetch("/pages/policy.json")]);
  Object.assign(me, session.body);
  Object.assign(policy, await table.json());
}

/** Why somebody may not do this; "" if they may. @param {string} action @param {string} [workspace] */
export function reason(action, workspace) {
  if (policy.everybody.includes(action)) return "";
  const allowed = policy.roles[action] ?? [];
  const places = policy.everywhere.includes(action) || !workspace ? ["*"] : ["*", workspace];
  if (places.some((place) => allowed.includes(me.roles[place] ?? ""))) return "";
  const where = places.length === 1 ? "for all workspaces" : "in this workspace";
  return `This needs the role ${allowed.join(" or ")} ${where}`;
}

/** @param {string} action @param {string} [workspace] */
export const may = (action, workspace) => reason(action, workspace) === "";

/**
 * Switch a button off, with the reason, if its action is not allowed. It keeps its place in the order of the keyboard,
 * so that everybody learns why.
 * @template {HTMLElement} Kind @param {Kind} what @param {string} action @param {string} [workspace] @returns {Kind}
 */
export function needs(what, action, workspace) {
  const why = reason(action, workspace);
  if (why) off(what, why);
  return what;
}

/** @param {HTMLElement} what @param {string} why "" switches it on again */
export function off(what, why) {
  if (!why) {
    for (const name of ["aria-disabled", "aria-description", "title"]) what.removeAttribute(name);
    return;
  }
  what.setAttribute("aria-disabled", "true");
  what.setAttribute("aria-description", why);
  what.title = why;
}

// One listener, before all others: what is switched off does nothing, by whichever way it is pressed.
document.addEventListener(
  "click",
  (event) => {
    const pressed = event.target instanceof Element ? event.target.closest("[aria-disabled=true]") : null;
    if (pressed) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  },
  true,
);

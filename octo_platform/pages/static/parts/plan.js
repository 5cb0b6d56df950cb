// @ts-check
/** Shows what would change. Nothing is deployed without it: its digest is what is confirmed. */

import { Problem } from "./api.js";
import { button, dialog, element, fill, h, icon } from "./dom.js";
import { closable } from "./asking.js";
import { words } from "./say.js";
import { off } from "./session.js";
import { cell, count, head } from "./shown.js";

/** @typedef {{kind: string, change: "added" | "removed" | "changed", name: string, before?: string, after?: string}} Change */
/**
 * @typedef {{digest: string, slug: string, fromTag?: string, toTag: string, changes: Change[], inFlight?: number,
 *   warnings: string[]}} Plan
 */

/** @type {Record<string, string>} */
const KINDS = {
  block: "Blocks",
  route: "Routes",
  connector: "Connectors",
  secret: "Secrets",
  egress: "Egress",
  permission: "Permissions",
  variable: "Variables",
  setting: "Settings",
};
const SIGNS = { added: "+", removed: "−", changed: "~" };

/**
 * Show a plan and carry it out once it is confirmed. When it has changed meanwhile, the new one is shown instead.
 * @param {{title: string, action: string, why: string, plan: Plan, carry: (plan: Plan) => Promise<void>}} about
 *   why: the reason why somebody may look, but not deploy; "" if they may
 */
export function confirm(about) {
  const where = closable(dialog("#plan"));
  const go = button("[value=go]", where);
  let plan = about.plan;
  fill(element("h2", where), about.title);
  fill(go, about.action);
  off(go, about.why);
  draw(where, plan);
  fill(element(".error", where), about.why);
  go.onclick = async () => {
    if (go.ariaBusy === "true") return;
    go.ariaBusy = "true";
    try {
      await about.carry(plan);
      where.close();
    } catch (error) {
      const isOther = error instanceof Problem && error.code === "plan-changed";
      if (isOther) draw(where, (plan = error.body.plan));
      const said = isOther ? ["Something has changed meanwhile. This is the plan as it is now."] : words(error);
      fill(element(".error", where), ...said);
    } finally {
      go.ariaBusy = null;
    }
  };
  where.showModal();
}

/** @param {HTMLElement} where @param {Plan} plan */
function draw(where, plan) {
  const isOther = plan.fromTag && plan.fromTag !== plan.toTag;
  const tags = isOther ? `${plan.fromTag} → ${plan.toTag}` : plan.toTag;
  fill(element(".tags", where), tags);
  fill(element(".changes", where), ...grouped(plan.changes));
  fill(element(".sum", where), sum(plan.changes));
  const flight = plan.inFlight === undefined ? "Nobody can say now" : count(plan.inFlight, "message");
  fill(element(".flight", where), plan.fromTag ? flight : "None: nothing runs yet");
  const said = plan.warnings.map((each) => h("li", { class: "warn" }, icon("warn"), each));
  fill(element(".warnings", where), ...(said.length ? said : [h("li", { class: "muted" }, "None")]));
  fill(element(".digest", where), plan.digest);
}

/** @param {Change[]} changes */
function sum(changes) {
  if (!changes.length) return "Nothing changes.";
  const counts = ["added", "removed", "changed"].map((kind) => [changes.filter((e) => e.change === kind).length, kind]);
  return counts.filter(([number]) => number).map(([number, kind]) => `${number} ${kind}`).join(", ");
}

/** @param {Change[]} changes */
function grouped(changes) {
  const kinds = [...new Set(changes.map((each) => each.kind))];
  return kinds.map((kind) =>
    h(
      "table",
      { class: "plain" },
      h("caption", {}, KINDS[kind] ?? kind),
      h("colgroup", {}, h("col", { class: "sign" }), h("col", { class: "name" }), h("col")),
      h("thead", { class: "sr" }, h("tr", {}, ...["Change", "Name", "What"].map((each) => h("th", { scope: "col" }, each)))),
      h("tbody", {}, ...changes.filter((each) => each.kind === kind).map(row)),
    ),
  );
}

/** @param {Change} change */
function row(change) {
  const sign = h("span", { "aria-hidden": "true" }, SIGNS[change.change]);
  const name = head(h("code", {}, change.name));
  const said = values(change);
  if (!said.length) name.colSpan = 2;
  return h(
    "tr",
    { class: change.change },
    h("td", { class: "sign" }, sign, h("span", { class: "sr" }, change.change)),
    name,
    said.length > 0 && cell("", ...said),
  );
}

/** @param {Change} change */
function values({ before, after }) {
  const found = [];
  if (before !== undefined) found.push(h("del", {}, before));
  if (before !== undefined && after !== undefined) found.push(" → ");
  if (after !== undefined) found.push(h("ins", {}, after));
  return found;
}

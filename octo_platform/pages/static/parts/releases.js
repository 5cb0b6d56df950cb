// @ts-check
/** What was wanted of a deployment, one after the other, and the way back to each. */

import { post } from "./api.js";
import { element, h } from "./dom.js";
import { Listing } from "./listing.js";
import { workspace } from "./place.js";
import { confirm } from "./plan.js";
import { pressed } from "./say.js";
import * as session from "./session.js";
import { cell, head, tag, when } from "./shown.js";

/** @type {Record<string, ["" | "ok" | "warn" | "bad" | "acc", string]>} */
const OUTCOMES = { "": ["acc", "under way"], ready: ["ok", "ready"], failed: ["bad", "failed"], replaced: ["", "replaced"] };

/**
 * @param {string} deployment its path in the API
 * @param {(verb: string, json: any) => Promise<void>} change
 * @param {() => any} shown the deployment as it is shown
 */
export function releases(deployment, change, shown) {
  const list = new Listing(element("#releases"), { path: () => `${deployment}/releases`, row });

  /** @param {any} one */
  function row(one) {
    const back = h("button", { type: "button", "aria-label": `Go back to generation ${one.generation}` }, "Go back");
    session.needs(back, "plans.read", workspace);
    pressed(back, () => goBack(one));
    const isNow = one.generation === shown().generation;
    const [tone, outcome] = OUTCOMES[one.outcome] ?? ["", one.outcome];
    return h(
      "tr",
      {},
      head(String(one.generation)),
      cell("Version", one.tag),
      cell("By", one.cause),
      cell("Outcome", tag(outcome, tone), one.reason && h("small", {}, one.reason)),
      cell("When", when(one.createdAt)),
      h("td", { class: "do" }, isNow ? h("span", { class: "muted" }, "wanted now") : back),
    );
  }

  /** The plan of going back is that of rolling to what was then. @param {any} one */
  async function goBack(one) {
    const { restart: _, ...settings } = one.settings;
    const { body: plan } = await post(`${deployment}/plan`, { tag: one.tag, settings });
    confirm({
      title: `Go back to generation ${one.generation}`,
      action: `Go back to ${one.tag}`,
      why: session.reason("deployments.write", workspace),
      plan,
      carry: () => change("/rollback", { generation: one.generation }),
    });
  }

  return list;
}

// @ts-check
/** Deployments as a list whose status is asked for again while somebody looks. */

import { at } from "./api.js";
import { element, h } from "./dom.js";
import { Listing } from "./listing.js";
import { repeat } from "./live.js";
import { toDeployment, workspace } from "./place.js";
import { cell, head, number, phase, when } from "./shown.js";

const ORDER = ["failed", "degraded", "progressing", "running", "paused"];

/** How many deployments are in which state. @param {Record<string, number>} phases */
export function counts(phases) {
  const found = ORDER.filter((each) => phases[each]);
  const shown = found.map((each) => h("span", { class: "row" }, phase(each), String(phases[each])));
  return h("span", { class: "row" }, ...(shown.length ? shown : [h("span", { class: "muted" }, "none")]));
}

/** @param {() => Record<string, string>} query */
export function listed(query) {
  const path = () => at`/workspaces/${workspace}/deployments`;
  const list = new Listing(element("#deployments"), { path, query, row });
  repeat(() => list.refresh());
  return list;
}

/** @param {any} one */
function row(one) {
  const why = one.reasons[0]?.text ?? "";
  const tags = one.runningTag && one.runningTag !== one.tag ? `${one.runningTag} → ${one.tag}` : one.tag;
  return h(
    "tr",
    {},
    head(h("a", { href: toDeployment(one.id) }, one.slug), one.integration !== one.slug && h("small", {}, one.integration)),
    cell("Environment", one.environment),
    cell("Version", tags),
    cell("Status", phase(one.phase), why && h("small", { class: "cut", title: why }, why)),
    number("Ready", `${one.ready}/${one.wanted}`),
    cell("Address", link(one.externalUrl ?? one.internalUrl)),
    cell("Changed", when(one.updatedAt)),
  );
}

/** An address as a link, if it is one of the web. @param {string | undefined} url */
export function link(url) {
  return url ? h("a", { href: url, rel: "noreferrer", target: "_blank", class: "mono cut" }, url) : "";
}

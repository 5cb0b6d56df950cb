// @ts-check
/** What the instances of a deployment tell: logs as they come, figures, traces. */

import { read } from "./api.js";
import { button, element, fill, h } from "./dom.js";
import { follow, repeat } from "./live.js";
import { workspace } from "./place.js";
import { pressed, words } from "./say.js";
import * as session from "./session.js";
import { cell, duration, head, number, tag, when } from "./shown.js";

const MOST_LINES = 2000;

/** @typedef {{id?: string, at?: string, instance: string, text: string}} Line */
/** @typedef {{instance: string, body?: any, error?: string}} Told */

/** Follow the log for as long as somebody looks. @param {string} deployment */
export function logs(deployment) {
  const where = element("#log");
  const why = session.reason("logs.read", workspace);
  if (why) {
    fill(where, h("li", { class: "muted" }, why));
    return;
  }
  /** @type {Line[]} */
  let waiting = [];
  /** The ids of the newest lines: after a lost connection some come twice. @type {Set<string>} */
  const known = new Set();
  const draw = () => {
    const isAtEnd = where.scrollTop + where.clientHeight >= where.scrollHeight - 20;
    where.append(...waiting.map(line));
    waiting = [];
    while (where.childElementCount > MOST_LINES) where.firstElementChild?.remove();
    if (isAtEnd) where.scrollTop = where.scrollHeight;
  };
  follow({
    path: `${deployment}/logs/events`,
    query: { lines: 200 },
    opened: (goesOn) => {
      if (goesOn) return;
      waiting = [];
      known.clear();
      fill(where);
    },
    event: (line) => {
      if (known.has(line.id)) return;
      if (line.id) known.add(line.id);
      if (known.size > 2 * MOST_LINES) known.delete(String(known.values().next().value));
      if (!waiting.length) requestAnimationFrame(draw);
      waiting.push(line);
    },
    state: (isOpen) => fill(element("#following"), isOpen ? "Live" : "Not live: trying again"),
  });
}

/** @param {Line} line */
function line({ at, instance, text }) {
  const time = at ? h("time", { datetime: at, class: "muted" }, new Date(at).toLocaleTimeString("en", { hour12: false })) : null;
  return h("li", {}, time, h("span", { class: "muted" }, instance), h("span", {}, text));
}

/**
 * The figures of the flows, again and again. Returns what asks for them now.
 * @param {string} deployment @param {() => void} moved there are other messages than before
 */
export function messages(deployment, moved) {
  const where = element("#figures");
  let before = "";
  let isMoving = false;
  const show = async () => {
    const { body } = await read(`${deployment}/metrics`);
    const now = JSON.stringify(body);
    // Once more after they have come to rest: traces are stored a moment later.
    if (before && (now !== before || isMoving)) moved();
    isMoving = now !== before;
    before = now;
    where.dataset.state = body.flows.length ? "" : "nothing";
    const all = { name: "All flows", in_flight: body.inFlight, ...body };
    const rows = body.flows.length > 1 ? [...body.flows, all] : body.flows;
    fill(element("tbody", where), ...rows.map(figure));
  };
  repeat(show);
  // Where instances cannot be asked now, the table stays as it is: the status says why.
  return () => show().catch(() => void (where.dataset.state ??= "nothing"));
}

/** @param {any} flow */
function figure(flow) {
  const shown = (/** @type {string} */ label, /** @type {number} */ value) => number(label, (value ?? 0).toLocaleString("en"));
  return h(
    "tr",
    {},
    head(flow.name),
    shown("Completed", flow.completed),
    shown("Failed", flow.failed),
    shown("Dropped", flow.dropped),
    shown("In flight", flow.in_flight),
    shown("Waiting", flow.waiting),
  );
}

/** The newest traces. Returns what asks for them now. @param {string} deployment */
export function traces(deployment) {
  const where = element("#traces");
  session.needs(button("#look"), "traces.read", workspace);
  const show = async () => {
    /** @type {Told[]} */
    const told = (await read(`${deployment}/traces`, { limit: 50 })).body;
    const rows = told.flatMap(({ instance, body, error }) =>
      error ? [trouble(instance, error)] : (Array.isArray(body) ? body : []).map((each) => trace(instance, each)),
    );
    where.dataset.state = rows.length ? "" : "nothing";
    fill(element("tbody", where), ...rows);
  };
  pressed(button("#look"), show);
  where.dataset.state = "nothing";
  const why = session.reason("traces.read", workspace);
  if (why) fill(element(".empty", where), why);
  return async () => {
    if (!why) await show().catch((error) => fill(element(".empty", where), ...words(error)));
  };
}

/** @param {string} instance @param {string} error */
const trouble = (instance, error) => h("tr", {}, head(instance), h("td", { colspan: 5, class: "muted" }, error));

/** @param {string} instance @param {any} each */
function trace(instance, each) {
  const isWell = each.outcome === "completed";
  return h(
    "tr",
    {},
    head(each.flow),
    cell("Outcome", tag(each.outcome, isWell ? "ok" : "bad"), each.code && h("small", {}, each.code)),
    number("Took", duration(each.duration)),
    cell("When", when(new Date(each.at / 1e6).toISOString())),
    cell("Trace", h("code", {}, each.trace)),
    cell("Instance", h("span", { class: "mono" }, instance)),
  );
}

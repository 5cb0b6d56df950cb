// @ts-check
/** How times, states and sizes look. */

import { h } from "./dom.js";

/** @typedef {"" | "ok" | "warn" | "bad" | "acc"} Tone */

/** @type {Record<string, [Tone, string]>} */
const PHASES = {
  running: ["ok", "Running"],
  progressing: ["acc", "Progressing"],
  degraded: ["warn", "Degraded"],
  failed: ["bad", "Failed"],
  paused: ["", "Paused"],
  removing: ["", "Being removed"],
  absent: ["", "Not there"],
};

/** The state of a deployment; its words tell it, the colour only helps. @param {string} phase */
export function phase(phase) {
  const [tone, text] = PHASES[phase] ?? ["", phase];
  return tag(text, tone);
}

/** @param {string} text @param {Tone} [tone] */
export const tag = (text, tone = "") => h("span", { class: `tag ${tone}` }, text);

const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
const EXACT = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium" });
/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60]];

/** A time as people say it, and exactly to those who point at it. @param {string | null | undefined} at */
export function when(at) {
  if (!at) return h("span", { class: "muted" }, "–");
  const date = new Date(at);
  return h("time", { datetime: date.toISOString(), title: EXACT.format(date), class: "ago" }, ago(date));
}

/** @param {Date} date */
function ago(date) {
  const seconds = (date.getTime() - Date.now()) / 1000;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  return Math.abs(seconds) < 10 ? "now" : RELATIVE.format(Math.trunc(seconds / size), unit);
}

setInterval(() => {
  for (const each of /** @type {NodeListOf<HTMLTimeElement>} */ (document.querySelectorAll("time.ago"))) {
    const text = ago(new Date(each.dateTime));
    if (each.textContent !== text) each.textContent = text;
  }
}, 10_000);

/** @param {number} count @param {string} one @param {string} [many] */
export const count = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

/** @param {number} bytes */
export function size(bytes) {
  return bytes < 1024 ? `${bytes} B` : `${(bytes / 1024).toLocaleString("en", { maximumFractionDigits: 1 })} KiB`;
}

/** Nanoseconds as people read them. @param {number} nanoseconds */
export function duration(nanoseconds) {
  const milliseconds = nanoseconds / 1e6;
  const few = { maximumSignificantDigits: 3 };
  return milliseconds < 1000
    ? `${milliseconds.toLocaleString("en", few)} ms`
    : `${(milliseconds / 1000).toLocaleString("en", few)} s`;
}

/** A cell of a table. The label stands before it where rows are cards. @param {string} label @param {...any} children */
export const cell = (label, ...children) => h("td", { "data-label": label || null }, ...children);
/** @param {string} label @param {...any} children */
export const number = (label, ...children) => h("td", { "data-label": label || null, class: "num" }, ...children);
/** A cell of which the row is about. @param {...any} children */
export const head = (...children) => h("th", { scope: "row" }, ...children);

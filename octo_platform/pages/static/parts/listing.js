// @ts-check
/** A table of a list that comes in parts: rows, how many there are so far, and a button for more. */

import { read } from "./api.js";
import { button, element, fill, get } from "./dom.js";
import { fail } from "./say.js";

const PART = 50;
const MOST = 200;

/**
 * @typedef {object} Listed
 * @property {() => string} path
 * @property {() => Record<string, string>} [query]
 * @property {(item: any) => HTMLElement} row
 */

export class Listing {
  /** @param {HTMLElement} where a `.listing`, see `parts.html` @param {Listed} of */
  constructor(where, of) {
    this.where = where;
    this.of = of;
    /** @type {any[]} */
    this.items = [];
    /** @type {string | null} */
    this.next = null;
    /** @type {AbortController | null} */
    this.asking = null;
    this.isStale = false;
    button(".more", where).addEventListener("click", () => void this.more().catch(fail));
  }

  /** Show the first part. @returns {Promise<void>} */
  async load() {
    const body = await this.part(PART, null);
    if (!body) return;
    this.items = body.items;
    this.next = body.next ?? null;
    this.show();
    await this.again();
  }

  /** Show again what is shown, as it is now. It waits for whoever asks already. @returns {Promise<void>} */
  async refresh() {
    if (this.asking) {
      this.isStale = true;
      return;
    }
    const limit = Math.min(MOST, Math.max(PART, this.items.length));
    const body = await this.part(limit, null);
    if (!body) return;
    const rest = this.items.slice(limit);
    if (!rest.length) this.next = body.next ?? null;
    const items = [...body.items, ...rest];
    if (!same(items, this.items)) {
      this.items = items; // only then, so that text that is selected stays so
      this.show();
    }
    await this.again();
  }

  async more() {
    const body = await this.part(PART, this.next);
    if (!body) return;
    const first = this.items.length;
    this.items.push(...body.items);
    this.next = body.next ?? null;
    this.show();
    const rows = get("tbody", HTMLTableSectionElement, this.where).rows;
    get("a, button", HTMLElement, rows[first]).focus();
    await this.again();
  }

  async again() {
    if (!this.isStale) return;
    this.isStale = false;
    await this.refresh();
  }

  /** A part of the list; null if something else was asked for meanwhile. @param {number} limit @param {string | null} cursor */
  async part(limit, cursor) {
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    try {
      const query = { ...this.of.query?.(), limit, cursor };
      return (await read(this.of.path(), query, asking.signal)).body;
    } catch (error) {
      if (asking.signal.aborted) return null;
      throw error;
    } finally {
      if (this.asking === asking) this.asking = null;
    }
  }

  show() {
    this.where.dataset.state = this.items.length ? "" : "nothing";
    const body = get("tbody", HTMLTableSectionElement, this.where);
    const focused = body.contains(document.activeElement) ? document.activeElement?.getAttribute("href") : null;
    fill(body, ...this.items.map(this.of.row));
    if (focused) refocus(body, focused);
    button(".more", this.where).hidden = !this.next;
    const isWhole = !this.next && this.items.length <= PART;
    const number = this.items.length.toLocaleString("en");
    fill(element(".count", this.where), isWhole ? "" : this.next ? `${number} shown, there are more` : `${number} shown`);
  }
}

/** @param {any} one @param {any} other */
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** Keep the focus on the row that had it. @param {HTMLElement} body @param {string} href */
function refocus(body, href) {
  const links = [...body.querySelectorAll("a")];
  links.find((each) => each.getAttribute("href") === href)?.focus({ preventScroll: true });
}

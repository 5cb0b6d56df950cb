// @ts-check
/**
 * What changes while one looks: streams of events, and lists that are asked for again. All of it rests while the tab is
 * hidden: a browser opens only six connections to a server, for all its tabs together.
 */

import { address, read } from "./api.js";

/** Milliseconds between two questions for a list: there is no stream of all deployments. */
const AGAIN = 4000;

let isOver = false;

/** Nothing of this page changes any more: what it told of is gone. */
export function end() {
  isOver = true;
}

/**
 * @typedef {object} Stream
 * @property {string} path
 * @property {Record<string, string | number>} [query]
 * @property {(data: any) => void} event
 * @property {(goesOn: boolean) => void} [opened] before the first event of each connection; whether it goes on behind
 *   the last event that had an id, as browsers ask for after a lost connection
 * @property {() => void} [gone] what it told of is there no more
 * @property {(isOpen: boolean) => void} [state]
 */

/** Follow a stream until the page is left. @param {Stream} stream */
export function follow(stream) {
  /** @type {EventSource | null} */
  let source = null;

  const close = () => {
    source?.close();
    source = null;
  };

  const open = () => {
    close();
    let id = "";
    source = new EventSource(address(stream.path, stream.query));
    source.addEventListener("open", () => {
      stream.opened?.(id !== "");
      stream.state?.(true);
    });
    source.addEventListener("message", (event) => {
      id = event.lastEventId;
      stream.event(JSON.parse(event.data));
    });
    source.addEventListener("gone", () => {
      close();
      stream.gone?.();
    });
    source.addEventListener("end", close);
    source.addEventListener("error", () => {
      if (isOver) return close();
      stream.state?.(false);
      if (source?.readyState === EventSource.CLOSED) void refused();
    });
  };

  // The browser comes again by itself after a lost connection, but not after a refusal: mostly a session that ended.
  const refused = async () => {
    close();
    await read("/session").catch(() => {}); // renews it, or leads to the page for signing in
    setTimeout(() => document.hidden || source || isOver || open(), AGAIN);
  };

  const turn = () => (document.hidden || isOver ? close() : open());
  document.addEventListener("visibilitychange", turn);
  window.addEventListener("pagehide", close);
  turn();
}

/** Do something now and again while somebody looks. @param {() => Promise<void>} action */
export function repeat(action) {
  let isAsking = false;
  const once = () => {
    if (document.hidden || isAsking || isOver) return;
    isAsking = true;
    // What fails is tried again; a list that is some seconds old is no reason to disturb somebody.
    void action().catch(() => {}).finally(() => (isAsking = false));
  };
  setInterval(once, AGAIN);
  document.addEventListener("visibilitychange", once);
}

/** The ETag of a thing, and the thing. @param {string} path */
export async function current(path) {
  const { body, etag } = await read(path);
  return { body, etag: etag ?? "*" };
}

// @ts-check
/** Asks the API: as the person who is signed in, with problems as exceptions, and the session renewed on the way. */

const ROOT = "/api/v1";

/** Something that the person should know, in a sentence. Every other error is a defect of a page. */
export class Refusal extends Error {}

/** What the API says when it cannot do something (`application/problem+json`). */
export class Problem extends Refusal {
  /** @param {number} status @param {any} body */
  constructor(status, body) {
    const { title = `The platform answered ${status}`, detail } = body ?? {};
    super(detail ? `${title}: ${detail}` : title);
    this.status = status;
    /** @type {string} */
    this.code = body?.code ?? "";
    this.body = body ?? {};
  }
}

/**
 * @typedef {object} Extra
 * @property {any} [json] the body, as JSON
 * @property {BodyInit} [raw] the body, as it is
 * @property {string | null} [match] the ETag that a change is based on
 * @property {boolean} [create] there must be none yet
 * @property {Record<string, string | number | null | undefined>} [query]
 * @property {AbortSignal} [signal]
 */

/** @typedef {{body: any, etag: string | null, response: Response}} Answer */

/**
 * A path of the API: what is put in is escaped, so no name can lead elsewhere.
 * @param {TemplateStringsArray} parts @param {...string} values
 */
export function at(parts, ...values) {
  return parts.reduce((path, part, n) => path + escaped(values[n - 1] ?? "") + part);
}

/** @param {string} text */
function escaped(text) {
  return encodeURIComponent(text).replaceAll("%2F", "/");
}

/** @param {string} path @param {Extra["query"]} [query] */
export function address(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return ROOT + path + (text ? `?${text}` : "");
}

/** @param {string} path @param {Extra["query"]} [query] @param {AbortSignal} [signal] */
export const read = (path, query, signal) => ask("GET", path, { query, signal });
/** @param {string} path @param {any} [json] @param {Extra} [extra] */
export const post = (path, json, extra) => ask("POST", path, { json, ...extra });

/**
 * Ask, and once more after renewing the session if it had ended. Throws `Problem`, or another `Refusal` without a network.
 * @param {string} method @param {string} path @param {Extra} [extra] @returns {Promise<Answer>}
 */
export async function ask(method, path, extra = {}) {
  let response = await send(method, path, extra);
  if (response.status === 401 && (await renewed())) response = await send(method, path, extra);
  if (response.ok) return answer(response);
  const problem = new Problem(response.status, await response.json().catch(() => null));
  if (problem.code === "set-up-first") return leave("/setup");
  if (problem.status === 401 && method === "GET" && !unsaved.isThere()) return leave(login());
  throw problem;
}

/** Whether this page has something that would be lost. Nobody is sent away from it, also not for signing in. */
export const unsaved = { isThere: () => false };

/** Where to sign in, and come back from. A write that is refused does not go there: what was typed would be lost. */
export function login() {
  return `/login?return_to=${encodeURIComponent(location.pathname + location.search)}`;
}

/** @param {string} method @param {string} path @param {Extra} extra */
async function send(method, path, extra) {
  const headers = new Headers({ Accept: "application/json" });
  if (extra.json !== undefined) headers.set("Content-Type", "application/json");
  if (extra.raw !== undefined) headers.set("Content-Type", "application/octet-stream");
  if (extra.match) headers.set("If-Match", extra.match);
  if (extra.create) headers.set("If-None-Match", "*");
  const body = extra.raw ?? (extra.json === undefined ? undefined : JSON.stringify(extra.json));
  try {
    return await fetch(address(path, extra.query), { method, headers, body, signal: extra.signal, redirect: "error" });
  } catch (error) {
    if (extra.signal?.aborted) throw error;
    throw new Refusal("The platform does not answer. Try again.");
  }
}

/** @param {Response} response @returns {Promise<Answer>} */
async function answer(response) {
  if (response.status === 204) return { body: null, etag: response.headers.get("ETag"), response };
  const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
  const body = isJson ? await response.json() : await response.arrayBuffer();
  return { body, etag: response.headers.get("ETag"), response };
}

/** @type {Promise<boolean> | null} */
let renewing = null;

/** Renew the session; several who need it at once share one try. Return whether somebody is signed in now. */
function renewed() {
  renewing ??= fetch(`${ROOT}/session/renewal`, { method: "POST" })
    .then(
      (response) => response.ok,
      () => {
        throw new Refusal("The platform does not answer. Try again.");
      },
    )
    .finally(() => (renewing = null));
  return renewing;
}

/** Go to another page. Nothing that waits for an answer goes on. @param {string} path @returns {Promise<never>} */
export function leave(path) {
  location.assign(path);
  return new Promise(() => {});
}

/**
 * All items of a list, for lists that are short. It ends at 1,000.
 * @param {string} path @param {Extra["query"]} [query] @returns {Promise<any[]>}
 */
export async function all(path, query = {}) {
  const found = [];
  let cursor = null;
  do {
    /** @type {any} */
    const { body } = await read(path, { ...query, limit: 200, cursor });
    found.push(...body.items);
    cursor = body.next;
  } while (cursor && found.length < 1000);
  return found;
}

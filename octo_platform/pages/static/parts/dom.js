// @ts-check
/** Makes and finds elements. Data becomes text or an attribute, never markup: nothing in these pages parses HTML. */

/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {Record<string, string | number | boolean | null | undefined | ((event: Event) => void)>} Properties */

const SAFE_ADDRESS = /^(https?:\/\/|\/(?!\/)|#|\?)/;

/**
 * An element. A property that is a function listens to that event; `true` is an attribute without a value.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag @param {Properties} [properties] @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (name === "href" && !SAFE_ADDRESS.test(String(value))) continue; // e.g. `javascript:` from a target
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, String(value));
  }
  fill(made, ...children);
  return made;
}

/** Replace what an element contains. @param {Element} element @param {...Child} children */
export function fill(element, ...children) {
  const kept = children.filter((each) => each !== null && each !== undefined && each !== false);
  element.replaceChildren(...kept.map((each) => (each instanceof Node ? each : String(each))));
}

/**
 * The element of a page that its HTML promises.
 * @template {Element} Kind
 * @param {string} selector @param {new () => Kind} kind @param {ParentNode} [within] @returns {Kind}
 */
export function get(selector, kind, within = document) {
  const found = within.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`this page has no ${selector}`);
  return found;
}

/** @param {string} selector @param {ParentNode} [within] */
export const element = (selector, within) => get(selector, HTMLElement, within);
/** @param {string} selector @param {ParentNode} [within] */
export const form = (selector, within) => get(selector, HTMLFormElement, within);
/** @param {string} selector @param {ParentNode} [within] */
export const button = (selector, within) => get(selector, HTMLButtonElement, within);
/** @param {string} selector @param {ParentNode} [within] */
export const input = (selector, within) => get(selector, HTMLInputElement, within);
/** @param {string} selector @param {ParentNode} [within] */
export const select = (selector, within) => get(selector, HTMLSelectElement, within);
/** @param {string} selector @param {ParentNode} [within] */
export const area = (selector, within) => get(selector, HTMLTextAreaElement, within);
/** @param {string} selector @param {ParentNode} [within] */
export const dialog = (selector, within) => get(selector, HTMLDialogElement, within);

/** An icon of `icons.svg`. @param {string} name */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const made = document.createElementNS(space, "svg");
  made.setAttribute("class", "i");
  made.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `/pages/icons.svg#${name}`);
  made.append(use);
  return made;
}

/** Choices of a select. @param {HTMLSelectElement} where @param {{value: string, text: string}[]} choices */
export function choices(where, choices) {
  const before = where.value;
  fill(where, ...choices.map((each) => h("option", { value: each.value }, each.text)));
  if (choices.some((each) => each.value === before)) where.value = before;
}

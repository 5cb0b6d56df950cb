// @ts-check
/** Says what happened: in the line that screen readers read out, or beside the form that failed. */

import { login, Problem, Refusal } from "./api.js";
import { element, fill, h } from "./dom.js";

/** @param {string} text @param {"" | "ok" | "bad"} [tone] */
export function say(text, tone = "") {
  const line = element("#said");
  line.className = tone;
  fill(line, text);
}

/** A failure in words. @param {unknown} error @returns {(string | HTMLElement)[]} */
export function words(error) {
  if (!(error instanceof Refusal)) {
    console.error(error);
    return ["This page has a defect. Load it again."];
  }
  if (error instanceof Problem && error.status === 401 && error.code === "not-signed-in") {
    const link = h("a", { href: login(), target: "_blank" }, "Sign in");
    return ["You have been signed out. ", link, " in another tab, then do this again."];
  }
  return [error.message];
}

/** @param {unknown} error */
export function fail(error) {
  // What is behind an open dialog can be neither seen nor reached.
  const line = element(document.querySelector("dialog[open] .error") ? "dialog[open] .error" : "#said");
  if (line.id === "said") line.className = "bad";
  fill(line, ...words(error));
}

/** Do something for a button, which rests meanwhile. @param {HTMLButtonElement} what @param {() => Promise<void>} action */
export function pressed(what, action) {
  what.addEventListener("click", () => void busy([what], action).catch(fail));
}

/** @param {HTMLButtonElement[]} buttons @param {() => Promise<void>} action */
async function busy(buttons, action) {
  if (buttons.some((each) => each.ariaBusy === "true")) return; // pressed twice
  buttons.forEach((each) => (each.ariaBusy = "true"));
  try {
    await action();
  } finally {
    buttons.forEach((each) => (each.ariaBusy = null));
  }
}

/**
 * Do something when a form is sent. What fails is said in its `.error`.
 * @param {HTMLFormElement} form @param {(data: Record<string, string>, by: string) => Promise<void>} action
 */
export function sent(form, action) {
  const error = element(".error", form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const by = event.submitter instanceof HTMLButtonElement ? event.submitter : null;
    const data = /** @type {Record<string, string>} */ (Object.fromEntries(new FormData(form)));
    fill(error);
    const buttons = [...form.querySelectorAll("button")];
    void busy(buttons, () => action(data, by?.value ?? "")).catch((failure) => fill(error, ...words(failure)));
  });
}

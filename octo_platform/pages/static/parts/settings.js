// @ts-check
/** The fields that say how a version runs, see `settings.html`: from what is stored, and to what is sent. */

import { get, input, select } from "./dom.js";
import * as pairs from "./pairs.js";

/** @param {HTMLFormElement} form @param {any} settings as the API shows them; {} for those of the beginning */
export function write(form, settings) {
  const given = { replicas: 1, drain: 30, inFlight: "drain", resources: {}, ...settings };
  input("[name=replicas]", form).value = given.replicas;
  input("[name=expose]", form).value = given.expose ?? "";
  input("[name=drain]", form).value = given.drain;
  input("[name=cpu]", form).value = given.resources.cpu ?? 0.25;
  input("[name=memory]", form).value = given.resources.memory ?? 256;
  select("[name=inFlight]", form).value = given.inFlight;
  pairs.write(get(".variables", HTMLFieldSetElement, form), given.variables ?? {});
  pairs.write(get(".secrets", HTMLFieldSetElement, form), given.secrets ?? {});
}

/** @param {HTMLFormElement} form */
export function read(form) {
  const numbers = (/** @type {string} */ name) => input(`[name=${name}]`, form).valueAsNumber;
  return {
    replicas: numbers("replicas"),
    variables: pairs.read(get(".variables", HTMLFieldSetElement, form)),
    secrets: pairs.read(get(".secrets", HTMLFieldSetElement, form)),
    expose: input("[name=expose]", form).value.trim() || null,
    resources: { cpu: numbers("cpu"), memory: numbers("memory") },
    inFlight: select("[name=inFlight]", form).value,
    drain: numbers("drain"),
  };
}

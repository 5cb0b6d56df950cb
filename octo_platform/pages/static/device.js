// @ts-check
/** Lets a program in that shows a code: only after one has seen which program it is. */

import { at, post, read } from "./parts/api.js";
import { button, element, fill, form, h, input } from "./parts/dom.js";
import { framed } from "./parts/frame.js";
import { sent } from "./parts/say.js";

let asked = "";

await framed(async () => {
  const given = new URLSearchParams(location.search).get("code") ?? "";
  input("[name=code]").value = given.slice(0, 20);
  sent(form("#code"), async ({ code = "" }) => {
    asked = code.trim().toUpperCase();
    const { body } = await read(at`/device/${asked}`);
    fill(element("#client"), body.client);
    fill(element("#shown"), asked);
    fill(element("#may"), ...mays(body.scopes));
    button("#approve button[value=allow]").disabled = body.scopes.length === 0;
    form("#code").hidden = true;
    form("#approve").hidden = false;
    element("#approve button[value=refuse]").focus();
  });
  sent(form("#approve"), async (_, by) => {
    await post("/device/approval", { user_code: asked, allow: by === "allow" });
    const text = by === "allow" ? "The program is let in. You can close this page." : "The program is refused.";
    fill(form("#approve"), h("p", { role: "status" }, text));
  });
  input("[name=code]").focus();
});

/** What it gets, in words. @param {string[]} scopes */
function mays(scopes) {
  if (scopes.length === 0) return ["It asks for nothing that you may yourself."];
  if (scopes.includes("all")) return ["It will act in your name, with all that you may."];
  return ["It will act in your name, with no more than this: ", h("code", {}, scopes.join(", "))];
}

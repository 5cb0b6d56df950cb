// @ts-check
/** Makes the first administrator. */

import { leave, post, read } from "./parts/api.js";
import { element, fill, form, h, input } from "./parts/dom.js";
import { fail, sent } from "./parts/say.js";

const where = form("#setup");

// The token is in the fragment, which no server and no Referer ever sees; nor should the history of the browser.
const token = decodeURIComponent(location.hash.slice(1)).replace(/^token=/, "");
if (token) {
  input("[name=token]", where).value = token;
  history.replaceState(null, "", location.pathname);
  input("[name=email]", where).focus();
}

sent(where, async ({ email, password, name, token = "" }) => {
  await post("/setup", { token: token.trim(), email, name, password });
  await post("/session", { email, password });
  await leave("/");
});

/** Without a missing administrator there is nothing to do here. */
async function look() {
  const { body } = await read("/setup");
  if (!body.needed) {
    element("h1 + p").hidden = true;
    fill(where, h("p", {}, "The platform is set up. ", h("a", { href: "/login" }, "Sign in")));
  } else if (!body.passwords) {
    fill(where, h("p", {}, "Administrators come from the identity provider. ", h("a", { href: "/login" }, "Sign in")));
  }
}

look().catch(fail);
element("main").removeAttribute("aria-busy");

// @ts-check
/** Signs somebody in, in the ways that are open, and brings them back to where they were. */

import { leave, post, read } from "./parts/api.js";
import { fill, form, get, h, input } from "./parts/dom.js";
import { returning } from "./parts/returning.js";
import { fail, sent } from "./parts/say.js";

const back = returning(location.search);

sent(form("#login"), async ({ email, password }) => {
  await post("/session", { email, password });
  await leave(back);
});

async function look() {
  const { body } = await read("/setup");
  if (body.needed && body.passwords) return leave("/setup");
  form("#login").hidden = !body.passwords;
  if (body.provider) {
    const link = get("#provider", HTMLAnchorElement);
    link.href = `/auth/oidc/login?${new URLSearchParams({ return_to: back })}`;
    fill(link, `Sign in with ${body.provider}`);
    link.hidden = false;
  }
  if (body.passwords) input("[name=email]").focus();
  else if (!body.provider) form("#login").after(h("p", { class: "bad" }, "No way to sign in is switched on."));
}

look().catch(fail);

// @ts-check
/** One deployment: what runs and why not, its releases, and everything that can be done with it. */

import { all, ask, at, post, Refusal } from "./parts/api.js";
import { closable, confirmed } from "./parts/asking.js";
import { link } from "./parts/deployments.js";
import { button, choices, dialog, element, fill, form, h, icon, input, select } from "./parts/dom.js";
import { framed, titled } from "./parts/frame.js";
import { current, end, follow } from "./parts/live.js";
import { logs, messages, traces } from "./parts/telling.js";
import { confirm } from "./parts/plan.js";
import { thing, toIntegration, workspace } from "./parts/place.js";
import { releases } from "./parts/releases.js";
import { pressed, say, sent } from "./parts/say.js";
import * as session from "./parts/session.js";
import * as settings from "./parts/settings.js";
import { cell, head, number, phase, tag, when } from "./parts/shown.js";

const self = at`/workspaces/${workspace}/deployments/${thing}`;

/** The deployment as it is shown. @type {any} */
let shown = null;

await framed(async () => {
  shown = (await current(self)).body;
  const list = releases(self, change, () => shown);
  const look = traces(self);
  const figures = messages(self, look);
  let seen = "";
  draw();
  actions();
  follow({
    path: `${self}/events`,
    event: (picture) => {
      shown = picture;
      draw();
      const step = [picture.generation, picture.observedGeneration, picture.phase].join();
      if (step === seen) return;
      seen = step;
      void Promise.all([list.refresh(), figures()]).catch(() => {});
    },
    state: (isOpen) => fill(element("#live"), isOpen ? "Live" : "Not live: trying again"),
    gone: () => {
      end();
      for (const each of ["#live", "#following"]) fill(element(each));
      fill(element("#phase"), tag("Gone"));
      element("#actions").hidden = true;
      say("This deployment is gone.");
    },
  });
  logs(self);
  await Promise.all([list.load(), figures(), look()]);
});

/** Show everything that the stream tells. */
function draw() {
  titled(shown.slug);
  fill(element("#phase"), phase(shown.phase));
  const why = element("#reasons");
  why.hidden = !shown.reasons.length;
  const tone = shown.phase === "failed" ? "bad" : "warn";
  fill(why, ...shown.reasons.map((/** @type {any} */ each) => h("li", { class: tone }, icon("warn"), h("span", {}, each.text, " ", h("code", { class: "muted" }, each.code)))));
  const tags = shown.runningTag && shown.runningTag !== shown.tag ? `${shown.runningTag} → ${shown.tag}` : shown.tag;
  const tile = (/** @type {string} */ name, /** @type {any[]} */ ...value) => h("div", {}, h("dt", {}, name), h("dd", {}, ...value));
  const url = shown.externalUrl ?? shown.internalUrl;
  fill(
    element("#tiles"),
    tile("Version", tags),
    tile("Ready", `${shown.ready} of ${shown.wanted}`),
    tile("Environment", shown.environment),
    tile("Integration", h("a", { href: toIntegration(shown.integration) }, shown.integration)),
    tile("Generation", `${shown.observedGeneration} of ${shown.generation}`),
    tile("Address", url ? link(url) : "–"),
  );
  instances();
  button("#pause").hidden = shown.phase === "paused";
  button("#resume").hidden = shown.phase !== "paused";
}

function instances() {
  const where = element("#instances");
  where.dataset.state = shown.instances.length ? "" : "nothing";
  const rows = shown.instances.map((/** @type {any} */ each) =>
    h(
      "tr",
      {},
      head(h("span", { class: "mono" }, each.name)),
      cell("Version", each.tag),
      cell("State", each.ready ? tag("Ready", "ok") : tag(each.phase, "warn")),
      number("Restarts", each.restarts),
      cell("Since", when(each.since)),
      cell("Reason", each.reason?.text ?? ""),
    ),
  );
  fill(element("tbody", where), ...rows);
}

/**
 * Change the deployment that is shown, unless it is another one by now.
 * @param {string} verb @param {any} [json] @param {string} [method]
 */
async function change(verb, json, method = "POST") {
  const { body, etag } = await current(self);
  if (body.generation !== shown.generation) {
    newer(body);
    throw new Refusal("Somebody else has changed this deployment a moment ago. Look at it, and do it again.");
  }
  newer((await ask(method, self + verb, { json, match: etag })).body);
}

/**
 * Show an answer, unless the stream was faster: the stream tells only what has changed, so it would not correct this.
 * @param {any} answer
 */
function newer(answer) {
  if (answer.generation <= shown.generation) return;
  shown = answer;
  draw();
}

function actions() {
  for (const each of ["#scale", "#pause", "#resume", "#restart", "#remove"]) {
    session.needs(button(each), "deployments.write", workspace);
  }
  session.needs(button("#roll"), "plans.read", workspace);
  pressed(button("#pause"), async () => {
    const text = "All instances end; settings, releases and what the flows keep stay.";
    if (await confirmed(`Pause ${shown.slug}?`, text, "Pause")) await change("/pause");
  });
  pressed(button("#resume"), () => change("/resume"));
  pressed(button("#restart"), () => change("/restart"));
  pressed(button("#remove"), async () => {
    const text = `${shown.slug} ends in ${shown.environment}. Its address is free afterwards; what its flows kept stays.`;
    if (await confirmed(`Remove ${shown.slug}?`, text, "Remove")) await change("", undefined, "DELETE");
  });
  scaling();
  rolling();
}

function scaling() {
  const where = closable(dialog("#scaling"));
  button("#scale").addEventListener("click", () => {
    input("[name=replicas]", where).value = shown.settings.replicas;
    where.showModal();
  });
  sent(form("form", where), async () => {
    await change("/scale", { replicas: input("[name=replicas]", where).valueAsNumber });
    where.close();
  });
}

function rolling() {
  const where = closable(dialog("#rolling"));
  const fields = form("form", where);
  pressed(button("#roll"), async () => {
    const versions = await all(at`/workspaces/${workspace}/integrations/${shown.integration}/versions`);
    const tags = versions.map((each) => ({ value: each.tag, text: each.tag === shown.tag ? `${each.tag} (now)` : each.tag }));
    choices(select("[name=tag]", where), tags);
    select("[name=tag]", where).value = shown.tag;
    settings.write(fields, shown.settings);
    where.showModal();
  });
  sent(fields, async ({ tag }) => {
    const json = { tag, settings: settings.read(fields) };
    const { body: plan } = await post(`${self}/plan`, json);
    confirm({
      title: `Roll ${shown.slug} in ${shown.environment}`,
      action: `Roll to ${tag}`,
      why: session.reason("deployments.write", workspace),
      plan,
      carry: async (plan) => {
        await change("/rollout", { ...json, plan: plan.digest });
        where.close();
      },
    });
  });
}

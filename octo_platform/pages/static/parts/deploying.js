// @ts-check
/** Deploys a version anew: where to, as what, how it runs; then the plan, then it begins. */

import { all, at, leave, post, Problem, Refusal } from "./api.js";
import { closable } from "./asking.js";
import { choices, dialog, fill, element, form, input, select } from "./dom.js";
import { confirm } from "./plan.js";
import { toDeployment, workspace } from "./place.js";
import { fail, sent } from "./say.js";
import * as session from "./session.js";
import * as settings from "./settings.js";

/** @param {unknown} error @returns {never} */
function explained(error) {
  if (error instanceof Problem && error.code === "exists") {
    throw new Refusal(`${error.message}. Open it and roll it to this version, or choose another name.`);
  }
  throw error;
}

/** @param {string} integration @returns {(tag?: string) => void} opens the dialog */
export function deploying(integration) {
  const where = closable(dialog("#deploying"));
  const fields = form("form", where);

  sent(fields, async ({ tag = "", environment = "", slug = "" }) => {
    if (!tag || !environment) throw new Refusal("Tag a version, and let an administrator create an environment first.");
    const json = { environment, integration, tag, slug, settings: settings.read(fields) };
    const { body: plan } = await post(at`/workspaces/${workspace}/plans`, json).catch(explained);
    confirm({
      title: `Deploy ${slug} to ${environment}`,
      action: `Deploy to ${environment}`,
      why: session.reason("deployments.write", workspace),
      plan,
      carry: async (plan) => {
        const { body } = await post(at`/workspaces/${workspace}/deployments`, { ...json, plan: plan.digest });
        await leave(toDeployment(body.id));
      },
    });
  });

  const open = async (/** @type {string | undefined} */ tag) => {
    const [versions, environments] = await Promise.all([
      all(at`/workspaces/${workspace}/integrations/${integration}/versions`),
      all(at`/workspaces/${workspace}/environments`),
    ]);
    choices(select("[name=tag]", where), versions.map((each) => ({ value: each.tag, text: each.tag })));
    choices(select("[name=environment]", where), environments.map((each) => ({ value: each.name, text: each.name })));
    if (tag) select("[name=tag]", where).value = tag;
    input("[name=slug]", where).value ||= integration;
    fill(element(".error", where));
    settings.write(fields, {});
    where.showModal();
  };
  return (tag) => void open(tag).catch(fail);
}

/** Values of blocks, sources, connectors, flows and variables: set and removed at any depth. */

import { connectorType, type Field, isComposite, type Kind, kindsAt } from "../catalogue";
import { type Block, type Flow, type FlowFile, type Named, RESERVED, type Source } from "../document";
import { blocksOf, connectorOf, type Integration } from "../integration";
import { get } from "../yaml/node";
import type { Value } from "../yaml/value";
import { assign, type Order, type Step, unset } from "./assign";
import { command, type Draft, type Outcome, Refusal, refuseRepeated } from "./draft";
import { NAMED, ofBlock, ofFlow, SOURCE, VARIABLE } from "./order";

/** What has settings. */
export type Configured = Block | Source | Named;

/** Set a setting: its name, and the keys and indices inside of its value. */
export function setSetting(integration: Integration, target: Configured, path: readonly Step[], value: Value): Outcome {
  return command(integration, (drafts) => {
    const draft = drafts.of(target.file);
    if (target.kind === "block") refuseRepeated(target);
    assignSetting(integration, draft, target, path, value);
    return [{ file: target.file, id: target.entry.id }];
  });
}

/** Remove a setting, or a part of its value. `settings:` without a setting goes, too. */
export function unsetSetting(integration: Integration, target: Configured, path: readonly Step[]): Outcome {
  return command(integration, (drafts) => {
    const draft = drafts.of(target.file);
    if (target.kind === "block") refuseRepeated(target);
    const written = target.settings.find((each) => each.name === path[0]);
    if (written?.isMerged) throw new Refusal(`\`${path[0]}\` comes from elsewhere, so it can only be overridden here.`);
    const isOnly = path.length === 1 && written?.isBelow && target.settings.filter((each) => each.isBelow).length === 1;
    const base = written?.isBelow ? ["settings"] : [];
    if (written) unset(draft, target.entry.id, isOnly ? base : [...base, ...path]);
    return [{ file: target.file, id: target.entry.id }];
  });
}

/** Set a key of the thing itself: `name`, `workers` of a flow, `connector` of a source, `default` of a variable. */
export function setKey(
  integration: Integration,
  target: Configured | Flow,
  path: readonly Step[],
  value: Value,
): Outcome {
  return command(integration, (drafts) => {
    const draft = drafts.of(target.file);
    const fields = keysOf(integration, target);
    const manner = { order: orderOf(integration, target), short: (at: readonly Step[]) => shortAt(fields, at) };
    assign(draft, target.entry.id, path, written(kindsAt(fields, path), value), manner);
    return [{ file: target.file, id: target.entry.id }];
  });
}

export function unsetKey(integration: Integration, target: Configured | Flow, path: readonly Step[]): Outcome {
  return command(integration, (drafts) => {
    unset(drafts.of(target.file), target.entry.id, path);
    return [{ file: target.file, id: target.entry.id }];
  });
}

/** The fields that the settings of something may have. */
export function fieldsOf(integration: Integration, target: Configured): readonly Field[] {
  const { catalogue } = integration;
  switch (target.kind) {
    case "block":
      return target.known?.fields ?? [];
    case "source":
      return sourceFields(integration, target);
    case "connector":
      return connectorType(catalogue, target.type)?.fields ?? [];
    case "processor":
      return catalogue.blocks.find((each) => each.type === target.type)?.fields ?? [];
    case "variable":
      return catalogue.env;
  }
}

function sourceFields(integration: Integration, source: Source): readonly Field[] {
  const { catalogue } = integration;
  const type = connectorOf(integration, source)?.type ?? (source.connector || source.type);
  const offers =
    connectorType(catalogue, type) ??
    catalogue.connectors.find((each) => each.sources.some((one) => one.type === source.type));
  return offers?.sources.find((each) => each.type === source.type)?.fields ?? [];
}

function keysOf(integration: Integration, target: Configured | Flow): readonly Field[] {
  if (target.kind === "flow") return integration.catalogue.flow;
  return target.kind === "variable" ? integration.catalogue.env : [];
}

function orderOf(integration: Integration, target: Configured | Flow): Order {
  switch (target.kind) {
    case "flow":
      return ofFlow(integration.catalogue);
    case "block":
      return ofBlock(target.known);
    case "source":
      return SOURCE;
    case "variable":
      return VARIABLE;
    default:
      return NAMED;
  }
}

export function assignSetting(
  integration: Integration,
  draft: Draft,
  target: Configured,
  path: readonly Step[],
  value: Value,
): void {
  const fields = fieldsOf(integration, target);
  const base = baseOf(integration, target, `${path[0]}`);
  const full = [...base, ...path];
  const order = orderOf(integration, target);
  const inner = base.length > 0 ? ["connector", ...fields.map((each) => each.name)] : [];
  const short = (at: readonly Step[]) => shortAt(fields, at.slice(base.length));
  const content = written(kindsAt(fields, path), value);
  assign(draft, target.entry.id, full, content, { order, inner, short });
}

/** Where a setting is, or goes: below `settings`, or beside `type`. */
function baseOf(integration: Integration, target: Configured, name: string): string[] {
  if (target.kind === "variable") return [];
  if (target.kind !== "block") return ["settings"];
  const written = target.settings.find((each) => each.name === name);
  const own = get(target.node, "settings");
  if (written?.isMerged && written.isBelow && own?.kind !== "mapping") {
    throw new Refusal("These settings are repeated from elsewhere. Change them there, or in the text.");
  }
  if (written) return written.isBelow ? ["settings"] : [];
  if (RESERVED.includes(name)) return ["settings"];
  return isBeside(integration, target, name) ? [] : ["settings"];
}

/** Whether a new setting is written beside `type`: as the others of the block are, else as in other blocks. */
function isBeside(integration: Integration, block: Block, name: string): boolean {
  const slots = (block.known?.slots ?? []).map((each) => each.split(/[.[]/)[0]);
  if (slots.includes(name)) return true;
  const others = block.settings.filter((each) => !slots.includes(each.name) && !each.isMerged);
  if (others.length > 0) return others.some((each) => !each.isBelow);
  return (block.known && isComposite(block.known)) || prefersBeside(integration.files.get(block.file));
}

/** Whether most blocks without chains have their settings beside `type`. */
export function prefersBeside(file: FlowFile | undefined): boolean {
  let balance = 0;
  for (const flow of file?.flows ?? []) {
    for (const block of blocksOf(flow)) {
      if (block.lanes.length > 0 || block.settings.length === 0) continue;
      balance += block.settings.some((each) => each.isBelow) ? -1 : 1;
    }
  }
  return balance > 0;
}

/** The field that a value at a path stands for if it is no mapping. */
export function shortAt(fields: readonly Field[], path: readonly Step[]): string | undefined {
  const kind = kindsAt(fields, path).find((each) => each.type === "object" && each.short !== undefined);
  return kind?.type === "object" ? kind.short : undefined;
}

/** An expression of several lines ends with one newline, so that it is a literal block without more ado. */
function written(kinds: readonly Kind[], value: Value): Value {
  const isExpression = kinds.some((each) => each.type === "expression");
  if (!isExpression || typeof value !== "string" || !value.trimEnd().includes("\n")) return value;
  return `${value.trimEnd()}\n`;
}

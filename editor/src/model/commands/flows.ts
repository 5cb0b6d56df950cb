/** Flows, and what stands in the other lists at the top: connectors, processors, variables. */

import type { Flow, Named } from "../document";
import type { Integration } from "../integration";
import { get, isCollection, pair } from "../yaml/node";
import { snippetOf, withoutAnchors } from "../yaml/snippet";
import type { Value } from "../yaml/value";
import { assign, indexFor, replace, unset } from "./assign";
import { command, type Draft, type Outcome, Refusal } from "./draft";
import { ofFlow, SECTIONS, SOURCE } from "./order";

export type Fields = { readonly [key: string]: Value };

const SECTION_OF = { flow: "flows", connector: "connectors", processor: "processors", variable: "env" } as const;

/** Add a flow to a file; the file may be new. fields: with its `name`. */
export function addFlow(integration: Integration, file: string, fields: Fields, index?: number): Outcome {
  return add(integration, file, "flow", inOrder({ process: [], ...fields }, ofFlow(integration.catalogue)), index);
}

export function addConnector(integration: Integration, file: string, fields: Fields): Outcome {
  return add(integration, file, "connector", fields);
}

export function addProcessor(integration: Integration, file: string, fields: Fields): Outcome {
  return add(integration, file, "processor", fields);
}

export function addVariable(integration: Integration, file: string, fields: Fields): Outcome {
  return add(integration, file, "variable", fields);
}

/** Remove a flow, a connector, a processor, or a variable. What refers to it stays as it is. */
export function removeItem(integration: Integration, item: Flow | Named): Outcome {
  return command(integration, (drafts) => {
    const draft = drafts.of(item.file);
    const { collection, index } = draft.place(item.entry.id);
    const next = collection.entries[index + 1] ?? collection.entries[index - 1];
    draft.remove(item.entry.id);
    return next ? [{ file: item.file, id: next.id }] : [];
  });
}

/** A copy of a flow behind it, under a new name. */
export function duplicateFlow(integration: Integration, flow: Flow, name: string): Outcome {
  return command(integration, (drafts) => {
    refuseTaken(integration, "flow", name);
    const draft = drafts.of(flow.file);
    const place = draft.place(flow.entry.id);
    if (!place.owner) throw new Refusal("This is no flow of a list.");
    const copy = withoutAnchors(snippetOf(draft.tree, place));
    const id = draft.insert(place.owner.entry.id, place.index + 1, copy, true);
    assign(draft, id, ["name"], name, { order: ofFlow(integration.catalogue) });
    return [{ file: flow.file, id }];
  });
}

/** Move a flow to a place among the flows of a file; the file may be another one. */
export function moveFlow(integration: Integration, flow: Flow, file: string, index: number): Outcome {
  return command(integration, (drafts) => {
    const [from, to] = [drafts.of(flow.file), drafts.of(file)];
    const snippet = snippetOf(from.tree, from.place(flow.entry.id));
    const list = listOf(to, "flows");
    const behind = itemIds(to, list)
      .slice(index)
      .find((each) => each !== flow.entry.id);
    from.remove(flow.entry.id);
    const left = itemIds(to, list);
    const id = to.insert(list, behind === undefined ? left.length : left.indexOf(behind), snippet, true);
    if (file === flow.file) to.keep(flow.entry.id, id);
    return [{ file, id }];
  });
}

/** Give a flow a source, in place of the one that it has. */
export function setSource(integration: Integration, flow: Flow, source: Fields): Outcome {
  return command(integration, (drafts) => {
    const draft = drafts.of(flow.file);
    assign(draft, flow.entry.id, ["source"], inOrder(source, SOURCE), { order: ofFlow(integration.catalogue) });
    return [{ file: flow.file, id: flow.entry.id }];
  });
}

/** Without a source a flow needs a name, so it keeps the one that it is called by. */
export function removeSource(integration: Integration, flow: Flow): Outcome {
  return command(integration, (drafts) => {
    const draft = drafts.of(flow.file);
    unset(draft, flow.entry.id, ["source"]);
    if (!flow.isNamed) assign(draft, flow.entry.id, ["name"], flow.name, { order: ofFlow(integration.catalogue) });
    return [{ file: flow.file, id: flow.entry.id }];
  });
}

/** Add an error chain to a flow. It has a block from the beginning: an empty one would hide every error. */
export function addErrorLane(integration: Integration, flow: Flow, blocks: readonly Value[] = TELL): Outcome {
  return command(integration, (drafts) => {
    const draft = drafts.of(flow.file);
    if (flow.error && flow.error.blocks.length > 0) throw new Refusal("The flow has an error lane.");
    assign(draft, flow.entry.id, ["error"], blocks, { order: ofFlow(integration.catalogue) });
    return [{ file: flow.file, id: flow.entry.id }];
  });
}

const TELL: readonly Value[] = [{ type: "log", settings: { level: "error", message: "vars.error.message" } }];

export function removeErrorLane(integration: Integration, flow: Flow): Outcome {
  return command(integration, (drafts) => {
    unset(drafts.of(flow.file), flow.entry.id, ["error"]);
    return [{ file: flow.file, id: flow.entry.id }];
  });
}

/** Set `name` or `environment` of the service. */
export function setService(integration: Integration, file: string, key: string, value: string): Outcome {
  return command(integration, (drafts) => {
    const draft = drafts.of(file);
    const section = pair(draft.tree.root, "service");
    if (section) assign(draft, section.id, [key], value, { order: ["name", "environment"] });
    else
      draft.insert(
        undefined,
        indexFor(draft.tree.root, "service", SECTIONS),
        { key: "service", value: { [key]: value } },
        true,
      );
    return [];
  });
}

/** A name that nothing else of its kind has: `http`, `http-2`. */
export function freeName(taken: Iterable<string>, wanted: string): string {
  const names = new Set(taken);
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? wanted : `${wanted}-${count}`;
    if (!names.has(name)) return name;
  }
}

// --- parts of commands -------------------------------------------------------------------------------------------

function add(
  integration: Integration,
  file: string,
  kind: keyof typeof SECTION_OF,
  fields: Fields,
  index?: number,
): Outcome {
  return command(integration, (drafts) => {
    if (typeof fields.name === "string") refuseTaken(integration, kind, fields.name);
    const draft = drafts.of(file);
    const list = listOf(draft, SECTION_OF[kind]);
    const count = itemIds(draft, list).length;
    const id = draft.insert(list, Math.min(index ?? count, count), { value: fields }, kind === "flow");
    return [{ file, id }];
  });
}

export function refuseTaken(integration: Integration, kind: keyof typeof SECTION_OF, name: string): void {
  const { flows, connectors, processors, env } = integration;
  const items: readonly { name: string }[] = {
    flow: flows,
    connector: connectors,
    processor: processors,
    variable: env,
  }[kind];
  if (items.some((each) => each.name === name)) throw new Refusal(`There is a ${kind} \`${name}\` already.`);
}

/** The entry of a list at the top; made if it is not there. */
function listOf(draft: Draft, section: string): number {
  const found = pair(draft.tree.root, section);
  if (!found)
    return draft.insert(undefined, indexFor(draft.tree.root, section, SECTIONS), { key: section, value: [] }, true);
  const node = get(draft.tree.root, section);
  if (node?.kind === "mapping" || node?.kind === "alias")
    throw new Refusal(`\`${section}\` is no list. Change the text.`);
  if (node?.kind === "scalar" && node.text.trim() !== "" && node.text !== "null" && node.text !== "~") {
    throw new Refusal(`\`${section}\` is no list. Change the text.`);
  }
  if (node?.kind === "scalar") replace(draft, found.id, []);
  return found.id;
}

function itemIds(draft: Draft, list: number): number[] {
  const node = draft.place(list).entry.value;
  return isCollection(node) ? node.entries.map((each) => each.id) : [];
}

function inOrder(fields: Fields, order: readonly string[]): Fields {
  const rank = (key: string) => (order.includes(key) ? order.indexOf(key) : order.length);
  return Object.fromEntries(Object.entries(fields).sort(([a], [b]) => rank(a) - rank(b)));
}

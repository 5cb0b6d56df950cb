/** Rename with all that refers to the name. Expressions are not touched: in them a name may mean anything. */

import type { Block, Flow, Named } from "../document";
import type { Integration } from "../integration";
import { type Reference, referencesTo } from "../references";
import type { Edit } from "../text";
import { valueEdits } from "../yaml/edit";
import { layoutOf } from "../yaml/layout";
import { pair } from "../yaml/node";
import { placeOf } from "../yaml/place";
import { textOf } from "../yaml/write";
import { assign } from "./assign";
import { command, type Draft, type Outcome, Refusal, refuseRepeated } from "./draft";
import { refuseTaken } from "./flows";
import { NAMED, ofBlock, ofFlow, VARIABLE } from "./order";

/** Rename a flow, a connector, a processor or a variable, in all files. */
export function rename(integration: Integration, item: Flow | Named, name: string): Outcome {
  return command(integration, (drafts) => {
    if (name.trim() === "") throw new Refusal("A name has at least one character.");
    if (name === item.name && (item.kind !== "flow" || item.isNamed)) return [{ file: item.file, id: item.entry.id }];
    if (name !== item.name) refuseTaken(integration, item.kind, name);
    const found = referencesTo(integration, item);
    for (const file of new Set(found.map((each) => each.file))) {
      renameIn(
        drafts.of(file),
        found.filter((each) => each.file === file),
        item,
        name,
      );
    }
    const order = item.kind === "flow" ? ofFlow(integration.catalogue) : item.kind === "variable" ? VARIABLE : NAMED;
    assign(drafts.of(item.file), item.entry.id, ["name"], name, { order });
    return [{ file: item.file, id: item.entry.id }];
  });
}

/** Give a block a name, or with "" none. */
export function renameBlock(integration: Integration, block: Block, name: string): Outcome {
  return command(integration, (drafts) => {
    const draft = drafts.of(block.file);
    refuseRepeated(block);
    const entry = pair(block.node, "name");
    if (name) assign(draft, block.entry.id, ["name"], name, { order: ofBlock(block.known) });
    else if (entry) draft.remove(entry.id);
    return [{ file: block.file, id: block.entry.id }];
  });
}

function renameIn(draft: Draft, found: readonly Reference[], item: Flow | Named, name: string): void {
  const nodes = new Set(found.map((each) => each.node));
  const edits = [...nodes].flatMap((node): Edit[] => {
    if (item.kind === "variable") return variableEdits(draft, node, item.name, name);
    const entry = draft.tree.path(draft.tree.inner(node)).at(-1);
    const place = entry?.value === node ? placeOf(draft.tree, entry) : undefined;
    if (place) return valueEdits(draft.tree, place, name);
    const { head } = textOf(name, layoutOf(draft.tree), { style: node.style });
    return [{ from: draft.tree.inner(node), to: draft.tree.to(node), insert: head }];
  });
  draft.edit(edits);
}

/** The name in each `${NAME}` of a text, wherever that is written. */
function variableEdits(draft: Draft, node: Reference["node"], old: string, name: string): Edit[] {
  const from = draft.tree.inner(node);
  const source = draft.tree.text.slice(from, draft.tree.to(node));
  const pattern = new RegExp(`(?<!\\$)\\$\\{${old}(?=\\}|:-)`, "g");
  return [...source.matchAll(pattern)].map((each) => {
    const at = from + each.index + 2;
    return { from: at, to: at + old.length, insert: name };
  });
}

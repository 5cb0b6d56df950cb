/** Lanes of lists: cases, branches, tools. They are added, removed and moved; what they say is a setting of the block. */

import type { Block, Lane } from "../document";
import type { Integration } from "../integration";
import { isCollection } from "../yaml/node";
import { snippetOf } from "../yaml/snippet";
import type { Value } from "../yaml/value";
import { command, type Drafts, type Outcome, Refusal, refuseRepeated } from "./draft";
import { assignSetting } from "./fields";

/**
 * Add a lane to a list such as `cases`. slot: where the catalogue has it, `cases[].process`.
 *
 * fields: what it says besides its chain, e.g. `{when: "body.ok"}`. key: its name, if the slot is a mapping of lanes.
 * index: its place in the list.
 */
export function addLane(
  integration: Integration,
  block: Block,
  slot: string,
  fields: { readonly [key: string]: Value },
  index = block.lanes.filter((each) => each.slot === slot && each.item).length,
  key?: string,
): Outcome {
  const [list = "", rest = ""] = slot.split("[]");
  const inside = rest.replace(/^\./, "");
  const value: Value = { ...fields, [inside || "process"]: [] };
  return command(integration, (drafts) => {
    const draft = drafts.of(block.file);
    refuseRepeated(block);
    const written = block.settings.find((each) => each.name === list);
    if (key !== undefined) assignSetting(integration, draft, block, [list, key], value);
    else if (!written || !isCollection(written.node) || written.node.entries.length === 0) {
      assignSetting(integration, draft, block, [list], [value]);
    } else if (written.isMerged || written.entry.value !== written.node) {
      throw new Refusal(`\`${list}\` is repeated from elsewhere. Change it there.`);
    } else {
      const id = draft.insert(written.entry.id, index, { value });
      return [{ file: block.file, id }];
    }
    return [{ file: block.file, id: block.entry.id }];
  });
}

/** Remove a lane of a list with its blocks; of any other lane, what is written. */
export function removeLane(integration: Integration, lane: Lane): Outcome {
  return command(integration, (drafts) => {
    const found = lane.item ?? lane.entry;
    const isHere = !lane.isRepeated || lane.item?.value.kind === "alias";
    if (!isHere) throw new Refusal("This lane is repeated from elsewhere.");
    if (found) drafts.of(lane.file).remove(found.id);
    return [{ file: lane.file, id: lane.owner.id }];
  });
}

/** Move a lane within its list. index: its place afterwards. */
export function moveLane(integration: Integration, lane: Lane, index: number): Outcome {
  return command(integration, (drafts) => {
    if (!lane.item || lane.isRepeated) throw new Refusal("This lane has its place.");
    return [{ file: lane.file, id: moveItem(drafts, lane.file, lane.item.id, index) }];
  });
}

/** Move an item within its list. index: its place afterwards. */
export function moveItem(drafts: Drafts, file: string, id: number, index: number): number {
  const draft = drafts.of(file);
  const { owner, collection, index: now } = draft.place(id);
  const count = collection.entries.length;
  const place = Math.max(0, Math.min(index, count - 1));
  if (!owner || collection.kind !== "sequence" || place === now) return id;
  const snippet = snippetOf(draft.tree, draft.place(id));
  draft.remove(id);
  const fresh = draft.insert(owner.entry.id, place, snippet);
  draft.keep(id, fresh);
  return fresh;
}

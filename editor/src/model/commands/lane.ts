/** The list that the blocks of a lane are written in; made if it is not there. */

import { type Block, type Flow, isNothing, type Lane } from "../document";
import { blocksOf, type Integration } from "../integration";
import { pair } from "../yaml/node";
import { entryOf } from "../yaml/place";
import { assign, ownValue, type Step } from "./assign";
import { type Draft, Refusal } from "./draft";
import { shortAt } from "./fields";
import { ofBlock, ofFlow } from "./order";

/** The entry whose value is the list of the lane. */
export function listOf(integration: Integration, draft: Draft, lane: Lane): number {
  if (lane.isRepeated) throw new Refusal("This lane is repeated from elsewhere. Change it there, or in the text.");
  const { node, entry, chain } = lane;
  const wrong = chain ?? (node?.kind === "mapping" ? pair(node, "process")?.value : node);
  if (wrong?.kind === "scalar" && !isNothing(wrong)) {
    throw new Refusal(`\`${lane.slot}\` is no list of blocks. Change the text.`);
  }
  const owner = node?.kind === "mapping" ? pair(node, "process") : entry;
  if (owner && (chain || owner !== entry)) {
    ownValue(draft, owner.id);
    return owner.id;
  }
  const path = pathFor(integration, lane);
  const fields = ownerOf(integration, lane)?.known?.fields ?? [];
  const short = (at: readonly Step[]) => shortAt(fields, at[0] === "settings" ? at.slice(1) : at);
  assign(draft, lane.owner.id, path, [], { order: orderFor(integration, lane), short });
  return path.reduce<number>((id, step) => inside(draft, id, step), lane.owner.id);
}

function inside(draft: Draft, id: number, step: Step): number {
  const node = ownValue(draft, id);
  const entry = "entries" in node ? entryOf(node, step) : undefined;
  if (!entry) throw new Refusal("The text around this place is not as it should be. Change the text itself.");
  return entry.id;
}

/** Where the list goes, from the entry of the flow or block: straight below the key, or below `process`. */
function pathFor(integration: Integration, lane: Lane): Step[] {
  const block = ownerOf(integration, lane);
  const isNested = lane.node?.kind === "mapping" || !isBare(lane, block);
  const written = block?.settings.find((each) => each.name === lane.path[0]);
  const base = written?.isBelow ? ["settings"] : [];
  return [...base, ...lane.path, ...(isNested ? ["process"] : [])];
}

/** Whether the list of a lane stands straight below its key. Of several chains beside each other each has `process:`. */
function isBare({ slot }: Lane, block: Block | undefined): boolean {
  if (slot.endsWith("process") || slot === "error") return true;
  return !slot.endsWith("[]") && block?.known?.slots.length === 1;
}

function orderFor(integration: Integration, lane: Lane) {
  const block = ownerOf(integration, lane);
  return block ? ofBlock(block.known) : ofFlow(integration.catalogue);
}

/** The block that has the lane; undefined for a lane of a flow. */
export function ownerOf(integration: Integration, lane: Lane): Block | undefined {
  for (const flow of flowsIn(integration, lane.file)) {
    for (const block of blocksOf(flow)) if (block.entry === lane.owner) return block;
  }
  return undefined;
}

function flowsIn(integration: Integration, file: string): readonly Flow[] {
  return integration.files.get(file)?.flows ?? [];
}

/** Blocks of chains: insert, move, remove, duplicate, copy, paste. */

import { blockType } from "../catalogue";
import { type Block, type Lane, textOf } from "../document";
import { blocksIn, type Integration } from "../integration";
import { layoutOf } from "../yaml/layout";
import { get, isCollection } from "../yaml/node";
import { type Place, pathOf, placeOf } from "../yaml/place";
import { type Snippet, snippetOf, snippetsOf, withoutAnchors } from "../yaml/snippet";
import { Tree } from "../yaml/tree";
import type { Value } from "../yaml/value";
import { itemLines } from "../yaml/write";
import { command, type Draft, type Drafts, type Outcome, Refusal, refuseRepeated, type Selected } from "./draft";
import { listOf } from "./lane";

/** Insert a new block. index: its place among the blocks of the lane. */
export function insertBlock(integration: Integration, lane: Lane, index: number, block: Value): Outcome {
  return command(integration, (drafts) => {
    const lines = itemLines(block, 0, layoutOf(drafts.of(lane.file).tree));
    return inserted(drafts, lane, index, [{ lines }]);
  });
}

/** Insert blocks from a text: what `copied` gives, one block, or the chain of one flow. */
export function pasteBlocks(integration: Integration, lane: Lane, index: number, text: string): Outcome {
  return command(integration, (drafts) => inserted(drafts, lane, index, blocksOfText(text)));
}

/** The blocks as text, a list of its own. */
export function copied(integration: Integration, blocks: readonly Block[]): string {
  const lines = outermost(integration, blocks).flatMap((block) => {
    const { tree } = integration.files.get(block.file) as { tree: Tree };
    const place = placeOf(tree, block.entry);
    return place ? snippetOf(tree, place).lines : [];
  });
  return lines.map((each) => `${each}\n`).join("");
}

/** Remove blocks, with all that is in them. */
export function removeBlocks(integration: Integration, blocks: readonly Block[]): Outcome {
  return command(integration, (drafts) => {
    const found = outermost(integration, blocks);
    const next = neighbour(drafts, found);
    for (const each of found) removed(drafts, each);
    return next.filter((each) => drafts.of(each.file).tree.find(each.id));
  });
}

/**
 * Move blocks to a place of a lane, in the order in which they stand.
 *
 * index: the place among the blocks that the lane has now.
 */
export function moveBlocks(integration: Integration, blocks: readonly Block[], lane: Lane, index: number): Outcome {
  return command(integration, (drafts) => {
    const found = outermost(integration, blocks);
    const reason = refusal(lane, found);
    if (reason) throw new Refusal(reason);
    if (isThere(found, lane, index)) return found.map(({ file, entry }) => ({ file, id: entry.id }));
    const behind = lane.blocks.slice(index).find((each) => !found.includes(each));
    const target = drafts.of(lane.file);
    const list = listOf(integration, target, lane);
    const moving = found.map((block) => ({ block, snippet: snippetIn(drafts, block) }));
    for (const { block } of moving) removed(drafts, block, list);
    return moving.map(({ block, snippet }): Selected => {
      const entries = itemsOf(target, list);
      const before = entries.findIndex((each) => each.id === behind?.entry.id);
      const id = target.insert(list, before < 0 ? entries.length : before, snippet);
      if (block.file === lane.file) target.keep(block.entry.id, id);
      return { file: lane.file, id };
    });
  });
}

/** Whether blocks stand one behind the other in their place already. */
function isThere(blocks: readonly Block[], lane: Lane, index: number): boolean {
  const places = blocks.map((each) => lane.blocks.indexOf(each));
  const first = places[0] ?? -1;
  const isOne = first >= 0 && places.every((each, offset) => each === first + offset);
  return isOne && index >= first && index <= first + places.length;
}

/** Put a copy of the blocks behind the last one of them in each chain. */
export function duplicateBlocks(integration: Integration, blocks: readonly Block[]): Outcome {
  return command(integration, (drafts) => {
    const found = outermost(integration, blocks);
    const copies = found.map((block) => ({ block, snippet: withoutAnchors(snippetIn(drafts, block)) }));
    const lasts = new Map<number, number>(); // by list: behind which item the next copy comes
    for (const { block } of copies) lasts.set(listIdOf(drafts, block), block.entry.id);
    return copies.map(({ block, snippet }): Selected => {
      const draft = drafts.of(block.file);
      const list = listIdOf(drafts, block);
      const index = itemsOf(draft, list).findIndex((each) => each.id === lasts.get(list)) + 1;
      const id = draft.insert(list, index, snippet);
      lasts.set(list, id);
      return { file: block.file, id };
    });
  });
}

/** Why a lane may not take blocks; undefined if it may. */
export function refusal(lane: Lane, blocks: readonly Block[]): string | undefined {
  if (lane.isRepeated) return "This lane is repeated from elsewhere.";
  const inside = blocks.find((block) => block.lanes.some((each) => isIn(each, lane)));
  if (inside) return `"${inside.label}" cannot stand inside itself.`;
  const tail = blocks.find((each) => each.known?.tail);
  return tail && !isRoot(lane) ? takesTail(tail.label) : undefined;
}

function isRoot(lane: Lane): boolean {
  return lane.of === "flow" && lane.slot === "process";
}

export function takesTail(label: string): string {
  return `"${label}" takes the rest of a flow, so it stands directly in the flow.`;
}

function isIn(outer: Lane, lane: Lane): boolean {
  if (outer.key === lane.key) return true;
  return outer.blocks.some((block) => block.lanes.some((each) => isIn(each, lane)));
}

/** Those that are in no other one, in reading order. */
export function outermost(integration: Integration, blocks: readonly Block[]): Block[] {
  const inner = new Set(
    blocks.flatMap((each) => each.lanes.flatMap((lane) => [...blocksIn(lane)])).map((each) => each.key),
  );
  const files = [...integration.files.keys()];
  const at = (block: Block) => integration.files.get(block.file)?.tree.from(block.entry) ?? 0;
  const rank = (block: Block) => files.indexOf(block.file);
  return blocks.filter((each) => !inner.has(each.key)).sort((a, b) => rank(a) - rank(b) || at(a) - at(b));
}

/** The blocks of a text, each on its own. */
export function blocksOfText(text: string): Snippet[] {
  const tree = Tree.parse(text);
  const { root } = tree;
  if (tree.problems.length > 0) throw new Refusal("The text cannot be read as YAML.");
  const chain = get(root, "process") ?? flowChain(root);
  if (chain?.kind === "sequence") {
    const place = (entry: (typeof chain.entries)[number], index: number): Place => {
      return placeOf(tree, entry) ?? { entry, collection: chain, index, owner: undefined };
    };
    return chain.entries.map((each, index) => withoutAnchors(snippetOf(tree, place(each, index))));
  }
  if (get(root, "type") ?? get(root, "ref")) return [single(text)];
  const snippets = root.kind === "sequence" ? snippetsOf(text) : [];
  const items = root.kind === "sequence" ? root.entries : [];
  const areBlocks = items.every(({ value }) => value.kind === "alias" || (get(value, "type") ?? get(value, "ref")));
  if (snippets.length === 0 || !areBlocks)
    throw new Refusal("The text has no blocks: a block is a mapping with `type`.");
  return snippets.map(withoutAnchors);
}

function flowChain(root: Tree["root"]) {
  const flows = get(root, "flows");
  const only = flows?.kind === "sequence" && flows.entries.length === 1 ? flows.entries[0]?.value : undefined;
  return get(only, "process");
}

function single(text: string): Snippet {
  const [first = "", ...rest] = text.trimEnd().split(/\r?\n/);
  return withoutAnchors({ lines: [`- ${first}`, ...rest.map((each) => (each ? `  ${each}` : each))] });
}

// --- parts of commands -------------------------------------------------------------------------------------------

export function inserted(drafts: Drafts, lane: Lane, index: number, snippets: readonly Snippet[]): Selected[] {
  const { catalogue } = drafts.integration;
  for (const each of snippets) {
    const type = typeOf(each);
    if (blockType(catalogue, type)?.tail && !isRoot(lane)) throw new Refusal(takesTail(type));
  }
  const draft = drafts.of(lane.file);
  const list = listOf(drafts.integration, draft, lane);
  return snippets.map((snippet, offset) => ({ file: lane.file, id: draft.insert(list, index + offset, snippet) }));
}

function typeOf({ lines }: Snippet): string {
  const tree = Tree.parse(lines.join("\n"));
  const item = tree.root.kind === "sequence" ? tree.root.entries[0]?.value : undefined;
  return textOf(tree, get(item, "type")) ?? "";
}

function snippetIn(drafts: Drafts, block: Block): Snippet {
  const draft = drafts.of(block.file);
  refuseRepeated(block);
  return snippetOf(draft.tree, draft.place(block.entry.id));
}

/** The entry whose value is the list that has the block. */
function listIdOf(drafts: Drafts, block: Block): number {
  const { owner } = drafts.of(block.file).place(block.entry.id);
  if (!owner) throw new Refusal("This is no block of a flow.");
  return owner.entry.id;
}

export function itemsOf(draft: Draft, list: number) {
  const node = draft.place(list).entry.value;
  return isCollection(node) ? node.entries : [];
}

/** list: one that stays, even if it is empty. */
function removed(drafts: Drafts, block: Block, list?: number): void {
  refuseRepeated(block);
  const draft = drafts.of(block.file);
  const place = draft.place(block.entry.id);
  const { owner } = place;
  const isLast = place.collection.entries.length === 1;
  // An empty error chain would hide every error, so a flow has none then.
  if (isLast && owner && owner.entry.id !== list && isErrorOfFlow(owner)) draft.remove(owner.entry.id, true);
  else draft.remove(block.entry.id);
}

function isErrorOfFlow(place: Place): boolean {
  const path = pathOf(place);
  return path.length === 3 && path[0] === "flows" && path[2] === "error";
}

/** What is selected when these are gone: the block behind the last, else the one before the first, else what has them. */
function neighbour(drafts: Drafts, blocks: readonly Block[]): Selected[] {
  const [first, last] = [blocks[0], blocks.at(-1)];
  if (!first || !last) return [];
  const gone = new Set(blocks.map((each) => each.entry.id));
  const place = drafts.of(last.file).place(last.entry.id);
  const { entries } = place.collection;
  const behind = entries.slice(place.index + 1).find((each) => !gone.has(each.id));
  const before = entries.slice(0, place.index).findLast((each) => !gone.has(each.id));
  const owner = place.owner ? [holder(place.owner)] : [];
  const found = behind ?? before;
  return found ? [{ file: last.file, id: found.id }] : owner.map((each) => ({ file: last.file, id: each.entry.id }));
}

/** The item of a list that a place is in: a block or a flow. */
function holder(place: Place): Place {
  let found = place;
  while (found.owner && found.collection.kind !== "sequence") found = found.owner;
  return found;
}

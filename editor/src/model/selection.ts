/** What is selected, and where the keys lead from there: in reading order, which is that of the text. */

import type { Spot } from "./commands/draft";
import type { Block, Flow, Lane } from "./document";
import { type Integration, lanesOfFlow } from "./integration";

/** Keys of flows, lanes and blocks. */
export interface Selection {
  /** Several only if all are blocks. */
  readonly keys: readonly string[];
  /** Where a selection with the shift key began. */
  readonly anchor: string | undefined;
  /** The one that has the focus. */
  readonly focus: string | undefined;
}

export const NOTHING: Selection = { keys: [], anchor: undefined, focus: undefined };

export type Thing = Flow | Lane | Block;

/** A flow, lane or block, and where it is. */
export interface Located {
  readonly thing: Thing;
  readonly flow: Flow;
  /** The lane that a block stands in, or the block whose lane it is. */
  readonly parent: Located | undefined;
  /** The place of a block in its lane, of a lane among those of its block or flow. */
  readonly index: number;
}

export function only(key: string): Selection {
  return { keys: [key], anchor: key, focus: key };
}

const known = new WeakMap<Integration, Map<string, Located>>();

/** All flows, lanes and blocks by their keys, in reading order. */
export function located(integration: Integration): ReadonlyMap<string, Located> {
  const found = known.get(integration) ?? new Map<string, Located>();
  if (!known.has(integration)) {
    for (const flow of integration.flows) visitFlow(flow, found);
    known.set(integration, found);
  }
  return found;
}

function visitFlow(flow: Flow, found: Map<string, Located>): void {
  const place: Located = { thing: flow, flow, parent: undefined, index: 0 };
  found.set(flow.key, place);
  for (const [index, lane] of lanesOfFlow(flow).entries()) visitLane(lane, place, index, found);
}

function visitLane(lane: Lane, parent: Located, index: number, found: Map<string, Located>): void {
  const place = { thing: lane, flow: parent.flow, parent, index };
  found.set(lane.key, place);
  for (const [at, block] of lane.blocks.entries()) {
    const inner = { thing: block, flow: parent.flow, parent: place, index: at };
    found.set(block.key, inner);
    for (const [number, each] of block.lanes.entries()) visitLane(each, inner, number, found);
  }
}

/** The selected blocks. */
export function selectedBlocks(integration: Integration, { keys }: Selection): Block[] {
  const all = located(integration);
  return keys.flatMap((key) => {
    const thing = all.get(key)?.thing;
    return thing?.kind === "block" ? [thing] : [];
  });
}

/** What a command says is selected afterwards. */
export function selectionAt(integration: Integration, spots: readonly Spot[]): Selection {
  const keys = spots.flatMap(({ file, at }) => {
    const entry = integration.files.get(file)?.tree.entryAt(at);
    return entry && located(integration).has(`${entry.id}`) ? [`${entry.id}`] : [];
  });
  return { keys, anchor: keys[0], focus: keys.at(-1) };
}

/** The places of what is selected, for the history. */
export function spotsOf(integration: Integration, { keys }: Selection): Spot[] {
  const all = located(integration);
  return keys.flatMap((key) => {
    const thing = all.get(key)?.thing;
    const entry = thing?.kind === "lane" ? thing.item : thing?.entry;
    const tree = thing && integration.files.get(thing.file)?.tree;
    return thing && entry && tree?.has(entry) ? [{ file: thing.file, at: tree.from(entry) }] : [];
  });
}

/** Without what is no longer there. */
export function still(integration: Integration, selection: Selection): Selection {
  const all = located(integration);
  const keys = selection.keys.filter((each) => all.has(each));
  const there = (key: string | undefined) => (key !== undefined && all.has(key) ? key : keys.at(-1));
  return { keys, anchor: there(selection.anchor), focus: there(selection.focus) };
}

/** The innermost flow or block at an offset of a file. */
export function thingAt(integration: Integration, file: string, offset: number): Flow | Block | undefined {
  const tree = integration.files.get(file)?.tree;
  const all = located(integration);
  const found = tree?.path(offset).findLast((each) => isFlowOrBlock(all.get(`${each.id}`)?.thing));
  const thing = found && all.get(`${found.id}`)?.thing;
  return isFlowOrBlock(thing) ? thing : undefined;
}

function isFlowOrBlock(thing: Thing | undefined): thing is Flow | Block {
  return thing?.kind === "flow" || thing?.kind === "block";
}

// --- where keys lead ---------------------------------------------------------------------------------------------

/** folded: the keys of flows and blocks whose inside is not shown. */
export type Folded = ReadonlySet<string>;

/** Flows and blocks that are shown, in reading order. */
export function shown(integration: Integration, folded: Folded = new Set()): string[] {
  return [...located(integration)].flatMap(([key, { thing, parent }]) =>
    isFlowOrBlock(thing) && !isFolded(parent, folded) ? [key] : [],
  );
}

function isFolded(place: Located | undefined, folded: Folded): boolean {
  if (!place) return false;
  return folded.has(place.thing.key) || isFolded(place.parent, folded);
}

/** The flow or block before or after, in reading order; the same at the ends. */
export function stepped(integration: Integration, key: string, by: -1 | 1, folded?: Folded): string {
  const keys = shown(integration, folded);
  return keys[keys.indexOf(key) + by] ?? key;
}

/** More or less selected: what is between the anchor and the next or previous block. */
export function extended(integration: Integration, selection: Selection, by: -1 | 1, folded?: Folded): Selection {
  const { focus, anchor } = selection;
  if (focus === undefined || anchor === undefined) return selection;
  return selectedTo(integration, selection, stepped(integration, focus, by, folded), folded);
}

/** All blocks from the anchor to this one. */
export function selectedTo(integration: Integration, selection: Selection, key: string, folded?: Folded): Selection {
  const anchor = selection.anchor ?? key;
  const keys = shown(integration, folded).filter((each) => located(integration).get(each)?.thing.kind === "block");
  const [from, to] = [keys.indexOf(anchor), keys.indexOf(key)];
  if (from < 0 || to < 0) return { keys: [key], anchor: key, focus: key };
  return { keys: keys.slice(Math.min(from, to), Math.max(from, to) + 1), anchor, focus: key };
}

/** One more block selected, or one less. */
export function toggled(selection: Selection, key: string): Selection {
  const { keys } = selection;
  if (!keys.includes(key)) return { keys: [...keys, key], anchor: key, focus: key };
  const rest = keys.filter((each) => each !== key);
  return { keys: rest, anchor: rest.at(-1), focus: rest.at(-1) };
}

/** What has the block: the block around its lane, or the flow. */
export function parentOf(integration: Integration, key: string): string | undefined {
  let place = located(integration).get(key)?.parent;
  while (place?.thing.kind === "lane") place = place.parent;
  return place?.thing.key;
}

/** The first block inside of a block or flow. */
export function childOf(integration: Integration, key: string): string | undefined {
  const thing = located(integration).get(key)?.thing;
  const lanes = thing?.kind === "flow" ? lanesOfFlow(thing) : thing?.kind === "block" ? thing.lanes : [];
  return lanes.find((each) => each.blocks.length > 0)?.blocks[0]?.key;
}

/** The lane that a block stands in. */
export function laneOf(integration: Integration, key: string): Lane | undefined {
  const thing = located(integration).get(key)?.parent?.thing;
  return thing?.kind === "lane" ? thing : undefined;
}

/** The lane beside the one that a block stands in: of the same block or flow, round and round. */
export function laneBeside(integration: Integration, key: string, by: -1 | 1): Lane | undefined {
  const lane = laneOf(integration, key);
  const owner = lane && located(integration).get(lane.key)?.parent?.thing;
  const lanes = owner?.kind === "flow" ? lanesOfFlow(owner) : owner?.kind === "block" ? owner.lanes : [];
  const index = lanes.findIndex((each) => each.key === lane?.key);
  return lanes[(index + by + lanes.length) % lanes.length];
}

/** Where blocks go when they are moved with the keys; undefined if there is no way on. */
export function moveTarget(
  integration: Integration,
  blocks: readonly Block[],
  way: "up" | "down" | "left" | "right",
): { lane: Lane; index: number } | undefined {
  const all = located(integration);
  const places = blocks.flatMap((each) => all.get(each.key) ?? []);
  const lane = places[0]?.parent?.thing;
  if (lane?.kind !== "lane") return undefined;
  if (way === "left" || way === "right") return besides(integration, blocks, lane, way);
  const indices = places.filter((each) => each.parent?.thing === lane).map((each) => each.index);
  const index = way === "up" ? Math.min(...indices) - 1 : Math.max(...indices) + 2;
  if (index >= 0 && index <= lane.blocks.length) return { lane, index };
  return outside(all, lane, way);
}

function besides(integration: Integration, [first]: readonly Block[], lane: Lane, way: "left" | "right") {
  const beside = first && laneBeside(integration, first.key, way === "left" ? -1 : 1);
  return beside && beside !== lane ? { lane: beside, index: beside.blocks.length } : undefined;
}

/** At the end of a lane the way leads out of its block. */
function outside(all: ReadonlyMap<string, Located>, lane: Lane, way: "up" | "down") {
  const owner = all.get(lane.key)?.parent;
  const outer = owner?.parent?.thing;
  if (owner?.thing.kind !== "block" || outer?.kind !== "lane") return undefined;
  return { lane: outer, index: way === "up" ? owner.index : owner.index + 1 };
}

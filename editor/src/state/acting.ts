/** What keys, menus and the mouse do to the chosen blocks. */

import { type Block, blocksIn, blocksOf, type Integration, type Lane, lanesOfFlow } from "../model";
import { copied, duplicateBlocks, insertBlock, moveBlocks, pasteBlocks, removeBlocks } from "../model/commands/chains";
import type { Editor } from "./editor";

/** The chosen blocks in reading order. */
export function chosenBlocks(editor: Editor): Block[] {
  const { keys } = editor.selection.get();
  return editor.integration.get().flows.flatMap((flow) => [...blocksOf(flow)].filter((each) => keys.has(each.key)));
}

/** A lane with its key, and a block with the lane that it is in. */
export function laneOf(integration: Integration, key: string): Lane | undefined {
  return [...allLanes(integration)].find((each) => each.key === key);
}

export interface Spot {
  readonly lane: Lane;
  readonly index: number;
}

export function spotOf(integration: Integration, key: string): Spot | undefined {
  for (const lane of allLanes(integration)) {
    const index = lane.blocks.findIndex((each) => each.key === key);
    if (index >= 0) return { lane, index };
  }
  return undefined;
}

function* allLanes(integration: Integration): Generator<Lane> {
  for (const flow of integration.flows) {
    for (const root of lanesOfFlow(flow)) {
      yield root;
      for (const block of blocksIn(root)) yield* block.lanes;
    }
  }
}

/** Where a new block goes: behind the chosen one; at the end of a chosen flow; else at the end of the first flow. */
export function spotBehind(editor: Editor): Spot | undefined {
  const integration = editor.integration.get();
  const { last } = editor.selection.get();
  const spot = last === null ? undefined : spotOf(integration, last);
  if (spot) return { lane: spot.lane, index: spot.index + 1 };
  const chosen = integration.flows.find((each) => each.key === last);
  const fed = integration.flows.find((each) => each.source?.key === last);
  if (fed) return { lane: fed.process, index: 0 };
  const lane = (chosen ?? integration.flows[0])?.process;
  return lane && { lane, index: lane.blocks.length };
}

/** Add a block of a type, with what it cannot do without. */
export function add(editor: Editor, type: string, spot = spotBehind(editor)): boolean {
  if (!spot) {
    editor.notice.set("There is no flow yet that could take a block.");
    return false;
  }
  return editor.perform(
    insertBlock(editor.integration.get(), spot.lane, spot.index, fresh(editor.integration.get(), type)),
  );
}

/** A new block: its type, and its required lanes, empty. */
function fresh({ catalogue }: Integration, type: string) {
  const known = catalogue.blocks.find((each) => each.type === type);
  const slots = known?.slots ?? [];
  const needs = (name: string) => known?.fields.find((each) => each.name === name)?.required ?? false;
  const lanes = slots.flatMap((slot): [string, unknown][] => {
    const [name = "", rest] = slot.split("[]");
    if (!needs(name)) return [];
    if (rest === undefined) return [[name, []]];
    return [[name, [rest === "" ? { process: [] } : { ...condition(known, name), process: [] }]]];
  });
  return { type, ...(Object.fromEntries(lanes) as Record<string, never>) };
}

/** What an item of a list of lanes cannot do without: `when` of a case, `name` of a tool. */
function condition(known: Integration["catalogue"]["blocks"][number] | undefined, name: string) {
  const field = known?.fields.find((each) => each.name === name);
  const item = field?.type === "list" && field.items.type === "object" ? field.items : undefined;
  const required = item?.fields.filter((each) => each.required && each.type !== "steps") ?? [];
  return Object.fromEntries(required.map((each) => [each.name, each.type === "expression" ? "true" : each.name]));
}

export function remove(editor: Editor): void {
  editor.perform(removeBlocks(editor.integration.get(), chosenBlocks(editor)));
}

export function duplicate(editor: Editor): void {
  editor.perform(duplicateBlocks(editor.integration.get(), chosenBlocks(editor)));
}

/** The chosen blocks as text; "" if none is chosen. */
export function copyText(editor: Editor): string {
  const blocks = chosenBlocks(editor);
  return blocks.length === 0 ? "" : copied(editor.integration.get(), blocks);
}

export function paste(editor: Editor, text: string): void {
  const spot = spotBehind(editor);
  if (spot) editor.perform(pasteBlocks(editor.integration.get(), spot.lane, spot.index, text));
}

/** Move the chosen blocks within their lane. step: -1 before the one before, 1 behind the one after. */
export function moveBy(editor: Editor, step: 1 | -1): void {
  const blocks = chosenBlocks(editor);
  const integration = editor.integration.get();
  const edge = step === 1 ? blocks.at(-1) : blocks[0];
  const spot = edge && spotOf(integration, edge.key);
  if (!spot) return;
  const index = step === 1 ? spot.index + 2 : spot.index - 1;
  if (index < 0 || index > spot.lane.blocks.length) return;
  editor.perform(moveBlocks(integration, blocks, spot.lane, index));
}

export function moveTo(editor: Editor, keys: ReadonlySet<string>, { lane, index }: Spot): boolean {
  const integration = editor.integration.get();
  const blocks = integration.flows.flatMap((flow) => [...blocksOf(flow)].filter((each) => keys.has(each.key)));
  return editor.perform(moveBlocks(integration, blocks, lane, index));
}

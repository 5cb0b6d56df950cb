/** What keys, menus and the mouse do to the chosen blocks. */

import {
  type Block,
  copied,
  duplicateBlocks,
  insertBlock,
  type Lane,
  laneOf,
  located,
  moveBlocks,
  moveTarget,
  pasteBlocks,
  removeBlocks,
  selectedBlocks,
  starter,
} from "../model";
import type { Editor } from "./editor";

export interface Spot {
  readonly lane: Lane;
  readonly index: number;
}

export function chosenBlocks(editor: Editor): Block[] {
  return selectedBlocks(editor.integration.get(), editor.selection.get());
}

/** Where a new block goes: behind the chosen one; at the end of a chosen flow; else at the end of the first flow. */
export function spotBehind(editor: Editor): Spot | undefined {
  const integration = editor.integration.get();
  const { focus } = editor.selection.get();
  const place = focus === undefined ? undefined : located(integration).get(focus);
  const lane = focus === undefined ? undefined : laneOf(integration, focus);
  if (place && lane) return { lane, index: place.index + 1 };
  const fed = integration.flows.find((each) => each.source && each.source.key === focus);
  if (fed) return { lane: fed.process, index: 0 };
  const process = (place?.flow ?? integration.flows[0])?.process;
  return process && { lane: process, index: process.blocks.length };
}

/** Add a block of a type, with what it cannot do without. */
export function add(editor: Editor, type: string, spot = spotBehind(editor)): boolean {
  const integration = editor.integration.get();
  const flow = spot && located(integration).get(spot.lane.key)?.flow;
  if (!spot || !flow) {
    editor.notice.set("There is no flow yet that could take a block.");
    return false;
  }
  return editor.perform(insertBlock(integration, spot.lane, spot.index, starter(integration, flow, type)));
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

/** Move the chosen blocks with the keys: within their lane, out of it, or to the lane beside. */
export function moveBy(editor: Editor, way: "up" | "down" | "left" | "right"): void {
  const integration = editor.integration.get();
  const blocks = chosenBlocks(editor);
  const target = moveTarget(integration, blocks, way);
  if (target) editor.perform(moveBlocks(integration, blocks, target.lane, target.index));
}

export function moveTo(editor: Editor, keys: readonly string[], { lane, index }: Spot): boolean {
  const integration = editor.integration.get();
  const blocks = selectedBlocks(integration, { keys, anchor: undefined, focus: undefined });
  return editor.perform(moveBlocks(integration, blocks, lane, index));
}

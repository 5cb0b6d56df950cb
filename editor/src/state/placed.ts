/** Which block, source, flow or connector a place in a file belongs to. */

import type { Block, FlowFile, Lane } from "../model";

export interface Placed {
  readonly key: string;
  readonly label: string;
}

/** The innermost thing at an offset; undefined above the flows, or between them. */
export function placedAt(file: FlowFile, offset: number): Placed | undefined {
  const { tree } = file;
  const holds = (entry: Parameters<typeof tree.range>[0]) => tree.from(entry) <= offset && offset <= tree.to(entry);
  const inLane = (lane: Lane): Placed | undefined => {
    const block = lane.blocks.find((each) => holds(each.entry));
    return block && (inBlock(block) ?? { key: block.key, label: block.label });
  };
  const inBlock = (block: Block): Placed | undefined => {
    for (const lane of block.lanes) {
      const found = inLane(lane);
      if (found) return found;
    }
    return undefined;
  };
  for (const flow of file.flows) {
    if (!holds(flow.entry)) continue;
    if (flow.source && holds(flow.source.entry)) return { key: flow.source.key, label: flow.source.type };
    const lane = inLane(flow.process) ?? (flow.error && inLane(flow.error));
    return lane ?? { key: flow.key, label: flow.name };
  }
  const other = [...file.connectors, ...file.processors, ...file.env].find((each) => holds(each.entry));
  return other && { key: other.key, label: other.name };
}

/** The offset of a line and column, both from 1 and in characters as Python counts them. */
export function offsetAt(text: string, line: number, column: number): number {
  let start = 0;
  for (let at = 1; at < line; at += 1) {
    const end = text.indexOf("\n", start);
    if (end < 0) return text.length;
    start = end + 1;
  }
  const end = text.indexOf("\n", start);
  const characters = [...text.slice(start, end < 0 ? text.length : end)];
  return start + characters.slice(0, column - 1).join("").length;
}

/** Put blocks into a new composite: its lines come around theirs, which are only indented. */

import type { Block } from "../document";
import type { Integration } from "../integration";
import type { Edit } from "../text";
import { extentOf } from "../yaml/extent";
import { layoutOf } from "../yaml/layout";
import { nextLine } from "../yaml/lines";
import type { Place } from "../yaml/place";
import type { Value } from "../yaml/value";
import { flowText, isMap, itemLines } from "../yaml/write";
import { takesTail } from "./chains";
import { command, type Draft, type Outcome, Refusal, refuseRepeated } from "./draft";

/** Where the blocks go in the new one; no name is likely to be the same. */
const HERE = "the-wrapped-blocks-come-here";

/**
 * Wrap blocks that stand one behind the other. composite: the new block, e.g. `{type: retry, process: []}`.
 *
 * path: where in it their list is: `["then", "process"]`, `["cases", 0, "process"]`.
 */
export function wrapBlocks(
  integration: Integration,
  blocks: readonly Block[],
  composite: Value,
  path: readonly (string | number)[],
): Outcome {
  return command(integration, (drafts) => {
    const [first] = blocks;
    if (!first) throw new Refusal("No block is selected.");
    const draft = drafts.of(first.file);
    const places = blocks.map((each) => draft.place(each.entry.id)).sort((a, b) => a.index - b.index);
    refuseApart(places);
    const tail = blocks.find((each) => each.known?.tail);
    if (tail) throw new Refusal(takesTail(tail.label));
    blocks.forEach(refuseRepeated);
    const value = placed(composite, path);
    const isFlow = places[0]?.collection.style === "flow";
    draft.edit(isFlow ? aroundFlow(draft, places, value) : aroundLines(draft, places, value));
    const at = places[0]?.index ?? 0;
    const owner = places[0]?.owner ? draft.place(places[0].owner.entry.id).entry.value : draft.tree.root;
    const entry = "entries" in owner ? owner.entries[at] : undefined;
    return entry ? [{ file: first.file, id: entry.id }] : [];
  });
}

function refuseApart(places: readonly Place[]): void {
  const [first] = places;
  for (const [index, each] of places.entries()) {
    const isNext = first && each.collection === first.collection && each.index === first.index + index;
    if (!isNext) throw new Refusal("Only blocks that stand one behind the other can be wrapped.");
  }
}

function placed(value: Value, path: readonly (string | number)[]): Value {
  const [step, ...rest] = path;
  if (step === undefined) return [HERE];
  if (typeof step === "number") {
    const items = Array.isArray(value) ? [...value] : [];
    items[step] = placed(items[step] ?? {}, rest);
    return items;
  }
  const fields = isMap(value) ? value : {};
  return { ...fields, [step]: placed(fields[step] ?? {}, rest) };
}

function aroundLines(draft: Draft, places: readonly Place[], value: Value): Edit[] {
  const { tree } = draft;
  const { text } = tree;
  const layout = layoutOf(tree);
  const [first, last] = [places[0] as Place, places.at(-1) as Place];
  const { column } = first.collection;
  const lines = itemLines(value, column, layout).flatMap((each) => opened(each, layout.dash));
  const at = lines.findIndex((each) => each.trim() === `- ${HERE}`);
  const by = (lines[at]?.indexOf("-") ?? column) - column;
  const extents = places.map((each) => extentOf(tree, each));
  const [start, end] = [extents[0]?.from ?? 0, extentOf(tree, last).to];
  if (extents.some((each) => each.isInline)) throw new Refusal("These blocks do not begin on lines of their own.");
  const { newline } = layout;
  const head = lines.slice(0, at).join(newline) + newline;
  const tail = lines.slice(at + 1).join(newline);
  const edits: Edit[] = [{ from: start, to: start, insert: head }];
  for (let line = start; line < end; line = nextLine(text, line)) {
    if (text[line] === "\n" || text[line] === "\r") continue;
    edits.push({ from: line, to: line, insert: " ".repeat(by) });
  }
  const isOpen = text[end - 1] !== "\n";
  if (tail) edits.push({ from: end, to: end, insert: isOpen ? newline + tail : tail + newline });
  return edits;
}

/** A list of one word may stand on the line of its key. */
function opened(line: string, dash: number): string[] {
  const found = line.indexOf(`[${HERE}]`);
  if (found < 0) return [line];
  const column = /^ *(?:- )*/.exec(line)?.[0].length ?? 0;
  return [line.slice(0, found).trimEnd(), `${" ".repeat(column + dash)}- ${HERE}`];
}

function aroundFlow(draft: Draft, places: readonly Place[], value: Value): Edit[] {
  const { tree } = draft;
  const [head = "", tail = ""] = flowText(value, layoutOf(tree)).split(HERE);
  const from = tree.from((places[0] as Place).entry);
  const to = tree.to((places.at(-1) as Place).entry);
  return [
    { from, to: from, insert: head },
    { from: to, to, insert: tail },
  ];
}

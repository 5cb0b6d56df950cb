/**
 * What belongs to an entry: its lines, and its comments.
 *
 * Those are the comments directly above it, those behind it, and those below it that are indented more.
 */

import { commentColumn, isBlank, isFirstInLine, lineEnd, lineStart, nextLine } from "./lines";
import type { Collection, Entry, Node } from "./node";
import type { Place } from "./place";
import type { Tree } from "./tree";

/** Whole lines. */
export interface Extent {
  readonly from: number;
  readonly to: number;
  /** Whether something else stands before it in its first line; then `from` is where it begins itself. */
  readonly isInline: boolean;
}

/** The lines of an entry in block style, with the comments that belong to it. */
export function extentOf(tree: Tree, { collection, index, entry, owner }: Place): Extent {
  const { text } = tree;
  const begin = tree.from(entry);
  const to = endOfLines(tree, collection, entry);
  if (!isFirstInLine(text, begin)) return { from: begin, to, isInline: true };
  const before = collection.entries[index - 1];
  const mark = owner && tree.mark(owner.entry);
  const floor = before ? endOfLines(tree, collection, before) : mark === undefined ? 0 : nextLine(text, mark);
  let from = lineStart(text, begin);
  while (from > floor && commentColumn(text, lineStart(text, from - 1)) !== undefined) from = lineStart(text, from - 1);
  return { from, to, isInline: false };
}

/** Behind the last line of an entry. */
export function endOfLines(tree: Tree, collection: Collection, entry: Entry): number {
  const { text } = tree;
  let end = nextLine(text, tree.to(entry));
  for (let at = end; at < text.length; at = nextLine(text, at)) {
    const column = commentColumn(text, at);
    if (column === undefined && !isBlank(text, at)) break;
    if (column !== undefined && column <= collection.column) break;
    if (column !== undefined) end = nextLine(text, at);
  }
  return end;
}

/**
 * An entry of a collection in flow style with its comments: those in the lines above it if it begins a line.
 *
 * isAlone: whether it has its lines for itself; then they are whole lines, with its comma and a comment behind that.
 */
export function flowExtentOf(tree: Tree, { collection, index, entry }: Place): Extent & { isAlone: boolean } {
  const { text } = tree;
  const [begin, end] = [tree.from(entry), tree.to(entry)];
  if (!isFirstInLine(text, begin)) return { from: begin, to: end, isInline: true, isAlone: false };
  const before = collection.entries[index - 1];
  const floor = nextLine(text, before ? tree.to(before) : tree.inner(collection));
  let from = lineStart(text, begin);
  while (from > floor && commentColumn(text, lineStart(text, from - 1)) !== undefined) from = lineStart(text, from - 1);
  const last = commaAfter(text, end) ?? end;
  const isAlone = from > tree.inner(collection) && /^[ \t]*(?:#.*)?$/.test(text.slice(last, lineEnd(text, last)));
  const start = from === lineStart(text, begin) && !isAlone ? begin : from;
  return { from: start, to: isAlone ? nextLine(text, last) : end, isInline: false, isAlone };
}

/** Behind the comma that follows a value; undefined if none does. */
export function commaAfter(text: string, end: number): number | undefined {
  const found = /^(?:\s|#[^\n]*\n)*,/.exec(text.slice(end));
  return found ? end + found[0].length : undefined;
}

/** Whether empty lines behind the entry would be a part of its text. */
export function endsOpen(tree: Tree, node: Node): boolean {
  if (node.kind === "mapping" || node.kind === "sequence") {
    const last = node.style === "block" ? node.entries.at(-1) : undefined;
    return last !== undefined && endsOpen(tree, last.value);
  }
  return node.kind === "scalar" && node.body !== undefined && /^[|>]\d?\+/.test(tree.text.slice(tree.inner(node)));
}

/** Behind the anchor and tag of a value. */
export function endOfProps(text: string, from: number): number {
  return from + (/^(?:[&!]\S*[ \t]*)*/.exec(text.slice(from, lineEnd(text, from)))?.[0].trimEnd().length ?? 0);
}

/** Edits of one place in flow style: in brackets, on one line or over several. */

import type { Edit } from "../text";
import { commaAfter, flowExtentOf } from "./extent";
import { layoutOf } from "./layout";
import { indentOf, isFirstInLine, lineEnd, lineStart } from "./lines";
import type { Collection, Entry } from "./node";
import type { Place } from "./place";
import { flowOf, type Snippet } from "./snippet";
import type { Tree } from "./tree";
import type { Value } from "./value";
import { braced, flowPair, flowText } from "./write";

/** What is to be inserted: a pair, an item, or an item as text. */
export type Content = { readonly key?: string; readonly value: Value } | Snippet;

/** Give an entry another value. */
export function flowValueEdits(tree: Tree, entry: Entry, text: string): Edit[] {
  const { from, to } = tree.range(entry.value);
  if (entry.value.kind !== "empty") return [{ from, to, insert: text }];
  if (!entry.key) return [{ from, to, insert: text }];
  return [{ from, to, insert: entry.mark === undefined ? `: ${text}` : ` ${text}` }];
}

/** Give an entry a collection of one entry as its value. */
export function flowFillEdits(tree: Tree, entry: Entry, content: Content): Edit[] {
  const { inline, comments } = textsOf(tree, content);
  const isPair = !("lines" in content) && content.key !== undefined;
  const inside = [...(comments.length > 0 ? ["", ...comments] : []), inline].join(breakAt(tree, tree.from(entry)));
  return flowValueEdits(tree, entry, isPair ? braced([inside], layoutOf(tree)) : `[${inside}]`);
}

/** Insert into a collection that has entries. */
export function flowInsertEdits(tree: Tree, collection: Collection, index: number, content: Content): Edit[] {
  const { text } = tree;
  const { inline, comments } = textsOf(tree, content);
  const next = collection.entries[index];
  const last = tree.from(collection.entries.at(-1) as Entry);
  const isOver = isFirstInLine(text, next ? tree.from(next) : last);
  if (isOver) return insertedOver(tree, collection, next, [...comments, inline]);
  const lines = [...(comments.length > 0 ? ["", ...comments] : []), inline];
  const inside = lines.join(breakAt(tree, tree.from(collection)));
  const at = next ? tree.from(next) : tree.to(collection.entries.at(-1) as Entry);
  if (next) return [{ from: at, to: at, insert: `${inside}, ` }];
  return [{ from: at, to: at, insert: comments.length > 0 ? `,${inside}` : `, ${inside}` }];
}

/** A new line below the one of an offset, indented more than it. */
function breakAt(tree: Tree, at: number): string {
  const indent = indentOf(tree.text, lineStart(tree.text, at)) + 4;
  return layoutOf(tree).newline + " ".repeat(indent);
}

/** Insert lines of their own, as the neighbours have. */
function insertedOver(tree: Tree, collection: Collection, next: Entry | undefined, lines: readonly string[]): Edit[] {
  const { text } = tree;
  const last = collection.entries.at(-1) as Entry;
  const begin = tree.from(next ?? last);
  const line = layoutOf(tree).newline + " ".repeat(begin - lineStart(text, begin));
  if (next) return [{ from: begin, to: begin, insert: `${lines.join(line)},${line}` }];
  const end = tree.to(last);
  const comma = commaAfter(text, end);
  const at = lineEnd(text, comma ?? end);
  const insert = line + lines.join(line);
  // A comment behind the last one stays behind it, unless the bracket is in its line.
  if (at > closeOf(tree, collection)) return [{ from: end, to: end, insert: `,${insert}` }];
  if (comma !== undefined) return [{ from: at, to: at, insert: `${insert},` }];
  return [
    { from: end, to: end, insert: "," },
    { from: at, to: at, insert },
  ];
}

function textsOf(tree: Tree, content: Content): { inline: string; comments: readonly string[] } {
  const layout = layoutOf(tree);
  if ("lines" in content) return flowOf(content, layout);
  const { key, value } = content;
  return { inline: key === undefined ? flowText(value, layout) : flowPair(key, value, layout), comments: [] };
}

/** Remove an entry. */
export function flowRemoveEdits(tree: Tree, place: Place): Edit[] {
  const { text } = tree;
  const { collection, index, entry } = place;
  const [before, next] = [collection.entries[index - 1], collection.entries[index + 1]];
  const { from, to, isAlone } = flowExtentOf(tree, place);
  if (isAlone) return [{ from, to, insert: "" }];
  const end = tree.to(entry);
  if (next) {
    const begin = tree.from(next);
    // What the next one has above it stays there.
    if (!isFirstInLine(text, begin)) return [{ from, to: begin, insert: "" }];
    const start = from - (/[ \t]*$/.exec(text.slice(0, from))?.[0].length ?? 0);
    return [{ from: start, to: commaAfter(text, end) ?? end, insert: "" }];
  }
  // A comma before the bracket is allowed, and a comment must not swallow the bracket.
  if (before) {
    const gap = text.slice(tree.to(before), from);
    return [{ from: gap.includes("#") ? from : tree.to(before), to: end, insert: "" }];
  }
  const [inside, close] = [tree.inner(collection) + 1, closeOf(tree, collection)];
  const rest = text.slice(inside, from) + text.slice(commaAfter(text, end) ?? end, close);
  return [
    rest.trim() === ""
      ? { from: inside, to: close, insert: "" }
      : { from, to: commaAfter(text, end) ?? end, insert: "" },
  ];
}

/** Where the closing bracket is. */
function closeOf(tree: Tree, collection: Collection): number {
  return tree.to(collection) - 1;
}

/**
 * Edits of one place of a text: set a value, insert an entry, remove one.
 *
 * Comments directly above an entry belong to it, and so do those behind it and those below it that are indented more.
 */

import type { Edit } from "../text";
import { layoutOf } from "./layout";
import {
  commentColumn,
  indented,
  indentOf,
  isBlank,
  isFirstInLine,
  lineEnd,
  lineStart,
  nextLine,
  splitLines,
} from "./lines";
import type { Collection, Entry, Node, ScalarStyle } from "./node";
import type { Place } from "./place";
import type { Snippet } from "./snippet";
import { flowOf } from "./snippet";
import type { Tree } from "./tree";
import type { Value } from "./value";
import { type Form, flowPair, flowText, itemForm, itemLines, pairForm, pairLines } from "./write";

/** What is to be inserted: a pair, an item, or an item as text. */
export type Content = { readonly key?: string; readonly value: Value } | Snippet;

/** Whole lines. */
export interface Extent {
  readonly from: number;
  readonly to: number;
  /** Whether something else stands before it in its first line; then `from` is where it begins itself. */
  readonly isInline: boolean;
}

// --- where things are --------------------------------------------------------------------------------------------

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
function endOfLines(tree: Tree, collection: Collection, entry: Entry): number {
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

/** Whether the entries of a collection are separated by empty lines, as far as one can tell. */
function isSpaced(tree: Tree, place: Place): boolean | undefined {
  const { collection } = place;
  if (collection.entries.length < 2) return undefined;
  const gaps = collection.entries.slice(1).map((entry, index) => {
    const { from } = extentOf(tree, { ...place, entry, index: index + 1 });
    return isBlank(tree.text, lineStart(tree.text, from - 1));
  });
  return gaps.filter(Boolean).length * 2 > gaps.length;
}

/** Whether empty lines behind the entry would be a part of its text. */
function endsOpen(tree: Tree, node: Node): boolean {
  if (node.kind === "mapping" || node.kind === "sequence") {
    const last = node.style === "block" ? node.entries.at(-1) : undefined;
    return last !== undefined && endsOpen(tree, last.value);
  }
  return node.kind === "scalar" && node.body !== undefined && /^[|>]\d?\+/.test(tree.text.slice(tree.inner(node)));
}

// --- setting a value ---------------------------------------------------------------------------------------------

/** Give an entry another value. A text keeps its style if it can. */
export function valueEdits(tree: Tree, { entry, collection }: Place, value: Value): Edit[] {
  const layout = layoutOf(tree);
  const node = entry.value;
  const style: ScalarStyle | undefined = node.kind === "scalar" ? node.style : undefined;
  if (collection.style === "flow") return flowValueEdits(tree, entry, flowText(value, layout, style));
  const form = collection.kind === "mapping" ? pairForm : itemForm;
  const behind = nextLine(tree.text, tree.to(entry));
  const mayKeep = style !== undefined && behind < tree.text.length && !isBlank(tree.text, behind);
  return formEdits(tree, entry, form(value, collection.column, layout, { style, mayKeep }));
}

function flowValueEdits(tree: Tree, entry: Entry, text: string): Edit[] {
  const { from, to } = tree.range(entry.value);
  if (entry.value.kind !== "empty") return [{ from, to, insert: text }];
  if (!entry.key) return [{ from, to, insert: text }];
  return [{ from, to, insert: entry.mark === undefined ? `: ${text}` : ` ${text}` }];
}

/** Write a form behind the mark of an entry, in place of what is there. */
function formEdits(tree: Tree, entry: Entry, { inline, below }: Form): Edit[] {
  const { text } = tree;
  const { newline } = layoutOf(tree);
  const mark = tree.mark(entry) ?? tree.from(entry);
  const old = written(tree, entry, mark);
  const edits: Edit[] = [];
  if (!old.inline) edits.push({ from: mark, to: mark, insert: inline && ` ${inline}` });
  else if (inline) edits.push({ ...old.inline, insert: inline });
  else edits.push({ from: mark, to: old.inline.to, insert: "" });
  const lines = below.join(newline);
  if (old.below) {
    const { from, to } = old.below;
    const hasEnd = text[to - 1] === "\n";
    edits.push({ from, to, insert: lines && lines + (hasEnd ? newline : "") });
    if (!lines && !hasEnd) edits.push({ from: from - newline.length, to: from, insert: "" });
  } else if (lines) {
    const at = lineEnd(text, old.inline?.to ?? mark);
    edits.push({ from: at, to: at, insert: newline + lines });
  }
  return edits;
}

interface Written {
  readonly inline?: { from: number; to: number };
  /** Whole lines. */
  readonly below?: { from: number; to: number };
}

/** What an entry in block style has behind its mark, and below. */
function written(tree: Tree, entry: Entry, mark: number): Written {
  const { text } = tree;
  const node = entry.value;
  const { from, to } = tree.range(node);
  if (node.kind === "empty") return to > mark ? { inline: { from, to } } : {};
  const body = tree.body(node);
  if (body !== undefined) {
    const inner = tree.inner(node);
    const header = inner + (/^[|>][-+0-9]*/.exec(text.slice(inner, inner + 4))?.[0].length ?? 1);
    const below = to > header ? { below: { from: body, to: nextLine(text, to) } } : {};
    return { inline: { from, to: header }, ...below };
  }
  const isBlock = (node.kind === "mapping" || node.kind === "sequence") && node.style === "block";
  const first = isBlock ? node.entries[0] : undefined;
  if (!isBlock || !first || !isFirstInLine(text, tree.from(first))) return { inline: { from, to } };
  const last = node.entries.at(-1) as Entry;
  const owner = { entry, collection: node, index: 0, owner: undefined };
  const lines = extentOf(tree, { collection: node, index: 0, entry: first, owner });
  const below = { from: lines.from, to: endOfLines(tree, node, last) };
  return tree.inner(node) > from ? { inline: { from, to: endOfProps(text, from) }, below } : { below };
}

function endOfProps(text: string, from: number): number {
  return from + (/^(?:[&!]\S*[ \t]*)*/.exec(text.slice(from, lineEnd(text, from)))?.[0].trimEnd().length ?? 0);
}

// --- inserting an entry ------------------------------------------------------------------------------------------

/**
 * Insert into the value of `owner`: a collection, or nothing at all. Without an owner, into the value of the text.
 *
 * isSpaced: whether an empty line comes between it and its neighbours, if they do not tell.
 */
export function insertEdits(
  tree: Tree,
  owner: Place | undefined,
  index: number,
  content: Content,
  spaced = false,
): Edit[] {
  const node = owner ? owner.entry.value : tree.root;
  const isCollection = node.kind === "mapping" || node.kind === "sequence";
  if (!isCollection || node.entries.length === 0) return fillEdits(tree, owner, content);
  if (node.style === "flow") return flowInsertEdits(tree, node, index, content);
  return blockInsertEdits(tree, node, owner, index, content, spaced);
}

function blockInsertEdits(
  tree: Tree,
  collection: Collection,
  owner: Place | undefined,
  index: number,
  content: Content,
  spaced: boolean,
): Edit[] {
  const { text } = tree;
  const { newline } = layoutOf(tree);
  const lines = linesOf(tree, content, collection.column);
  const placeAt = (at: number): Place => ({ entry: collection.entries[at] as Entry, collection, index: at, owner });
  const apart = isSpaced(tree, placeAt(0)) ?? spaced;
  if (index < collection.entries.length) {
    const { from, isInline } = extentOf(tree, placeAt(index));
    const all = [...lines, ...(apart ? [""] : [])].join(newline) + newline;
    // The first one stands behind a dash or a colon, so the new one does.
    if (isInline) return [{ from, to: from, insert: all.trimStart() + " ".repeat(collection.column) }];
    return [{ from, to: from, insert: all }];
  }
  const last = placeAt(collection.entries.length - 1);
  const { to } = extentOf(tree, last);
  const all = [...(apart && !endsOpen(tree, last.entry.value) ? [""] : []), ...lines].join(newline);
  const isOpen = to > 0 && text[to - 1] !== "\n";
  return [{ from: to, to, insert: isOpen ? newline + all : all + newline }];
}

/** The lines of a new entry at a column. */
function linesOf(tree: Tree, content: Content, column: number): string[] {
  if ("lines" in content) return content.lines.map((each) => indented(each, column));
  const layout = layoutOf(tree);
  const { key, value } = content;
  return key === undefined ? itemLines(value, column, layout) : pairLines(key, value, column, layout);
}

/** Write the first entry of a collection. */
function fillEdits(tree: Tree, owner: Place | undefined, content: Content): Edit[] {
  const { text } = tree;
  const layout = layoutOf(tree);
  const isPair = !("lines" in content) && content.key !== undefined;
  if (!owner) return [...clearedRoot(tree), atEnd(text, linesOf(tree, content, 0), layout.newline)];
  const { entry, collection } = owner;
  if (collection.style === "flow") {
    const inside = flowTextOf(tree, content);
    return flowValueEdits(tree, entry, isPair ? `{${layout.padding}${inside}${layout.padding}}` : `[${inside}]`);
  }
  const isOfPair = collection.kind === "mapping";
  if (!isOfPair) {
    const [first = "", ...below] = linesOf(tree, content, collection.column + 2);
    return formEdits(tree, entry, { inline: first.trimStart(), below });
  }
  const column = collection.column + (isPair ? layout.step : layout.dash);
  return formEdits(tree, entry, { inline: "", below: linesOf(tree, content, column) });
}

/** Remove a value at the top that is empty: `{}`, `~`. */
function clearedRoot(tree: Tree): Edit[] {
  const { from, to } = tree.range(tree.root);
  return to > from ? [{ from, to: nextLine(tree.text, to), insert: "" }] : [];
}

function atEnd(text: string, lines: readonly string[], newline: string): Edit {
  const isOpen = text.replace(/^\uFEFF/, "") !== "" && !text.endsWith("\n");
  const insert = (isOpen ? newline : "") + lines.join(newline) + newline;
  return { from: text.length, to: text.length, insert };
}

function flowInsertEdits(tree: Tree, collection: Collection, index: number, content: Content): Edit[] {
  const { text } = tree;
  const { newline } = layoutOf(tree);
  const { entries } = collection;
  const next = entries[index];
  const begin = next && tree.from(next);
  const isOver = isFirstInLine(text, tree.from(entries.at(-1) as Entry));
  const column = isOver ? columnAt(text, tree.from(entries.at(-1) as Entry)) : 0;
  const inside = flowTextOf(
    tree,
    content,
    isOver ? undefined : indentOf(text, lineStart(text, tree.from(collection))) + 4,
  );
  if (begin !== undefined) {
    const insert = isFirstInLine(text, begin)
      ? `${inside},${newline}${" ".repeat(columnAt(text, begin))}`
      : `${inside}, `;
    return [{ from: begin, to: begin, insert: isOver ? overLines(insert, column, newline) : insert }];
  }
  const end = tree.to(entries.at(-1) as Entry);
  if (!isOver)
    return [
      { from: end, to: end, insert: inside.startsWith("\n") || inside.startsWith("\r") ? `,${inside}` : `, ${inside}` },
    ];
  const comma = commaAfter(text, end);
  const at = lineEnd(text, comma ?? end);
  const line = newline + " ".repeat(column) + overLines(inside, column, newline);
  if (at <= closeOf(tree, collection)) {
    const closed = comma === undefined ? [{ from: end, to: end, insert: "," }] : [];
    return [...closed, { from: at, to: at, insert: line + (comma === undefined ? "" : ",") }];
  }
  return [{ from: end, to: end, insert: `,${line}` }];
}

/** Where the closing bracket is. */
function closeOf(tree: Tree, collection: Collection): number {
  return tree.to(collection) - 1;
}

function columnAt(text: string, at: number): number {
  return at - lineStart(text, at);
}

/** A text of several lines, of which all but the first get an indentation. */
function overLines(text: string, column: number, newline: string): string {
  return splitLines(text)
    .map((each, index) => (index > 0 && !/^\s/.test(each) ? indented(each, column) : each))
    .join(newline);
}

/** Behind the comma that follows a value; undefined if none does. */
function commaAfter(text: string, end: number): number | undefined {
  const found = /^(?:\s|#[^\n]*\n)*,/.exec(text.slice(end));
  return found ? end + found[0].length : undefined;
}

function flowTextOf(tree: Tree, content: Content, column?: number): string {
  const layout = layoutOf(tree);
  if ("lines" in content) return flowOf(content, layout, column);
  const { key, value } = content;
  return key === undefined ? flowText(value, layout) : flowPair(key, value, layout);
}

// --- removing an entry -------------------------------------------------------------------------------------------

/**
 * Remove an entry. A collection that has no other becomes `[]` or `{}`.
 *
 * keepsComments: whether the comments above it stay.
 */
export function removeEdits(tree: Tree, place: Place, keepsComments = false): Edit[] {
  const { collection } = place;
  if (collection.style === "flow") return flowRemoveEdits(tree, place);
  return collection.entries.length > 1 ? blockRemoveEdits(tree, place, keepsComments) : emptyEdits(tree, place);
}

function blockRemoveEdits(tree: Tree, place: Place, keepsComments: boolean): Edit[] {
  const { text } = tree;
  const { collection, index, entry } = place;
  const { from: begin, to, isInline } = extentOf(tree, place);
  const from = keepsComments && !isInline ? lineStart(text, tree.from(entry)) : begin;
  const next = collection.entries[index + 1];
  if (isInline && next) {
    const end = tree.from(next);
    const between = text.slice(to, lineStart(text, end));
    const line = lineStart(text, from);
    const comments = between.includes("#") ? [{ from: line, to: line, insert: between }] : [];
    return [...comments, { from, to: end, insert: "" }];
  }
  return [withBlankLines(tree, place, from, to)];
}

/** The removal of lines, and of the empty ones that separated them from a neighbour. */
function withBlankLines(tree: Tree, { collection, index }: Place, from: number, to: number): Edit {
  const { text } = tree;
  const before = collection.entries[index - 1];
  const isBefore = before !== undefined && isBlankBefore(text, from);
  const isAfter = to < text.length && isBlank(text, to);
  const hasNext = index + 1 < collection.entries.length;
  const mustClose = before !== undefined && endsOpen(tree, before.value);
  let [begin, end] = [from, to];
  if (isBefore && (isAfter || !hasNext)) while (isBlankBefore(text, begin)) begin = lineStart(text, begin - 1);
  if ((isAfter && !before && hasNext) || mustClose)
    while (end < text.length && isBlank(text, end)) end = nextLine(text, end);
  return { from: begin, to: end, insert: "" };
}

function isBlankBefore(text: string, start: number): boolean {
  return start > 0 && isBlank(text, lineStart(text, start - 1)) && lineStart(text, start - 1) < start;
}

function emptyEdits(tree: Tree, place: Place): Edit[] {
  const { text } = tree;
  const { collection, owner } = place;
  const { from, to, isInline } = extentOf(tree, place);
  const empty = collection.kind === "sequence" ? "[]" : "{}";
  if (isInline || !owner) {
    const range = tree.range(collection);
    return [{ from: owner ? tree.inner(collection) : from, to: owner ? range.to : to, insert: owner ? empty : "" }];
  }
  const mark = tree.mark(owner.entry) ?? 0;
  const begin = tree.from(collection);
  const at = tree.inner(collection) > begin ? endOfProps(text, begin) : mark;
  const isOpen = to === text.length && text[to - 1] !== "\n";
  const start = isOpen ? lineEnd(text, lineStart(text, from - 1)) : from;
  return [
    { from: at, to: at, insert: ` ${empty}` },
    { from: start, to, insert: "" },
  ];
}

function flowRemoveEdits(tree: Tree, place: Place): Edit[] {
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
  if (before)
    return [{ from: text.slice(tree.to(before), from).includes("#") ? from : tree.to(before), to: end, insert: "" }];
  const [inside, close] = [tree.inner(collection) + 1, closeOf(tree, collection)];
  const rest = text.slice(inside, from) + text.slice(commaAfter(text, end) ?? end, close);
  return [
    rest.trim() === ""
      ? { from: inside, to: close, insert: "" }
      : { from, to: commaAfter(text, end) ?? end, insert: "" },
  ];
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

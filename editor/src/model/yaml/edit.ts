/** Edits of one place of a text: set a value, insert an entry, remove one. */

import type { Edit } from "../text";
import { endOfLines, endOfProps, endsOpen, extentOf } from "./extent";
import { type Content, flowFillEdits, flowInsertEdits, flowRemoveEdits, flowValueEdits } from "./flow";
import { layoutOf } from "./layout";
import { indented, isBlank, isFirstInLine, lineEnd, lineStart, nextLine } from "./lines";
import { type Collection, type Entry, isCollection, type ScalarStyle } from "./node";
import type { Place } from "./place";
import type { Tree } from "./tree";
import type { Value } from "./value";
import { type Form, flowText, itemForm, itemLines, pairForm, pairLines } from "./write";

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

/** Write a form behind the mark of an entry, in place of what is there. */
function formEdits(tree: Tree, entry: Entry, { inline, below }: Form): Edit[] {
  const { text } = tree;
  const { newline } = layoutOf(tree);
  const mark = tree.mark(entry) ?? tree.from(entry);
  const old = written(tree, entry, mark);
  if (!entry.key && inline && below.length > 0 && old.inline)
    return hungEdits(tree, mark, old.inline, { inline, below });
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

/** Write the first of several lines one space behind the dash, wherever the old value stood: the others count on it. */
function hungEdits(tree: Tree, mark: number, old: { from: number; to: number }, { inline, below }: Form): Edit[] {
  const { text } = tree;
  const { newline } = layoutOf(tree);
  const lines = newline + below.join(newline);
  const isSameLine = !text.slice(mark, old.from).includes("\n");
  const at = lineEnd(text, isSameLine ? old.to : mark);
  const head: Edit[] = isSameLine
    ? [{ from: mark, to: old.to, insert: ` ${inline}` }]
    : [
        { from: mark, to: mark, insert: ` ${inline}` },
        // The old one goes with its line. A comment behind the dash stays there.
        { from: lineEnd(text, lineStart(text, old.from) - 1), to: old.to, insert: "" },
      ];
  return [...head, { from: at, to: at, insert: lines }];
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
  const isBlock = isCollection(node) && node.style === "block";
  const first = isBlock ? node.entries[0] : undefined;
  if (!isBlock || !first || !isFirstInLine(text, tree.from(first))) return { inline: { from, to } };
  const last = node.entries.at(-1) as Entry;
  const owner = { entry, collection: node, index: 0, owner: undefined };
  const lines = extentOf(tree, { collection: node, index: 0, entry: first, owner });
  const below = { from: lines.from, to: endOfLines(tree, node, last) };
  return tree.inner(node) > from ? { inline: { from, to: endOfProps(text, from) }, below } : { below };
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
  if (!isCollection(node) || node.entries.length === 0) return fillEdits(tree, owner, content);
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
  if (collection.style === "flow") return flowFillEdits(tree, entry, content);
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
  const takesAfter = (isAfter && !before && hasNext) || mustClose;
  while (takesAfter && end < text.length && isBlank(text, end)) end = nextLine(text, end);
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

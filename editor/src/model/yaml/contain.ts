/**
 * Broken text: what is wrong stays within the lines that are indented as a part of it.
 *
 * The parser loses its way behind a bracket or quote that is not closed. So a text with problems is parsed once more,
 * entry by entry as far as indentation tells what an entry is, and only the innermost entry is broken.
 */

import { indentOf, isBlank, lineEnd, nextLine } from "./lines";
import { type Collection, type Entry, type Frame, freshId, type Node } from "./node";
import { type Entries, endOfTrivia, readEntries, readText } from "./parse";

type Growing = { -readonly [K in keyof Frame]: Frame[K] };

/** The whole text. */
export function parseText(text: string): Frame {
  const { frame, isSound } = readText(text);
  if (isSound || /^(?:---|%|\.\.\.)/m.test(text)) return frame;
  const start = endOfTrivia(text, text.startsWith("\uFEFF") ? 1 : 0);
  const column = indentOf(text, start);
  if (!isKey(text, start + column)) return frame;
  const found = contained(text.slice(start), column, "mapping", true);
  return found ? topOf(found, start, column) : frame;
}

/** Entries of one block collection: see `readEntries`. */
export function parseEntries(
  text: string,
  column: number,
  kind: Collection["kind"],
  isLast: boolean,
): Entries | undefined {
  const found = readEntries(text, column, kind, isLast);
  if (found?.isSound) return found;
  if (!isLast && !text.endsWith("\n")) return undefined;
  return contained(text, column, kind, isLast) ?? found;
}

/** Entry by entry; undefined if the lines are not entries at this column. */
function contained(text: string, column: number, kind: Collection["kind"], isLast: boolean): Entries | undefined {
  const starts = startsOf(text, column, kind);
  if (starts[0] !== 0) return undefined;
  const ends = [...starts.slice(1), text.length];
  const frames = starts.map((start, index) => {
    const isEnd = isLast && index === starts.length - 1;
    return entryOf(text.slice(start, ends[index]), column, kind, isEnd);
  });
  return { frames, starts: [...starts, text.length], isSound: false };
}

/** Where entries begin: lines at the column that look like one. */
function startsOf(text: string, column: number, kind: Collection["kind"]): number[] {
  const found: number[] = [];
  for (let at = 0; at < text.length; at = nextLine(text, at)) {
    if (indentOf(text, at) !== column || isBlank(text, at)) continue;
    if (kind === "sequence" ? isDash(text, at + column) : isKey(text, at + column)) found.push(at);
  }
  return found;
}

function isDash(text: string, at: number): boolean {
  return text[at] === "-" && /^\s?$/.test(text[at + 1] ?? "");
}

const KEY = /(?:[\w$<][^\s:#,[\]{}]*|"[^"\n]*"|'[^'\n]*')(?: [^\s:#,[\]{}]+)*[ \t]*:(?=\s|$)/y;

function isKey(text: string, at: number): boolean {
  KEY.lastIndex = at;
  return KEY.test(text);
}

/** One entry as a frame: as it is if it is sound; else its parts are, one by one. */
function entryOf(text: string, column: number, kind: Collection["kind"], isLast: boolean): Frame {
  const read = readEntries(text, column, kind, isLast);
  const frame = read?.frames.length === 1 ? read.frames[0] : undefined;
  if (frame && read?.isSound) return frame;
  const opened = kind === "sequence" ? openedItem(text, column, isLast) : openedPair(text, column, isLast);
  return opened ?? frame ?? unreadable(text, column, kind);
}

/** An item whose value is a mapping or list: `- key: ...`, or in the lines below. */
function openedItem(text: string, column: number, isLast: boolean): Frame | undefined {
  const after = /^[ \t]*/.exec(text.slice(column + 1))?.[0].length ?? 0;
  const inner = column + 1 + after;
  const isBelow = inner >= lineEnd(text, 0) || text[inner] === "#";
  if (isBelow) return composed(text, column, column + 1, undefined, isLast);
  if (!isKey(text, inner)) return undefined;
  const found = contained(`${" ".repeat(inner)}${text.slice(inner)}`, inner, "mapping", isLast);
  return found && frameOf(found, 0, inner, "mapping", { from: column, mark: column + 1 });
}

/** A pair whose value is a mapping or list in the lines below its key. */
function openedPair(text: string, column: number, isLast: boolean): Frame | undefined {
  KEY.lastIndex = column;
  const mark = KEY.exec(text) ? KEY.lastIndex : 0;
  const rest = text.slice(mark, lineEnd(text, mark)).trim();
  if (rest && !rest.startsWith("#")) return undefined;
  const alone = readEntries(`${text.slice(0, mark)}\n`, column, "mapping", false);
  return composed(text, column, mark, alone?.frames[0]?.entry?.key, isLast);
}

/** An entry with a mapping or list in the lines below `mark`. */
function composed(
  text: string,
  column: number,
  mark: number,
  key: Node | undefined,
  isLast: boolean,
): Frame | undefined {
  const start = endOfTrivia(text, mark);
  const inner = indentOf(text, start);
  const kind = isDash(text, start + inner) ? "sequence" : "mapping";
  const isInside = inner > column || (key !== undefined && kind === "sequence" && inner === column);
  if (start >= text.length || !isInside) return undefined;
  const found = contained(text.slice(start), inner, kind, isLast);
  return found && frameOf(found, start, inner, kind, { from: column, mark, ...(key ? { key } : {}) });
}

/** The frame of an entry whose value is a collection of these entries, which begin at `start`. */
function frameOf(
  found: Entries,
  start: number,
  column: number,
  kind: Collection["kind"],
  { from, mark, key }: { from: number; mark: number; key?: Node },
): Frame {
  const frame: Growing = { inside: [], anchored: [], problems: [] };
  const value = collectionOf(frame, found, start, column, kind);
  frame.inside = [value];
  const own = key ? { key: { ...key, frame } } : {};
  frame.entry = { id: freshId(), frame, from, mark, ...own, value };
  return frame;
}

function topOf(found: Entries, start: number, column: number): Frame {
  const frame: Growing = { inside: [], anchored: [], problems: [] };
  const root = collectionOf(frame, found, start, column, "mapping");
  frame.inside = [root];
  frame.root = root;
  return frame;
}

function collectionOf(
  frame: Frame,
  found: Entries,
  start: number,
  column: number,
  kind: Collection["kind"],
): Collection {
  const entries = found.frames.map((each) => each.entry as Entry);
  const from = start + column;
  const starts = found.starts.map((each) => start + each);
  return { kind, frame, from, inner: from, style: "block", column, entries, starts };
}

/** An entry of which only the first line can be read, or nothing: then its text is its value. */
function unreadable(text: string, column: number, kind: Collection["kind"]): Frame {
  const line = nextLine(text, 0);
  const first = line < text.length ? readEntries(text.slice(0, line), column, kind, false) : undefined;
  const only = first?.isSound && first.frames.length === 1 ? first.frames[0] : undefined;
  if (only) {
    (only as Growing).problems = [{ from: line, to: text.trimEnd().length, message: "this cannot be read" }];
    return only;
  }
  const frame: Growing = { inside: [], anchored: [], problems: [] };
  const end = text.trimEnd().length;
  KEY.lastIndex = column;
  const mark = kind === "sequence" ? column + 1 : KEY.exec(text) ? KEY.lastIndex : column;
  const from = Math.min(end, mark + (/^\s*/.exec(text.slice(mark))?.[0].length ?? 0));
  const leaf = { kind: "scalar", frame, style: "plain" } as const;
  const key: Node | undefined =
    kind === "mapping"
      ? { ...leaf, from: column, inner: column, to: mark - 1, text: text.slice(column, mark - 1).trim() }
      : undefined;
  frame.problems = [{ from, to: end, message: "this cannot be read" }];
  const value: Node = { ...leaf, from, inner: from, to: end, text: text.slice(from, end) };
  frame.entry = { id: freshId(), frame, from: column, mark, ...(key ? { key } : {}), value };
  return frame;
}

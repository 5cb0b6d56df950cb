/**
 * Text in parts: as far as indentation tells what an entry is, large entries and broken ones are parsed part by part.
 *
 * A large text is parsed faster so. And the parser loses its way behind a bracket or quote that is not closed: part by
 * part only the innermost entry is broken.
 */

import { commentColumn, endOfTrivia, indentOf, isBlank, lineEnd, nextLine } from "./lines";
import { type Collection, type Entry, type Frame, freshId, type Node } from "./node";
import { type Entries, readEntries, readText } from "./parse";

type Growing = { -readonly [K in keyof Frame]: Frame[K] };

/** An entry of so many characters is parsed part by part. */
const LARGE = 4000;

/** The whole text. */
export function parseText(text: string): Frame {
  const start = endOfTrivia(text, text.startsWith("\uFEFF") ? 1 : 0);
  const column = indentOf(text, start);
  const isOne = isKey(text, start + column) && !/^(?:---|%|\.\.\.)/m.test(text);
  const inParts = (isStrict: boolean) => {
    const found = isOne ? parted(text.slice(start), { column, kind: "mapping", isLast: true, isStrict }) : undefined;
    return found && topOf(found, start, column);
  };
  const sound = text.length > LARGE ? inParts(true) : undefined;
  if (sound) return sound;
  const whole = readText(text);
  return whole.isSound ? whole.frame : (inParts(false) ?? whole.frame);
}

/** Entries of one block collection: see `readEntries`. */
export function parseEntries(
  text: string,
  column: number,
  kind: Collection["kind"],
  isLast: boolean,
): Entries | undefined {
  if (!isLast && !text.endsWith("\n")) return undefined;
  const sound = text.length > LARGE ? parted(text, { column, kind, isLast, isStrict: true }) : undefined;
  if (sound) return sound;
  const whole = readEntries(text, column, kind, isLast);
  if (whole?.isSound || isOutdented(text, column, kind)) return whole;
  return parted(text, { column, kind, isLast, isStrict: false }) ?? whole;
}

/** Whether a line is indented less than the entries, or is none of them, and so may belong to what is around. */
function isOutdented(text: string, column: number, kind: Collection["kind"]): boolean {
  for (let at = 0; at < text.length; at = nextLine(text, at)) {
    const indent = indentOf(text, at);
    if (indent > column || isBlank(text, at) || commentColumn(text, at) !== undefined) continue;
    if (indent < column || (kind === "sequence" && !isDash(text, at + column))) return true;
  }
  return false;
}

interface Parting {
  readonly column: number;
  readonly kind: Collection["kind"];
  /** Whether nothing at all follows in the text. */
  readonly isLast: boolean;
  /** Whether all parts must be sound. */
  readonly isStrict: boolean;
}

/** Entry by entry; undefined if the lines are not entries at this column. */
function parted(text: string, parting: Parting): Entries | undefined {
  const starts = startsOf(text, parting.column, parting.kind);
  if (starts[0] !== 0) return undefined;
  const frames: Frame[] = [];
  for (const [index, start] of starts.entries()) {
    const end = starts[index + 1] ?? text.length;
    const frame = entryOf(text.slice(start, end), { ...parting, isLast: parting.isLast && end === text.length });
    if (!frame) return undefined;
    frames.push(frame);
  }
  return { frames, starts: [...starts, text.length], isSound: parting.isStrict };
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

/** One entry as a frame, in one piece if it is sound and not large. */
function entryOf(text: string, parting: Parting): Frame | undefined {
  const { column, kind, isLast, isStrict } = parting;
  const opened = () => (kind === "sequence" ? openedItem(text, parting) : openedPair(text, parting));
  const first = text.length > LARGE ? opened() : undefined;
  if (first) return first;
  const read = readEntries(text, column, kind, isLast);
  const frame = read?.frames.length === 1 ? read.frames[0] : undefined;
  if (isStrict) return read?.isSound ? frame : undefined;
  return frame && read?.isSound ? frame : (opened() ?? frame ?? unreadable(text, column, kind));
}

/** An item whose value is a mapping or list: `- key: ...`, or in the lines below. */
function openedItem(text: string, parting: Parting): Frame | undefined {
  const { column } = parting;
  const after = /^[ \t]*/.exec(text.slice(column + 1))?.[0].length ?? 0;
  const inner = column + 1 + after;
  const isBelow = inner >= lineEnd(text, 0) || text[inner] === "#";
  if (isBelow) return openedBelow(text, parting, column + 1, undefined);
  if (!isKey(text, inner)) return undefined;
  const lines = `${" ".repeat(inner)}${text.slice(inner)}`;
  const found = parted(lines, { ...parting, column: inner, kind: "mapping" });
  return found && frameOf(found, 0, inner, "mapping", { from: column, mark: column + 1 });
}

/** A pair whose value is a mapping or list in the lines below its key. */
function openedPair(text: string, parting: Parting): Frame | undefined {
  const { column } = parting;
  KEY.lastIndex = column;
  const mark = KEY.exec(text) ? KEY.lastIndex : 0;
  const rest = text.slice(mark, lineEnd(text, mark)).trim();
  if (rest && !rest.startsWith("#")) return undefined;
  const alone = readEntries(`${text.slice(0, mark)}\n`, column, "mapping", false);
  const key = alone?.isSound ? alone.frames[0]?.entry?.key : undefined;
  return key && openedBelow(text, parting, mark, key);
}

/** An entry with a mapping or list in the lines below `mark`. */
function openedBelow(text: string, parting: Parting, mark: number, key: Node | undefined): Frame | undefined {
  const { column } = parting;
  const start = endOfTrivia(text, mark);
  const inner = indentOf(text, start);
  const kind = isDash(text, start + inner) ? "sequence" : "mapping";
  const isInside = inner > column || (key !== undefined && kind === "sequence" && inner === column);
  if (start >= text.length || !isInside) return undefined;
  const found = parted(text.slice(start), { ...parting, column: inner, kind });
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

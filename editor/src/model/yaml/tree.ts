/** A text with its syntax, and what an edit makes of it: only the entries around the edit are parsed again. */

import { apply, type Change, type Edit, trimmed } from "../text";
import type { Collection, Entry, Frame, Node, SyntaxProblem } from "./node";
import { parseEntries, parseText } from "./parts";

/** Edits so near to each other are one for the parser. */
const NEAR = 2000;

export interface Range {
  readonly from: number;
  readonly to: number;
}

/** What is the same thing although it was cut here and pasted there: the start of an entry before and after. */
export type Moved = Range;

export class Tree {
  private starts: Map<Frame, number> | undefined;
  private named: Map<string, Node[]> | undefined;
  private ids: Map<number, Entry> | undefined;

  private constructor(
    readonly text: string,
    readonly top: Frame,
  ) {}

  static parse(text: string): Tree {
    return new Tree(text, parseText(text));
  }

  get root(): Node {
    return this.top.root as Node;
  }

  /** The tree of the text after the change. Entries that are still there keep their `id`. */
  updated(change: Change, moved: readonly Moved[] = []): Tree {
    let { text, top } = this;
    for (const group of grouped(change).reverse()) {
      const after = apply(text, group);
      top = replaced(top, text, after, group);
      text = after;
    }
    const tree = new Tree(text, top);
    for (const each of moved) keepIds(this.entryAt(each.from), tree.entryAt(each.to));
    return tree;
  }

  /** Where a frame begins in the text. */
  private start(frame: Frame): number {
    this.starts ??= startsOf(this.top);
    const found = this.starts.get(frame);
    if (found === undefined) throw new Error("the node is of another version of the text");
    return found;
  }

  /** Whether the node or entry is of this version of the text. */
  has(part: Node | Entry): boolean {
    this.starts ??= startsOf(this.top);
    return this.starts.has(part.frame);
  }

  from(part: Node | Entry): number {
    return this.start(part.frame) + part.from;
  }

  /** Where a value begins without its anchor and tag. */
  inner(node: Node): number {
    return this.start(node.frame) + node.inner;
  }

  /** Behind the colon or dash of an entry. */
  mark(entry: Entry): number | undefined {
    return entry.mark === undefined ? undefined : this.start(entry.frame) + entry.mark;
  }

  to(part: Node | Entry): number {
    if ("value" in part) return Math.max(this.to(part.value), this.mark(part) ?? 0);
    const start = this.start(part.frame);
    if (part.kind !== "mapping" && part.kind !== "sequence") return start + part.to;
    if (part.close !== undefined) return start + part.close;
    const last = part.entries.at(-1);
    return last ? this.to(last) : start + part.inner;
  }

  /** Where the lines of a block scalar begin. */
  body(node: Node): number | undefined {
    return node.kind === "scalar" && node.body !== undefined ? this.start(node.frame) + node.body : undefined;
  }

  range(part: Node | Entry): Range {
    return { from: this.from(part), to: this.to(part) };
  }

  source(part: Node | Entry): string {
    return this.text.slice(this.from(part), this.to(part));
  }

  /** The entry with this identity. */
  find(id: number): Entry | undefined {
    if (!this.ids) {
      this.ids = new Map();
      each([[this.top, 0]], (entry) => this.ids?.set(entry.id, entry));
    }
    return this.ids.get(id);
  }

  /** The innermost entry that begins there; of two that begin at the same place the outer one. */
  entryAt(offset: number): Entry | undefined {
    return this.path(offset).find((each) => this.from(each) === offset);
  }

  /** The entries that contain an offset, the outermost first. White space before an entry is not in it. */
  path(offset: number): Entry[] {
    const found: Entry[] = [];
    let node: Node | undefined = this.root;
    while (node && (node.kind === "mapping" || node.kind === "sequence")) {
      const entry: Entry | undefined = node.entries.find(
        (each) => this.from(each) <= offset && offset <= Math.max(this.to(each), this.from(each)),
      );
      if (!entry) break;
      found.push(entry);
      node = entry.key && offset <= this.to(entry.key) ? undefined : entry.value;
    }
    return found;
  }

  /** The values with an anchor, by its name, in the order of the text. */
  get anchors(): ReadonlyMap<string, readonly Node[]> {
    this.starts ??= startsOf(this.top);
    if (!this.named) {
      this.named = new Map<string, Node[]>();
      const found = [...this.starts.keys()].flatMap((frame) => frame.anchored);
      for (const node of found.sort((a, b) => this.from(a) - this.from(b))) {
        const name = node.anchor ?? "";
        this.named.set(name, [...(this.named.get(name) ?? []), node]);
      }
    }
    return this.named;
  }

  /** What an alias repeats; undefined if there is no such anchor before it. Any other value is itself. */
  resolved(node: Node): Node | undefined {
    if (node.kind !== "alias") return node;
    const before = this.from(node);
    return this.anchors.get(node.name)?.findLast((each) => this.from(each) < before);
  }

  get problems(): SyntaxProblem[] {
    this.starts ??= startsOf(this.top);
    return [...this.starts].flatMap(([frame, start]) =>
      frame.problems.map((each) => ({ ...each, from: start + each.from, to: start + each.to })),
    );
  }
}

function startsOf(top: Frame): Map<Frame, number> {
  const found = new Map<Frame, number>();
  const visit = (frame: Frame, start: number) => {
    found.set(frame, start);
    for (const collection of frame.inside) {
      for (const [index, entry] of collection.entries.entries()) {
        visit(entry.frame, start + (collection.starts?.[index] ?? 0));
      }
    }
  };
  visit(top, 0);
  return found;
}

/** The edits, with those near to each other together. */
function grouped(change: Change): Edit[][] {
  const found: Edit[][] = [];
  for (const edit of change) {
    const last = found.at(-1);
    if (last && edit.from - (last.at(-1)?.to ?? 0) < NEAR) last.push(edit);
    else found.push([edit]);
  }
  return found;
}

function replaced(top: Frame, before: string, after: string, change: Change): Frame {
  const [first, last] = [change[0], change.at(-1)];
  if (!first || !last) return top;
  const added = after.length - before.length;
  const hull = { from: first.from, to: last.to, insert: after.slice(first.from, last.to + added) };
  const [edit] = trimmed(before, [hull]);
  if (!edit) return top;
  const found = within(top, 0, { before, after, edit, change, delta: added });
  if (found && !hasStale(found, top)) return found;
  const fresh = parseText(after);
  carryIds([[top, 0]], [[fresh, 0]], change);
  return fresh;
}

/** Whether something is still broken elsewhere: the edit may have mended that, too. */
function hasStale(fresh: Frame, old: Frame): boolean {
  const broken = [...startsOf(fresh).keys()].filter((each) => each.problems.length > 0);
  if (broken.length === 0) return false;
  const before = startsOf(old);
  return broken.some((each) => before.has(each));
}

interface Edited {
  before: string;
  after: string;
  /** From the first to the last character that is another one. */
  edit: Edit;
  change: Change;
  delta: number;
}

/** The frame with the edit made in some of its entries; undefined if that is not possible. */
function within(frame: Frame, base: number, edited: Edited): Frame | undefined {
  const { before, edit, delta } = edited;
  // What is broken around the edit may be mended by it, so it is parsed again, too.
  if (frame.problems.length > 0) return undefined;
  for (const collection of frame.inside) {
    const starts = (collection.starts ?? []).map((each) => base + each);
    const [begin, end] = [starts[0] ?? 0, starts.at(-1) ?? 0];
    const isInside = edit.from > begin && (edit.to < end || (edit.to === end && end === before.length));
    if (!isInside) continue;
    const first = starts.findLastIndex((each) => each < edit.from);
    const last = Math.min(
      starts.slice(0, -1).findLastIndex((each) => each <= edit.to),
      collection.entries.length - 1,
    );
    const [from, to] = [starts[first] ?? 0, starts[last + 1] ?? 0];
    const old = collection.entries.slice(first, last + 1).map((each) => each.frame);
    const run = changedRun(collection, old, from, to, edited);
    if (!run) return undefined;
    const entries = collection.entries.toSpliced(first, old.length, ...run.frames.map((each) => each.entry as Entry));
    const isLast = last === collection.entries.length - 1;
    const behind = isLast ? [run.end] : starts.slice(last + 1).map((each) => each + delta);
    const places = [...starts.slice(0, first), ...run.starts, ...behind].map((each) => each - base);
    return shifted(frame, to - base, delta, collection, { entries, starts: places });
  }
  return undefined;
}

/** The frames that take the place of `old`, which was at from:to. Offsets are those of the whole text after. */
function changedRun(
  collection: Collection,
  old: Frame[],
  from: number,
  to: number,
  edited: Edited,
): { frames: Frame[]; starts: number[]; end: number } | undefined {
  const { after, delta, change } = edited;
  const only = old.length === 1 ? old[0] : undefined;
  const inner = only ? within(only, from, edited) : undefined;
  if (inner) return { frames: [inner], starts: [from], end: to + delta };
  const text = after.slice(from, to + delta);
  const isLast = to + delta === after.length;
  const found = parseEntries(text, collection.column, collection.kind, isLast);
  if (!found) return undefined;
  const olds = old.map((each, index): Placed => [each, placeOf(collection, old, index, from)]);
  const placed = found.frames.map((each, index): Placed => [each, from + (found.starts[index] ?? 0)]);
  carryIds(olds, placed, change);
  const end = isLast ? after.length : to + delta;
  return { frames: found.frames, starts: found.starts.slice(0, found.frames.length).map((each) => from + each), end };
}

function placeOf(collection: Collection, old: Frame[], index: number, from: number): number {
  const first = collection.entries.findIndex((each) => each.frame === old[0]);
  const starts = collection.starts ?? [];
  return from + (starts[first + index] ?? 0) - (starts[first] ?? 0);
}

/** A copy of the frame in which what is behind `cut` has moved by `delta`, and one collection has other entries. */
function shifted(
  frame: Frame,
  cut: number,
  delta: number,
  target: Collection,
  change: Pick<Collection, "entries" | "starts">,
): Frame {
  const at = (offset: number) => (offset >= cut ? offset + delta : offset);
  const fresh: { -readonly [K in keyof Frame]: Frame[K] } & { inside: Collection[]; anchored: Node[] } = {
    inside: [],
    anchored: [],
    problems: frame.problems.map((each) => ({ ...each, from: at(each.from), to: at(each.to) })),
  };
  const entry = (each: Entry): Entry => ({
    ...each,
    frame: fresh,
    from: at(each.from),
    ...(each.mark === undefined ? {} : { mark: at(each.mark) }),
    ...(each.key ? { key: node(each.key) } : {}),
    value: node(each.value),
  });
  const node = (each: Node): Node => {
    const copy = copied(each);
    if (copy.anchor) fresh.anchored.push(copy);
    return copy;
  };
  const copied = (each: Node): Node => {
    const place = { frame: fresh, from: at(each.from), inner: at(each.inner) };
    if (each.kind !== "mapping" && each.kind !== "sequence") {
      const body = each.kind === "scalar" && each.body !== undefined ? { body: at(each.body) } : {};
      return { ...each, ...place, ...body, to: at(each.to) };
    }
    const close = each.close === undefined ? {} : { close: at(each.close) };
    if (!each.starts) return { ...each, ...place, ...close, entries: each.entries.map(entry) };
    const copy =
      each === target ? { ...each, ...place, ...change } : { ...each, ...place, starts: each.starts.map(at) };
    fresh.inside.push(copy);
    return copy;
  };
  if (frame.root) fresh.root = node(frame.root);
  if (frame.entry) fresh.entry = entry(frame.entry);
  return fresh;
}

// --- identity --------------------------------------------------------------------------------------------------------

type Placed = [Frame, number];

/** Entries that the edit has only moved are the same as before. */
function carryIds(old: Placed[], fresh: Placed[], change: Change): void {
  const ids = new Map<number, number[]>();
  each(old, (entry, at) => {
    const place = placeAfter(at, change);
    if (place === undefined) return;
    const found = ids.get(place);
    if (found) found.push(entry.id);
    else ids.set(place, [entry.id]);
  });
  each(fresh, (entry, at) => {
    const id = ids.get(at)?.shift();
    if (id !== undefined) (entry as { id: number }).id = id;
  });
}

/** Where a place is after the change; undefined if what was there is gone. */
function placeAfter(at: number, change: Change): number | undefined {
  let moved = 0;
  for (const { from, to, insert } of change) {
    if (from > at) break;
    if (at < to) return undefined;
    moved += insert.length - (to - from);
  }
  return at + moved;
}

function each(frames: Placed[], see: (entry: Entry, at: number) => void): void {
  for (const [frame, start] of frames) {
    if (frame.entry) visit(frame.entry, start, see);
    if (frame.root) visitNode(frame.root, start, see);
  }
}

function visit(entry: Entry, start: number, see: (entry: Entry, at: number) => void): void {
  see(entry, start + entry.from);
  visitNode(entry.value, start, see);
}

function visitNode(node: Node, start: number, see: (entry: Entry, at: number) => void): void {
  if (node.kind !== "mapping" && node.kind !== "sequence") return;
  for (const [index, entry] of node.entries.entries()) visit(entry, start + (node.starts?.[index] ?? 0), see);
}

/** The entries of `fresh` are those of `old`, in their order. */
function keepIds(old: Entry | undefined, fresh: Entry | undefined): void {
  if (!old || !fresh) return;
  (fresh as { id: number }).id = old.id;
  const [before, after] = [old.value, fresh.value];
  if (before.kind !== after.kind || !("entries" in before) || !("entries" in after)) return;
  for (const [index, entry] of after.entries.entries()) keepIds(before.entries[index], entry);
}

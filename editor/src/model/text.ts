/** Edits of a text. Offsets count UTF-16 units, as JavaScript and CodeMirror do. */

/** `text.slice(from, to)` becomes `insert`. */
export interface Edit {
  readonly from: number;
  readonly to: number;
  readonly insert: string;
}

/** Edits of one text, in its order; none touches another. All offsets are those of the text before. */
export type Change = readonly Edit[];

export function apply(text: string, change: Change): string {
  let result = "";
  let done = 0;
  for (const edit of change) {
    result += text.slice(done, edit.from) + edit.insert;
    done = edit.to;
  }
  return result + text.slice(done);
}

/** The change that takes `change` back: `apply(apply(text, change), inverse(text, change)) === text`. */
export function inverse(text: string, change: Change): Change {
  let moved = 0;
  return change.map(({ from, to, insert }) => {
    const edit = { from: from + moved, to: from + moved + insert.length, insert: text.slice(from, to) };
    moved += insert.length - (to - from);
    return edit;
  });
}

/** Where an offset is after the change. side: -1 stays before what is inserted there, 1 goes behind it. */
export function mapped(offset: number, change: Change, side: -1 | 1 = 1): number {
  let moved = 0;
  for (const { from, to, insert } of change) {
    if (from > offset || (from === offset && side < 0)) break;
    if (to > offset) return from + moved + (side > 0 ? insert.length : 0);
    moved += insert.length - (to - from);
  }
  return offset + moved;
}

/** One change that does what `first` and then `second` do; `second` counts in the text after `first`. */
export function composed(first: Change, second: Change): Change {
  const pieces = piecesAfter(first);
  const found: Piece[] = [];
  let at = 0; // of the first piece, in the text after `first`
  const take = (until: number, into: Piece[]) => {
    while (at < until && pieces.length > 0) {
      const piece = pieces.shift() as Piece;
      const most = Math.min(sizeOf(piece), until - at);
      into.push(part(piece, 0, most));
      if (most < sizeOf(piece)) pieces.unshift(part(piece, most, sizeOf(piece)));
      at += most;
    }
  };
  for (const { from, to, insert } of second) {
    take(from, found);
    take(to, []);
    found.push(insert);
  }
  return changeOf([...found, ...pieces]);
}

/** A part of the text before, or a text that was inserted. */
type Piece = string | { readonly from: number; readonly to: number };

function piecesAfter(change: Change): Piece[] {
  const ends = [0, ...change.map((each) => each.to)];
  const kept = [...change.map((each) => each.from), Number.POSITIVE_INFINITY];
  return ends.flatMap((from, index) => [{ from, to: kept[index] ?? from }, change[index]?.insert ?? ""]);
}

function sizeOf(piece: Piece): number {
  return typeof piece === "string" ? piece.length : piece.to - piece.from;
}

function part(piece: Piece, from: number, to: number): Piece {
  return typeof piece === "string" ? piece.slice(from, to) : { from: piece.from + from, to: piece.from + to };
}

function changeOf(pieces: readonly Piece[]): Change {
  const edits: Edit[] = [];
  let [done, insert] = [0, ""];
  for (const piece of pieces) {
    if (typeof piece === "string") insert += piece;
    else if (piece.to > piece.from) {
      if (piece.from > done || insert) edits.push({ from: done, to: piece.from, insert });
      [done, insert] = [piece.to, ""];
    }
  }
  return edits;
}

/** Edits that touch become one. */
function joined(edits: Edit[]): Change {
  const found: Edit[] = [];
  for (const edit of edits) {
    const last = found.at(-1);
    if (last && last.to === edit.from) {
      found[found.length - 1] = { from: last.from, to: edit.to, insert: last.insert + edit.insert };
    } else found.push(edit);
  }
  return found.filter((each) => each.from !== each.to || each.insert !== "");
}

/** Edits in any order as a change. None may overlap another; those that touch become one. */
export function sorted(edits: readonly Edit[]): Change {
  return joined([...edits].sort((a, b) => a.from - b.from || a.to - b.to));
}

/** The change without what stays the same at the ends of its edits. */
export function trimmed(text: string, change: Change): Change {
  return change.flatMap(({ from, to, insert }) => {
    const most = Math.min(to - from, insert.length);
    let start = 0;
    while (start < most && text[from + start] === insert[start]) start += 1;
    let end = 0;
    while (end < most - start && text[to - 1 - end] === insert[insert.length - 1 - end]) end += 1;
    const edit = { from: from + start, to: to - end, insert: insert.slice(start, insert.length - end) };
    return edit.from === edit.to && !edit.insert ? [] : [edit];
  });
}

/** The one edit that makes `after` of `before`. */
export function difference(before: string, after: string): Change {
  return trimmed(before, [{ from: 0, to: before.length, insert: after }]);
}

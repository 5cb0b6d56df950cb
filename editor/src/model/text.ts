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

/**
 * The syntax of a YAML text as ranges. Nothing here repeats the text: to write is to edit the text.
 *
 * A frame is a part of the text that is parsed by itself: an entry of a block sequence, or of the mapping at the top.
 * Offsets count from the start of a node's frame, so what did not change keeps its nodes wherever it moves to. `Tree`
 * knows where frames are.
 */

export type Node = Mapping | Sequence | Scalar | Alias | Empty;
export type Collection = Mapping | Sequence;
export type Flavour = "block" | "flow";
export type ScalarStyle = "plain" | "single" | "double" | "literal" | "folded";

interface Base {
  readonly frame: Frame;
  /** Where it begins, with its anchor and tag. */
  readonly from: number;
  /** Where it begins without them. */
  readonly inner: number;
  readonly anchor?: string;
  readonly tag?: string;
}

interface Leaf extends Base {
  /** Behind its last character. A block scalar ends before its last newline. */
  readonly to: number;
}

export interface Scalar extends Leaf {
  readonly kind: "scalar";
  readonly style: ScalarStyle;
  /** The text without quotes, escapes, indentation and folding. */
  readonly text: string;
  /** Of a block scalar: where its lines begin. */
  readonly body?: number;
}

export interface Alias extends Leaf {
  readonly kind: "alias";
  readonly name: string;
}

/** A value that is not written: `key:`. */
export interface Empty extends Leaf {
  readonly kind: "empty";
}

interface Entries extends Base {
  readonly style: Flavour;
  /** The column of its first entry, from 0. */
  readonly column: number;
  readonly entries: readonly Entry[];
  /** Behind the bracket that closes it; undefined in block style, where the last entry is the end. */
  readonly close?: number;
  /** Where the frames of its entries begin, and where the last one ends; undefined if the entries have no frames. */
  readonly starts?: readonly number[];
}

/** A mapping: its entries have keys. */
export interface Mapping extends Entries {
  readonly kind: "mapping";
}

export interface Sequence extends Entries {
  readonly kind: "sequence";
}

/** A pair of a mapping, or an item of a sequence. */
export interface Entry {
  /** The same through edits elsewhere, and different from that of every other entry. */
  readonly id: number;
  readonly frame: Frame;
  /** Where it begins: its dash or key; in flow style its first character. */
  readonly from: number;
  readonly key?: Node;
  /** Behind the colon of a pair, or the dash of an item in block style; undefined if there is none. */
  readonly mark?: number;
  readonly value: Node;
}

export interface SyntaxProblem {
  readonly from: number;
  readonly to: number;
  readonly message: string;
}

export interface Frame {
  /** Its value; undefined for an entry. */
  readonly root?: Node;
  /** What it holds; undefined for the frame of the whole text. */
  readonly entry?: Entry;
  /** The collections in it whose entries are frames, in the order of the text. */
  readonly inside: readonly Collection[];
  /** The values with an anchor in it, in the order of the text. */
  readonly anchored: readonly Node[];
  readonly problems: readonly SyntaxProblem[];
}

let last = 0;

export function freshId(): number {
  last += 1;
  return last;
}

/** The text of a key; undefined if it is no text. */
export function keyOf(entry: Entry): string | undefined {
  return entry.key?.kind === "scalar" ? entry.key.text : undefined;
}

/** The entry of a mapping with this key. */
export function pair(node: Node | undefined, key: string): Entry | undefined {
  return node?.kind === "mapping" ? node.entries.find((each) => keyOf(each) === key) : undefined;
}

/** The value of a mapping at this key. */
export function get(node: Node | undefined, key: string): Node | undefined {
  return pair(node, key)?.value;
}

export function isCollection(node: Node): node is Collection {
  return node.kind === "mapping" || node.kind === "sequence";
}

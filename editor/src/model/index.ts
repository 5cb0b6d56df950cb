/**
 * The heart of the editor: flow files as texts, what they say, and what can be done to them. No DOM, no framework.
 *
 * `read` opens the texts of one integration; `changed` is it after edits. Views (`Flow`, `Lane`, `Block`, ...) are plain
 * values. One that an edit has not touched is the same object before and after, so it may be compared with `===`, and
 * its `key` is for lists. Where it is in the text says `file.tree`: `tree.range(block.entry)`.
 */

export * from "./catalogue";
export * from "./commands";
export type { Block, Flow, FlowFile, Lane, Named, Setting, Source } from "./document";
export { isNothing, labelOf, plainOf, textOf } from "./document";
export { followed } from "./followed";
export * from "./graph";
export * from "./history";
export {
  blocksIn,
  blocksOf,
  type Changes,
  changed,
  connectorOf,
  type Integration,
  lanesOfFlow,
  read,
  without,
} from "./integration";
export { type OutlineEntry, outline } from "./outline";
export * from "./problems";
export * from "./search";
export * from "./selection";
export * from "./text";
export type { Alias, Empty, Entry, Mapping, Node, Scalar, Sequence, SyntaxProblem } from "./yaml/node";
export { get, keyOf, pair } from "./yaml/node";
export { type Range, Tree } from "./yaml/tree";
export { dataOf, type Value } from "./yaml/value";

/** Set and remove values at any depth below an entry, with as little of the text changed as can be. */

import { isNothing } from "../document";
import { valueEdits } from "../yaml/edit";
import { type Entry, isCollection, keyOf, type Node } from "../yaml/node";
import { entryOf } from "../yaml/place";
import { dataOf, type Value } from "../yaml/value";
import { isList, isMap } from "../yaml/write";
import { type Draft, Refusal } from "./draft";

export type Step = string | number;

/** The keys of a mapping in their usual order. */
export type Order = readonly string[];

/** How values at a path are written. */
export interface Manner {
  /** The order of the keys of the base, and of the keys of a mapping in it. */
  readonly order?: Order;
  readonly inner?: Order;
  /** The field that a value stands for which is no mapping: `- body.ok` for `- {that: body.ok}`. */
  readonly short?: (path: readonly Step[]) => string | undefined;
}

/** Set the value at a path below the value of an entry. What is missing on the way is made. */
export function assign(draft: Draft, base: number, path: readonly Step[], value: Value, manner: Manner = {}): void {
  const { order = [], inner = [], short } = manner;
  let id = base;
  for (const [index, step] of path.entries()) {
    const field = index > 0 ? short?.(path.slice(0, index)) : undefined;
    if (field !== undefined) writeOut(draft, id, field);
    const node = ownValue(draft, id);
    const entry = isCollection(node) ? entryOf(node, step) : undefined;
    if (!entry) {
      const rest = path.slice(index + 1).reduceRight<Value>((each, one) => nested(one, each), value);
      add(draft, id, step, rest, index === 0 ? order : index === 1 ? inner : []);
      return;
    }
    id = entry.id;
  }
  replace(draft, id, value);
}

/** Write a value that is no mapping as the mapping that it stands for. */
function writeOut(draft: Draft, id: number, field: string): void {
  const node = ownValue(draft, id);
  if (node.kind === "scalar") replace(draft, id, { [field]: dataOf(draft.tree, node) });
}

/** Remove what is at a path. */
export function unset(draft: Draft, base: number, path: readonly Step[]): void {
  const ids = [base];
  for (const step of path) {
    const node = ownValue(draft, ids.at(-1) as number);
    const entry = isCollection(node) ? entryOf(node, step) : undefined;
    if (!entry) return;
    ids.push(entry.id);
  }
  draft.remove(ids.at(-1) as number);
}

/** The value of an entry, if it is written there and not repeated from elsewhere. */
export function ownValue(draft: Draft, id: number): Node {
  const node = draft.place(id).entry.value;
  if (node.kind !== "alias") return node;
  throw new Refusal(
    `This is repeated with \`*${node.name}\`. Change it where \`&${node.name}\` stands, or in the text.`,
  );
}

function nested(step: Step, inner: Value): Value {
  if (typeof step === "string") return { [step]: inner };
  if (step === 0) return [inner];
  throw new Refusal("A list has no gaps.");
}

function add(draft: Draft, id: number, step: Step, value: Value, order: Order): void {
  const node = ownValue(draft, id);
  const count = isCollection(node) ? node.entries.length : 0;
  if (node.kind === "scalar" && !isNothing(node)) {
    throw new Refusal(
      `\`${node.text.slice(0, 30)}\` stands here, where a ${typeof step === "number" ? "list" : "mapping"} should be.`,
    );
  }
  if (typeof step === "number") {
    if (node.kind === "mapping" && count > 0) throw new Refusal("This is a mapping, not a list.");
    if (step !== count) throw new Refusal("A list has no gaps.");
    if (node.kind === "scalar") replace(draft, id, [value]);
    else draft.insert(id, step, { value });
    return;
  }
  if (node.kind === "sequence" && count > 0) throw new Refusal("This is a list, not a mapping.");
  if (node.kind === "scalar") replace(draft, id, { [step]: value });
  else draft.insert(id, indexFor(node, step, order), { key: step, value });
}

/** Where a key comes among those that are there. */
export function indexFor(node: Node, key: string, order: Order): number {
  if (!isCollection(node)) return 0;
  const rank = order.indexOf(key);
  if (rank < 0) return node.entries.length;
  const ranks = node.entries.map((each) => order.indexOf(keyOf(each) ?? ""));
  const before = ranks.findLastIndex((each) => each >= 0 && each < rank);
  if (before >= 0) return before + 1;
  const behind = ranks.findIndex((each) => each > rank);
  return behind >= 0 ? behind : node.entries.length;
}

/** Give an entry another value. Of lists and mappings only what differs is touched. */
export function replace(draft: Draft, id: number, value: Value): void {
  const { entry } = draft.place(id);
  const node = entry.value;
  if (node.kind !== "alias" && isSame(dataOf(draft.tree, node), value)) return;
  if (node.kind === "mapping" && isMap(value) && node.entries.length > 0 && Object.keys(value).length > 0) {
    replacePairs(draft, id, value);
  } else if (node.kind === "sequence" && isList(value) && node.entries.length > 0 && value.length > 0) {
    replaceItems(draft, id, value);
  } else {
    draft.edit(valueEdits(draft.tree, draft.place(id), value));
  }
}

function replacePairs(draft: Draft, id: number, value: { readonly [key: string]: Value }): void {
  for (const [key, each] of Object.entries(value)) {
    const found = entriesOf(draft, id).find((one) => keyOf(one) === key);
    if (found) replace(draft, found.id, each);
    else draft.insert(id, entriesOf(draft, id).length, { key, value: each });
  }
  for (const entry of entriesOf(draft, id)) {
    if (!Object.hasOwn(value, keyOf(entry) ?? "")) draft.remove(entry.id);
  }
}

/** Items that are equal at the ends of both lists stay; of the rest, those at the same place are replaced. */
function replaceItems(draft: Draft, id: number, value: readonly Value[]): void {
  const old = entriesOf(draft, id);
  const values = old.map((each) => dataOf(draft.tree, each.value));
  const most = Math.min(old.length, value.length);
  let start = 0;
  while (start < most && isSame(values[start] as Value, value[start] as Value)) start += 1;
  let end = 0;
  while (end < most - start && isSame(values.at(-1 - end) as Value, value.at(-1 - end) as Value)) end += 1;
  const [gone, fresh] = [old.slice(start, old.length - end), value.slice(start, value.length - end)];
  for (const [index, each] of fresh.entries()) {
    const entry = gone[index];
    if (entry) replace(draft, entry.id, each);
    else draft.insert(id, start + index, { value: each });
  }
  for (const entry of gone.slice(fresh.length)) draft.remove(entry.id);
}

function entriesOf(draft: Draft, id: number): readonly Entry[] {
  const node = draft.place(id).entry.value;
  return isCollection(node) ? node.entries : [];
}

/** Whether two values are the same, with their keys in any order. */
export function isSame(a: Value, b: Value): boolean {
  if (isList(a) && isList(b)) return a.length === b.length && a.every((each, index) => isSame(each, b[index] as Value));
  if (!isMap(a) || !isMap(b)) return Object.is(a, b);
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((each) => Object.hasOwn(b, each) && isSame(a[each] as Value, b[each] as Value))
  );
}

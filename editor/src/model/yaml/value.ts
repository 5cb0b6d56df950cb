/** The value of a node as data, with aliases and merge keys carried out. */

import { type Entry, keyOf, type Mapping, type Node } from "./node";
import { meaning, type Plain } from "./scalar";
import type { Tree } from "./tree";

export type Value = Plain | readonly Value[] | { readonly [key: string]: Value };

/** Aliases of aliases may stand for more than any memory holds. */
const MOST_REPEATED = 100_000;

export function dataOf(tree: Tree, node: Node): Value {
  let repeated = 0;
  const read = (each: Node, depth: number): Value => {
    const found = tree.resolved(each);
    if (each.kind === "alias") repeated += 1;
    if (!found || depth > 100 || repeated > MOST_REPEATED) return null;
    if (found.kind === "scalar") return meaning(found);
    if (found.kind === "sequence") return found.entries.map((entry) => read(entry.value, depth + 1));
    if (found.kind !== "mapping") return null;
    const pairs = [...pairsOf(tree, found)].map(([key, entry]): [string, Value] => [key, read(entry.value, depth + 1)]);
    return Object.fromEntries(pairs);
  };
  return read(node, 0);
}

/** The pairs of a mapping by key: its own, then those that `<<` merges in. Of a key that is there twice, the first. */
export function pairsOf(tree: Tree, node: Mapping, depth = 0): Map<string, Entry> {
  const found = new Map<string, Entry>();
  const merged: Entry[] = [];
  for (const entry of node.entries) {
    const key = keyOf(entry) ?? aliasKey(tree, entry);
    if (key === undefined) continue;
    if (isMerge(entry)) merged.push(...sources(tree, entry.value, depth));
    else if (!found.has(key)) found.set(key, entry);
  }
  for (const entry of merged) {
    const key = keyOf(entry) ?? "";
    if (!found.has(key)) found.set(key, entry);
  }
  return found;
}

function aliasKey(tree: Tree, entry: Entry): string | undefined {
  const node = entry.key && tree.resolved(entry.key);
  return node?.kind === "scalar" ? node.text : undefined;
}

export function isMerge(entry: Entry): boolean {
  return entry.key?.kind === "scalar" && entry.key.text === "<<" && entry.key.style === "plain";
}

function sources(tree: Tree, node: Node, depth: number): Entry[] {
  const found = tree.resolved(node);
  if (depth > 20) return [];
  if (found?.kind === "mapping") return [...pairsOf(tree, found, depth + 1).values()];
  if (found?.kind === "sequence") return found.entries.flatMap((each) => sources(tree, each.value, depth + 1));
  return [];
}

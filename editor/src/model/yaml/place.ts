/** Where an entry is: in which collection, and whose value that is. */

import { type Collection, type Entry, isCollection, keyOf } from "./node";
import type { Tree } from "./tree";

export interface Place {
  readonly entry: Entry;
  readonly collection: Collection;
  readonly index: number;
  /** The entry whose value the collection is; undefined at the top. */
  readonly owner: Place | undefined;
}

/** Keys of mappings and indices of lists, from the top. */
export type Path = readonly (string | number)[];

export function placeOf(tree: Tree, entry: Entry): Place | undefined {
  let place: Place | undefined;
  for (const each of tree.path(tree.from(entry))) {
    place = placed(tree, each, place);
    if (each === entry) return place;
  }
  return undefined;
}

/** The place at a path, as far as it is written; aliases are not followed. */
export function placeAt(tree: Tree, path: Path): Place | undefined {
  let place: Place | undefined;
  for (const step of path) {
    const node = place ? place.entry.value : tree.root;
    const entry = isCollection(node) ? entryOf(node, step) : undefined;
    if (!entry) return undefined;
    place = placed(tree, entry, place);
  }
  return place;
}

export function entryOf(node: Collection, step: string | number): Entry | undefined {
  if (node.kind === "sequence") return typeof step === "number" ? node.entries[step] : undefined;
  return node.entries.find((each) => keyOf(each) === `${step}`);
}

export function pathOf({ entry, collection, index, owner }: Place): (string | number)[] {
  const step = collection.kind === "mapping" ? (keyOf(entry) ?? index) : index;
  return [...(owner ? pathOf(owner) : []), step];
}

function placed(tree: Tree, entry: Entry, owner: Place | undefined): Place {
  const collection = (owner ? owner.entry.value : tree.root) as Collection;
  return { entry, collection, index: collection.entries.indexOf(entry), owner };
}

/** The chains in the settings of a block: where the catalogue says they may be, and what is written there. */

import type { BlockType } from "./catalogue";
import type { Setting } from "./document";
import { type Entry, get, keyOf, type Node, pair } from "./yaml/node";
import { meaning } from "./yaml/scalar";
import type { Tree } from "./yaml/tree";
import { pairsOf } from "./yaml/value";

export type Step = string | number;

/** A chain that is written or may be. See `Lane`. */
export interface Found {
  readonly slot: string;
  readonly path: readonly Step[];
  readonly name: string;
  readonly entry: Entry | undefined;
  readonly node: Node | undefined;
  readonly chain: Node | undefined;
  readonly item: Entry | undefined;
  readonly isRepeated: boolean;
}

type Unnamed = Omit<Found, "name">;

/** The chains of a block, in the order of the catalogue. Of a list every item is one, also without a chain. */
export function lanesOf(tree: Tree, type: BlockType | undefined, settings: readonly Setting[]): Found[] {
  const taken = new Set<string>();
  return (type?.slots ?? []).flatMap((slot) =>
    written(tree, slot, settings).map((each) => ({ ...each, name: nameOf(tree, each, taken) })),
  );
}

function written(tree: Tree, slot: string, settings: readonly Setting[]): Unnamed[] {
  const [first = "", ...rest] = slot.replaceAll("[]", ".[]").split(".");
  const setting = settings.find((each) => each.name === first);
  const entry = setting?.entry;
  const isRepeated = setting?.isMerged === true || setting?.entry.value !== setting?.node;
  const start = { slot, path: [first], entry, node: setting?.node, chain: undefined, item: undefined, isRepeated };
  const ends = rest.reduce<Unnamed[]>((found, step) => found.flatMap((each) => inside(tree, each, step)), [start]);
  return ends.map((each) => ({ ...each, chain: each.node && chainOf(tree, each.node) }));
}

/** One step towards a slot: into the items of a list or map, or to a key. */
function inside(tree: Tree, from: Unnamed, step: string): Unnamed[] {
  const { node } = from;
  if (step !== "[]") return [reached(tree, from, step, pair(node, step))];
  const entries = node?.kind === "sequence" || node?.kind === "mapping" ? node.entries : [];
  return entries.map((item, index) => {
    const key = node?.kind === "mapping" ? (keyOf(item) ?? "") : index;
    return { ...reached(tree, from, key, item), item };
  });
}

function reached(tree: Tree, from: Unnamed, step: Step, entry: Entry | undefined): Unnamed {
  const node = resolved(tree, entry?.value);
  const isRepeated = from.isRepeated || entry?.value !== node;
  return { ...from, path: [...from.path, step], entry, node, isRepeated };
}

function resolved(tree: Tree, node: Node | undefined): Node | undefined {
  return node && (tree.resolved(node) ?? node);
}

/** The list of blocks in `[...]` or `{name, process: [...]}`. */
export function chainOf(tree: Tree, node: Node): Node | undefined {
  const found = tree.resolved(node);
  if (found?.kind !== "mapping") return found?.kind === "sequence" ? found : undefined;
  return resolved(tree, pairsOf(tree, found).get("process")?.value);
}

/** The name of a branch in an address: its key; in a list its own name, or else its index. */
function nameOf(tree: Tree, { path, node, item, slot }: Unnamed, taken: Set<string>): string {
  const last = path.length > 1 && path.at(-1) === "process" ? path.at(-2) : path.at(-1);
  let name = `${last}`;
  if (typeof last === "number" && item) {
    const holder = slot.endsWith("process") ? resolved(tree, item.value) : node;
    const given = get(holder, "name");
    const own = given && tree.resolved(given);
    const text = own?.kind === "scalar" ? meaning(own) : undefined;
    if (typeof text === "string" && text && !taken.has(text)) name = text;
  }
  if (node) taken.add(name);
  return name;
}

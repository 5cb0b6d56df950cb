/**
 * What a flow file says, as the editor shows it: derived from its text and the catalogue, right or wrong.
 *
 * Views hold nodes, not offsets: `file.tree` says where they are. What an edit has not touched is the same object
 * before and after, and `key` stays the same although the object changes.
 */

import { type BlockType, blockType, type Catalogue } from "./catalogue";
import { chainOf, type Found, lanesOf } from "./lanes";
import { type Entry, get, isCollection, keyOf, type Node, pair } from "./yaml/node";
import { meaning, type Plain } from "./yaml/scalar";
import type { Tree } from "./yaml/tree";
import { isMerge, pairsOf } from "./yaml/value";

/** A key that a block has beside its settings. */
export const RESERVED = ["type", "ref", "name", "settings"];

export interface FlowFile {
  readonly path: string;
  readonly tree: Tree;
  /** Everything at the top, in the order of the text, known or not. */
  readonly sections: readonly Entry[];
  readonly service: readonly Setting[];
  readonly env: readonly Named[];
  readonly connectors: readonly Named[];
  readonly processors: readonly Named[];
  readonly flows: readonly Flow[];
}

/** Something with a name in a list at the top: a variable, a connector, a processor. */
export interface Named {
  readonly kind: "variable" | "connector" | "processor";
  readonly file: string;
  readonly key: string;
  readonly entry: Entry;
  readonly name: string;
  readonly type: string;
  /** What is written: of a variable all but its name, of others what is below `settings`. */
  readonly settings: readonly Setting[];
}

/** A field with what is written in it. */
export interface Setting {
  readonly name: string;
  /** The pair. It may be that of a merged mapping. */
  readonly entry: Entry;
  /** The value, that of the anchor if an alias is written; an unknown alias is itself. */
  readonly node: Node;
  /** Whether it stands below `settings:`, and not beside `type:`. */
  readonly isBelow: boolean;
  /** Whether it stands elsewhere, and is merged in with `<<` or repeated with an alias. */
  readonly isMerged: boolean;
}

export interface Flow {
  readonly kind: "flow";
  readonly file: string;
  readonly key: string;
  readonly entry: Entry;
  /** A mapping, unless the file is wrong. */
  readonly node: Node;
  /** As others call it; `flow-3` if it has none of its own. It is the address, too. */
  readonly name: string;
  readonly isNamed: boolean;
  readonly source: Source | undefined;
  readonly process: Lane;
  readonly error: Lane | undefined;
  /** All that is written of it but `name`, `source`, `process` and `error`. */
  readonly settings: readonly Setting[];
}

export interface Source {
  readonly kind: "source";
  readonly file: string;
  readonly key: string;
  readonly entry: Entry;
  readonly node: Node;
  readonly type: string;
  /** The connector as written; "" if none is. `connectorOf` says which one it is. */
  readonly connector: string;
  readonly settings: readonly Setting[];
}

export interface Block {
  readonly kind: "block";
  readonly file: string;
  readonly key: string;
  /** As `octo check --outline` has it: `orders.route[0].charge#2`; "" for what is no block. */
  readonly address: string;
  readonly entry: Entry;
  /** A mapping, unless the file is wrong; that of the anchor if an alias is written. */
  readonly node: Node;
  /** Its type, that of its processor if it has a `ref`. */
  readonly type: string;
  readonly known: BlockType | undefined;
  readonly ref: string | undefined;
  /** Its `name:`. */
  readonly name: string | undefined;
  /** Its name, else its type. */
  readonly label: string;
  /** Whether it stands elsewhere and an alias around it repeats it here: it can be changed there only. */
  readonly isRepeated: boolean;
  /** All that is written in it, of its lanes too, but not `type`, `ref` and `name`. */
  readonly settings: readonly Setting[];
  /** Its chains in the order of the catalogue, with those that could be written but are not. */
  readonly lanes: readonly Lane[];
}

export interface Lane {
  readonly kind: "lane";
  readonly file: string;
  readonly key: string;
  /** The flow or block that it belongs to. */
  readonly owner: Entry;
  readonly of: "flow" | "block";
  /** Whether it stands elsewhere and is repeated here, by an alias or a merge key. */
  readonly isRepeated: boolean;
  /** `flow`, `flow[error]`, `flow.check[then]`. */
  readonly address: string;
  /** Where the catalogue has it: `then`, `cases[].process`; `process` and `error` of a flow. */
  readonly slot: string;
  /** The keys and indices to it, from the settings of its block or from its flow. */
  readonly path: readonly (string | number)[];
  /** The name in its address: the slot, the name of the branch, or its index. */
  readonly name: string;
  /** The pair or item at its path; undefined if nothing is written. */
  readonly entry: Entry | undefined;
  /** What is written at its path: a list, `{name, process}`, or nothing. */
  readonly node: Node | undefined;
  /** The list of its blocks. */
  readonly chain: Node | undefined;
  /** Of a case, a branch, a tool: the item of the list. */
  readonly item: Entry | undefined;
  /** What the item says besides: `when`, `name`, `description`. */
  readonly fields: readonly Setting[];
  readonly blocks: readonly Block[];
}

/** What views are made from. */
export interface Reading {
  readonly file: string;
  readonly tree: Tree;
  /** What they depend on besides their own text: views are kept as long as this is the same object. */
  readonly basis: object;
  readonly catalogue: Catalogue;
  /** The types of the processors of all files. */
  readonly processors: ReadonlyMap<string, string>;
}

// --- the parts of a file -----------------------------------------------------------------------------------------

/** The items of a list at the top: of `flows`, `connectors`, `env`, `processors`. */
export function itemsOf(tree: Tree, section: string): readonly Entry[] {
  const node = get(tree.root, section);
  const found = node && tree.resolved(node);
  return found?.kind === "sequence" ? found.entries : [];
}

export function named(reading: Reading, kind: Named["kind"], section: string): Named[] {
  return itemsOf(reading.tree, section).map((entry): Named => {
    const node = reading.tree.resolved(entry.value) ?? entry.value;
    const fields = settingsIn(reading.tree, node);
    const settings = kind === "variable" ? fields.filter((each) => each.name !== "name") : below(reading.tree, fields);
    const [name, type] = [labelOf(reading.tree, get(node, "name")), textOf(reading.tree, get(node, "type"))];
    return { kind, file: reading.file, key: `${entry.id}`, entry, name: name ?? "", type: type ?? "", settings };
  });
}

export function service(tree: Tree): Setting[] {
  const node = get(tree.root, "service");
  return node ? settingsIn(tree, node) : [];
}

const flows = new WeakMap<Entry, [object, Flow]>();

/** The flow of an item of `flows`. index: its place among the flows of all files. */
export function flowOf(reading: Reading, entry: Entry, index: number): Flow {
  const known = flows.get(entry);
  const node = reading.tree.resolved(entry.value) ?? entry.value;
  const written = labelOf(reading.tree, get(node, "name"));
  const name = written ?? `flow-${index + 1}`;
  if (known?.[0] === reading.basis && known[1].name === name) return known[1];
  const { file, tree } = reading;
  const key = `${entry.id}`;
  const fields = settingsIn(tree, node);
  const error = pair(node, "error");
  const flow: Flow = {
    kind: "flow",
    file,
    key,
    entry,
    node,
    name,
    isNamed: written !== undefined,
    source: sourceOf(reading, pair(node, "source")),
    process: lane(reading, rootLane("process", pair(node, "process"), tree), name, entry, "flow"),
    error: error && lane(reading, rootLane("error", error, tree), `${name}[error]`, entry, "flow"),
    settings: fields.filter((each) => !["name", "source", "process", "error"].includes(each.name)),
  };
  flows.set(entry, [reading.basis, flow]);
  return flow;
}

function rootLane(name: string, entry: Entry | undefined, tree: Tree): Found {
  const node = entry && (tree.resolved(entry.value) ?? entry.value);
  const isRepeated = entry?.value !== node;
  return {
    slot: name,
    path: [name],
    name,
    entry,
    node,
    chain: node && chainOf(tree, node),
    item: undefined,
    isRepeated,
  };
}

function sourceOf(reading: Reading, entry: Entry | undefined): Source | undefined {
  const { tree, file } = reading;
  const node = entry && (tree.resolved(entry.value) ?? entry.value);
  if (!entry || !node || isNothing(node)) return undefined;
  const [type, connector] = [textOf(tree, get(node, "type")), textOf(tree, get(node, "connector"))];
  const settings = below(tree, settingsIn(tree, node));
  const key = `${entry.id}`;
  return { kind: "source", file, key, entry, node, type: type ?? "", connector: connector ?? "", settings };
}

// --- chains and blocks -------------------------------------------------------------------------------------------

const blocks = new WeakMap<Entry, [object, Block]>();

function lane(reading: Reading, found: Found, address: string, owner: Entry, of: Lane["of"], isInside = false): Lane {
  const { slot, path, name, entry, node, chain, item } = found;
  const { tree, file } = reading;
  const holder = item && (tree.resolved(item.value) ?? item.value);
  const inside = slot.endsWith("[]") || slot.includes("[].") ? holder : undefined;
  const fields = inside ? settingsIn(tree, inside).filter((each) => each.name !== "process") : [];
  const key = item ? `${item.id}` : `${owner.id}:${path.join(".")}`;
  const isRepeated = isInside || found.isRepeated;
  const taken = new Map<string, number>();
  const items = chain?.kind === "sequence" ? chain.entries : [];
  const list = items.map((each) => blockOf(reading, each, address, taken, isRepeated));
  const where = { kind: "lane" as const, file, key, owner, of, isRepeated, address };
  return { ...where, slot, path, name, entry, node, chain, item, fields, blocks: list };
}

function blockOf(
  reading: Reading,
  entry: Entry,
  prefix: string,
  taken: Map<string, number>,
  isRepeated: boolean,
): Block {
  const { tree, file, catalogue } = reading;
  const node = tree.resolved(entry.value) ?? entry.value;
  if (node.kind !== "mapping") return noBlock(reading, entry, node, isRepeated);
  const { type, ref, name } = namesOf(reading, node);
  const label = name ?? type;
  const count = (taken.get(label) ?? 0) + 1;
  taken.set(label, count);
  const address = `${prefix}.${label}${count === 1 ? "" : `#${count}`}`;
  const known = blocks.get(entry);
  if (known?.[0] === reading.basis && known[1].address === address && known[1].isRepeated === isRepeated)
    return known[1];
  const settings = settingsOf(tree, node);
  const described = blockType(catalogue, type);
  const key = `${entry.id}`;
  const isInside = isRepeated || entry.value.kind === "alias";
  const lanes = lanesOf(tree, described, settings).map((found) =>
    lane(reading, found, `${address}[${found.name}]`, entry, "block", isInside),
  );
  const words = { address, type, known: described, ref, name, label };
  const block: Block = { kind: "block", file, key, entry, node, isRepeated, ...words, settings, lanes };
  blocks.set(entry, [reading.basis, block]);
  return block;
}

function noBlock({ file }: Reading, entry: Entry, node: Node, isRepeated: boolean): Block {
  const none = { type: "", known: undefined, ref: undefined, name: undefined, label: "", settings: [], lanes: [] };
  return { kind: "block", file, key: `${entry.id}`, address: "", entry, node, isRepeated, ...none };
}

function namesOf({ tree, catalogue, processors }: Reading, node: Node) {
  const fields = node.kind === "mapping" ? pairsOf(tree, node) : new Map<string, Entry>();
  const own = textOf(tree, fields.get("type")?.value);
  const ref = labelOf(tree, fields.get("ref")?.value);
  const written = own ?? textOf(tree, fields.get("ref")?.value) ?? "";
  const base = ref === undefined ? undefined : processors.get(ref);
  const isKnown = base !== undefined && (own === undefined || own === base) && blockType(catalogue, base) !== undefined;
  return { type: isKnown ? base : written, ref, name: labelOf(tree, fields.get("name")?.value) };
}

/** The settings of a block: what is below `settings`, and what is beside `type`. */
function settingsOf(tree: Tree, node: Node): Setting[] {
  const fields = settingsIn(tree, node);
  return [...below(tree, fields), ...fields.filter((each) => !RESERVED.includes(each.name))];
}

function below(tree: Tree, fields: readonly Setting[]): Setting[] {
  const settings = fields.find((each) => each.name === "settings");
  if (!settings) return [];
  const isElsewhere = settings.isMerged || settings.node !== settings.entry.value;
  return settingsIn(tree, settings.node, true, isElsewhere);
}

function settingsIn(tree: Tree, node: Node, isBelow = false, isElsewhere = false): Setting[] {
  if (node.kind !== "mapping") return [];
  const own = new Set(node.entries.filter((each) => !isMerge(each)));
  return [...pairsOf(tree, node)].map(([name, entry]) => ({
    name,
    entry,
    node: tree.resolved(entry.value) ?? entry.value,
    isBelow,
    isMerged: isElsewhere || !own.has(entry),
  }));
}

// --- words -------------------------------------------------------------------------------------------------------

/** Whether nothing is written, or null. */
export function isNothing(node: Node): boolean {
  return node.kind === "empty" || (node.kind === "scalar" && meaning(node) === null);
}

export function plainOf(tree: Tree, node: Node | undefined): Plain | undefined {
  const found = node && tree.resolved(node);
  return found?.kind === "scalar" ? meaning(found) : undefined;
}

/** A text that is not empty. */
export function textOf(tree: Tree, node: Node | undefined): string | undefined {
  const value = plainOf(tree, node);
  return typeof value === "string" && value ? value : undefined;
}

/** A name of the author's own: a text, or a number as it is written. */
export function labelOf(tree: Tree, node: Node | undefined): string | undefined {
  const found = node && tree.resolved(node);
  const isNumber = found?.kind === "scalar" && typeof meaning(found) === "number";
  return isNumber ? found.text : textOf(tree, node);
}

export function sectionsOf(tree: Tree): readonly Entry[] {
  return isCollection(tree.root) ? tree.root.entries.filter((each) => keyOf(each) !== undefined) : [];
}

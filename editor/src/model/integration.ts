/** The flow files that make up one integration, and what they are together. */

import { type Catalogue, connectorType } from "./catalogue";
import {
  type Block,
  type Flow,
  type FlowFile,
  flowOf,
  itemsOf,
  type Lane,
  type Named,
  named,
  type Reading,
  type Source,
  sectionsOf,
  service,
} from "./document";
import type { Change } from "./text";
import { type Moved, Tree } from "./yaml/tree";

/** The changes of several files, by path. */
export type Changes = ReadonlyMap<string, Change>;

export interface Integration {
  readonly catalogue: Catalogue;
  /** By path, in the order in which `octo` reads a folder. */
  readonly files: ReadonlyMap<string, FlowFile>;
  /** Of all files. */
  readonly flows: readonly Flow[];
  readonly connectors: readonly Named[];
  readonly processors: readonly Named[];
  readonly env: readonly Named[];
}

/** Read texts by their paths. Nothing is refused: what is wrong in a file is in `tree.problems`, the rest is there. */
export function read(texts: Iterable<readonly [string, string]>, catalogue: Catalogue): Integration {
  const trees = [...texts].map(([path, text]): [string, Tree] => [path, Tree.parse(text)]);
  return assembled(new Map(trees), catalogue, undefined);
}

/**
 * The integration after changes. A file without text before is new.
 *
 * moved: what was cut in one place of a file and pasted in another, so that it stays the same thing.
 */
export function changed(
  integration: Integration,
  changes: Changes,
  moved: ReadonlyMap<string, readonly Moved[]> = new Map(),
): Integration {
  const trees = new Map([...integration.files].map(([path, file]) => [path, file.tree]));
  for (const [path, change] of changes) {
    trees.set(path, (trees.get(path) ?? Tree.parse("")).updated(change, moved.get(path)));
  }
  return assembled(trees, integration.catalogue, integration);
}

/** Without a file. */
export function without(integration: Integration, path: string): Integration {
  const trees = [...integration.files]
    .filter(([each]) => each !== path)
    .map(([each, file]) => [each, file.tree] as const);
  return assembled(new Map(trees), integration.catalogue, integration);
}

function assembled(trees: Map<string, Tree>, catalogue: Catalogue, before: Integration | undefined): Integration {
  const sorted = [...trees].sort(([a], [b]) => (a < b ? -1 : 1));
  const drafts = sorted.map(([file, tree]): Reading => ({ file, tree, catalogue, processors: new Map(), basis: {} }));
  const processors = drafts.flatMap((each) => named(each, "processor", "processors"));
  const types = new Map(processors.filter((each) => each.name && each.type).map((each) => [each.name, each.type]));
  let count = 0;
  const files = drafts.map((draft): FlowFile => {
    const basis = basisOf(draft, types, before?.files.get(draft.file));
    const reading = { ...draft, processors: types, basis };
    const items = itemsOf(draft.tree, "flows");
    const flows = items.map((entry, index) => flowOf(reading, entry, count + index));
    count += items.length;
    const file: FlowFile = {
      path: draft.file,
      tree: draft.tree,
      sections: sectionsOf(draft.tree),
      service: service(draft.tree),
      env: named(reading, "variable", "env"),
      connectors: named(reading, "connector", "connectors"),
      processors: processors.filter((each) => each.file === draft.file),
      flows,
    };
    bases.set(file, basis);
    return file;
  });
  return {
    catalogue,
    files: new Map(files.map((each) => [each.path, each])),
    flows: files.flatMap((each) => each.flows),
    connectors: files.flatMap((each) => each.connectors),
    processors,
    env: files.flatMap((each) => each.env),
  };
}

/** What the views of a file depend on besides their own text. */
interface Basis {
  readonly catalogue: Catalogue;
  readonly processors: string;
}

const bases = new WeakMap<FlowFile, Basis>();

/** The same object as before, if views may be kept. An alias says what stands elsewhere, so then they are not. */
function basisOf({ tree, catalogue }: Reading, types: Map<string, string>, before: FlowFile | undefined): Basis {
  const processors = JSON.stringify([...types]);
  const known = before && bases.get(before);
  const hasAnchors = tree.anchors.size > 0 || (before?.tree.anchors.size ?? 0) > 0;
  const isSame = known?.catalogue === catalogue && known.processors === processors && !hasAnchors;
  return isSame ? known : { catalogue, processors };
}

// --- finding -----------------------------------------------------------------------------------------------------

/** The blocks of a lane in reading order, with those in the lanes of each behind it. */
export function* blocksIn(lane: Lane): Generator<Block> {
  for (const block of lane.blocks) {
    yield block;
    for (const inner of block.lanes) yield* blocksIn(inner);
  }
}

/** The lanes of a flow: `process`, and `error` if there is one. */
export function lanesOfFlow(flow: Flow): Lane[] {
  return flow.error ? [flow.process, flow.error] : [flow.process];
}

/** All blocks of a flow in reading order. */
export function* blocksOf(flow: Flow): Generator<Block> {
  for (const lane of lanesOfFlow(flow)) yield* blocksIn(lane);
}

/** The connector that feeds a source: the named one, else the only one of its type; undefined for a default one. */
export function connectorOf(integration: Integration, source: Source): Named | undefined {
  const { connectors, catalogue } = integration;
  const wanted = source.connector || source.type;
  const called = source.connector ? connectors.find((each) => each.name === source.connector) : undefined;
  if (called) return called;
  const type = connectorType(catalogue, wanted)?.type ?? offering(integration, source)?.type;
  const found = connectors.filter((each) => each.type === type);
  return found.length === 1 ? found[0] : undefined;
}

/** The type of connector that has such a source; declared ones first. */
function offering({ connectors, catalogue }: Integration, source: Source) {
  if (source.connector) return undefined;
  const has = (type: string) => connectorType(catalogue, type)?.sources.some((each) => each.type === source.type);
  const declared = connectors.find((each) => has(each.type));
  return declared ? connectorType(catalogue, declared.type) : catalogue.connectors.find((each) => has(each.type));
}

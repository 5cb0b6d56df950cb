/** What tests must say after an edit: addresses of blocks, names of flows and connectors that are other ones now. */

import { blocksOf, type Changes, type Integration } from "./integration";
import { type Edit, sorted } from "./text";
import { type Layout, layoutOf } from "./yaml/layout";
import { type Entry, get, isCollection, type Node, type Scalar } from "./yaml/node";
import { Tree } from "./yaml/tree";
import { keyText, textOf } from "./yaml/write";

type Names = ReadonlyMap<string, string>;

interface Renamed {
  readonly addresses: Names;
  readonly flows: Names;
  readonly connectors: Names;
}

/**
 * The changes of test files that follow an edit of what they test.
 *
 * tests: their texts by path. Whatever changes an address counts: a rename, a move, a block before one of its name.
 */
export function followed(tests: ReadonlyMap<string, string>, before: Integration, after: Integration): Changes {
  const renamed = compared(before, after);
  if (Object.values(renamed).every((each: Names) => each.size === 0)) return new Map();
  const found = [...tests].map(([path, text]) => [path, sorted([...edits(Tree.parse(text), renamed)])] as const);
  return new Map(found.filter(([, change]) => change.length > 0));
}

function compared(before: Integration, after: Integration): Renamed {
  const blocks = ({ flows }: Integration) => flows.flatMap((flow) => [...blocksOf(flow)]);
  return {
    addresses: different(blocks(before), blocks(after), (each) => each.address),
    flows: different(before.flows, after.flows, (each) => each.name),
    connectors: different(before.connectors, after.connectors, (each) => each.name),
  };
}

function different<T extends { key: string }>(
  before: readonly T[],
  after: readonly T[],
  name: (each: T) => string,
): Names {
  const names = new Map(after.map((each) => [each.key, name(each)]));
  const pairs = before.map((each): [string, string | undefined] => [name(each), names.get(each.key)]);
  return new Map(pairs.filter((each): each is [string, string] => each[1] !== undefined && each[0] !== each[1]));
}

/** Of the whole file, of its cases, and of their calls. */
function* edits(tree: Tree, renamed: Renamed): Generator<Edit> {
  yield* ofPart(tree, tree.root, renamed);
  for (const each of items(get(tree.root, "cases"))) {
    yield* ofPart(tree, each.value, renamed);
    for (const call of items(get(each.value, "calls"))) yield* ofPart(tree, call.value, renamed);
  }
}

function* ofPart(tree: Tree, node: Node, { addresses, flows, connectors }: Renamed): Generator<Edit> {
  const layout = layoutOf(tree);
  const flow = get(node, "flow");
  const name = flow?.kind === "scalar" ? flows.get(flow.text) : undefined;
  if (flow?.kind === "scalar" && name !== undefined)
    yield written(tree, flow, textOf(name, layout, { style: flow.style }).head);
  yield* ofKeys(tree, get(node, "mocks"), addresses, layout);
  yield* ofKeys(tree, get(node, "spies"), addresses, layout);
  yield* ofKeys(tree, get(node, "stubs"), connectors, layout);
}

function* ofKeys(tree: Tree, node: Node | undefined, names: Names, layout: Layout): Generator<Edit> {
  for (const { key } of items(node)) {
    const name = key?.kind === "scalar" ? names.get(key.text) : undefined;
    if (key?.kind !== "scalar" || name === undefined) continue;
    const isFlow = node?.kind === "mapping" && node.style === "flow";
    yield written(
      tree,
      key,
      key.style === "plain" ? keyText(name, layout, isFlow) : textOf(name, layout, { style: key.style }).head,
    );
  }
}

function written(tree: Tree, node: Scalar, insert: string): Edit {
  return { from: tree.inner(node), to: tree.to(node), insert };
}

function items(node: Node | undefined): readonly Entry[] {
  return node && isCollection(node) ? node.entries : [];
}

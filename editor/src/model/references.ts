/** Who names whom: every place that refers to a flow, a connector, a processor or a variable by its name. */

import { type BlockType, blockType, type Field, fieldOf, type Kind } from "./catalogue";
import { fieldsOf } from "./commands/fields";
import { type Block, type Flow, isNothing, type Named, type Setting } from "./document";
import { blocksOf, connectorOf, type Integration } from "./integration";
import { get, isCollection, keyOf, type Node, type Scalar } from "./yaml/node";
import type { Tree } from "./yaml/tree";

export interface Reference {
  readonly to: "flow" | "connector" | "processor" | "variable";
  readonly name: string;
  readonly file: string;
  /** The text that has the name. */
  readonly node: Scalar;
  /** The flow that it stands in, and the block or else its source; none in a connector. */
  readonly flow: Flow | undefined;
  readonly block: Block | undefined;
}

/** All references of an integration, in reading order. An alias counts where its anchor stands. */
export function references(integration: Integration): Reference[] {
  return [...integration.files.keys()].flatMap((file) => [...inFile(integration, file)]);
}

export function referencesTo(integration: Integration, item: Flow | Named): Reference[] {
  const to = item.kind;
  return references(integration).filter((each) => each.to === to && each.name === item.name);
}

function* inFile(integration: Integration, path: string): Generator<Reference> {
  const file = integration.files.get(path);
  if (!file) return;
  const { tree } = file;
  const seen = new Set<Node>();
  const tell = function* (
    to: Reference["to"],
    node: Node | undefined,
    flow?: Flow,
    block?: Block,
  ): Generator<Reference> {
    const found = node && tree.resolved(node);
    if (found?.kind !== "scalar" || isNothing(found) || seen.has(found)) return;
    seen.add(found);
    yield { to, name: found.text, file: path, node: found, flow, block };
  };
  for (const each of variablesIn(tree, tree.root)) {
    yield { to: "variable", file: path, flow: undefined, block: undefined, ...each };
  }
  for (const item of [...file.connectors, ...file.processors]) {
    const type = item.kind === "processor" ? blockType(integration.catalogue, item.type) : undefined;
    for (const [to, node] of inSettings(tree, item.settings, fieldsOf(integration, item), type)) yield* tell(to, node);
  }
  for (const flow of file.flows) {
    yield* tell("flow", get(deadLetter(flow), "flow"), flow);
    if (flow.source) {
      if (connectorOf(integration, flow.source)?.name === flow.source.connector) {
        yield* tell("connector", get(flow.source.node, "connector"), flow);
      }
      const fields = fieldsOf(integration, flow.source);
      for (const [to, node] of inSettings(tree, flow.source.settings, fields)) yield* tell(to, node, flow);
    }
    for (const block of blocksOf(flow)) {
      if (block.node.kind === "mapping") yield* tell("processor", get(block.node, "ref"), flow, block);
      for (const [to, node] of inSettings(tree, block.settings, block.known?.fields ?? [], block.known)) {
        yield* tell(to, node, flow, block);
      }
    }
  }
}

function deadLetter(flow: Flow): Node | undefined {
  return flow.settings.find((each) => each.name === "deadLetter")?.node;
}

type Told = [Reference["to"], Node];

function* inSettings(
  tree: Tree,
  settings: readonly Setting[],
  fields: readonly Field[],
  type?: BlockType,
): Generator<Told> {
  for (const { name, node } of settings) {
    if (type?.connector?.key === name) yield ["connector", node];
    const field = fieldOf(fields, name);
    if (field) yield* inValue(tree, node, field);
  }
}

/** What a value of a kind refers to. Chains have blocks of their own. */
function* inValue(tree: Tree, node: Node, kind: Kind): Generator<Told> {
  const value = tree.resolved(node);
  if (!value) return;
  switch (kind.type) {
    case "flow":
      yield ["flow", value];
      break;
    case "text":
      if (kind.connector !== undefined) yield ["connector", value];
      break;
    case "list":
    case "map":
      if (isCollection(value)) for (const each of value.entries) yield* inValue(tree, each.value, kind.items);
      break;
    case "object":
      if (value.kind === "mapping") {
        for (const each of value.entries) {
          const field = fieldOf(kind.fields, keyOf(each) ?? "");
          if (field) yield* inValue(tree, each.value, field);
        }
      } else if (kind.short !== undefined) {
        const field = fieldOf(kind.fields, kind.short);
        if (field) yield* inValue(tree, value, field);
      }
      break;
    case "any":
      for (const each of kind.of ?? []) yield* inValue(tree, value, each);
      break;
    default:
      break;
  }
}

const VARIABLE = /(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)(?=\}|:-)/g;

/** The variables in the texts of a value: `${NAME}`. */
function* variablesIn(tree: Tree, node: Node): Generator<{ name: string; node: Scalar }> {
  if (node.kind === "scalar" && node.text.includes("${")) {
    for (const found of node.text.matchAll(VARIABLE)) yield { name: found[1] ?? "", node };
  }
  if (!isCollection(node)) return;
  for (const each of node.entries) yield* variablesIn(tree, each.value);
}

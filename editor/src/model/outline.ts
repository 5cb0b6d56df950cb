/** The outline of an integration as `octo check --outline` gives it: every part with its address and place. */

import { connectorType } from "./catalogue";
import { type Block, type Flow, type FlowFile, isNothing, type Lane, labelOf } from "./document";
import { connectorOf, type Integration } from "./integration";
import { get, type Node } from "./yaml/node";

export interface OutlineEntry {
  readonly kind: "connector" | "flow" | "source" | "error" | "branch" | "block";
  readonly address: string;
  readonly parent: string;
  readonly type: string;
  readonly name: string;
  readonly file: string;
  /** Where it is; undefined for a branch that could be written but is not. */
  readonly node: Node | undefined;
}

export function outline(integration: Integration): OutlineEntry[] {
  const found: OutlineEntry[] = [];
  for (const file of integration.files.values()) {
    for (const { type, entry } of file.connectors) {
      const node = file.tree.resolved(entry.value) ?? entry.value;
      const name = labelOf(file.tree, get(node, "name")) ?? "";
      found.push({ kind: "connector", address: "", parent: "", type, name, file: file.path, node });
    }
  }
  for (const file of integration.files.values()) {
    for (const flow of file.flows)
      if (flow.node.kind === "mapping") found.push(...flowEntries(integration, file, flow));
  }
  return found;
}

function flowEntries(integration: Integration, file: FlowFile, flow: Flow): OutlineEntry[] {
  const { name, node, source, error } = flow;
  const place = { file: file.path };
  const found: OutlineEntry[] = [{ kind: "flow", address: name, parent: "", type: "", name, node, ...place }];
  if (source) {
    const { type, node: at } = source;
    const feeds = feeding(integration, flow);
    found.push({ kind: "source", address: "", parent: name, type, name: feeds, node: at, ...place });
  }
  found.push(...chainEntries(flow.process, file));
  if (error) {
    const { address, node: at } = error;
    found.push({ kind: "error", address, parent: name, type: "", name: "error", node: at, ...place });
    found.push(...chainEntries(error, file));
  }
  return found;
}

/** The name of the connector that feeds a flow; of a default one, its type. What cannot be told is as it is written. */
function feeding(integration: Integration, { source }: Flow): string {
  if (!source) return "";
  const connector = connectorOf(integration, source);
  const type = connectorType(integration.catalogue, source.connector || source.type)?.type;
  if (connector || !type) return connector?.name ?? source.connector;
  const isDeclared = integration.connectors.some((each) => each.type === type);
  return isDeclared ? source.connector : type;
}

function chainEntries(lane: Lane, file: FlowFile): OutlineEntry[] {
  return lane.blocks.flatMap((block) => (block.node.kind === "mapping" ? blockEntries(block, lane, file) : []));
}

function blockEntries(block: Block, lane: Lane, file: FlowFile): OutlineEntry[] {
  const { address, type, label: name, node } = block;
  const place = { file: file.path };
  const found: OutlineEntry[] = [{ kind: "block", address, parent: lane.address, type, name, node, ...place }];
  const isThere = (each: Lane) => each.node !== undefined && (each.path.length > 1 || !isNothing(each.node));
  for (const each of block.lanes.filter(isThere)) {
    found.push({
      kind: "branch",
      address: each.address,
      parent: address,
      type: "",
      name: each.name,
      node: each.node,
      ...place,
    });
    found.push(...chainEntries(each, file));
  }
  for (const each of block.lanes.filter((one) => one.path.length === 1 && !isThere(one))) {
    found.push({
      kind: "branch",
      address: each.address,
      parent: address,
      type: "",
      name: each.name,
      node: each.node,
      ...place,
    });
  }
  return found;
}

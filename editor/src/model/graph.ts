/** The map of an integration: connectors, flows and queues as nodes; sources, calls, uses and messages as edges. */

import type { Block, Flow, Setting } from "./document";
import { connectorOf, type Integration } from "./integration";
import { references } from "./references";
import type { Tree } from "./yaml/tree";
import { dataOf } from "./yaml/value";

export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

export interface GraphNode {
  readonly id: string;
  readonly kind: "connector" | "flow" | "channel";
  readonly name: string;
  /** The type of a connector; the type of the source that reads a channel, or of the connector that it is in. */
  readonly type: string;
  /** That of the flow or connector; undefined for a channel, and for a connector that is not declared. */
  readonly key: string | undefined;
}

export interface GraphEdge {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  /** `feeds` a flow, `calls` one, `sends` to one without waiting, `uses` a connector, or `fails` to a dead letter. */
  readonly kind: "feeds" | "calls" | "sends" | "uses" | "fails";
  /** The blocks that make it. */
  readonly blocks: readonly Block[];
}

/** Settings that name what messages go to, in sources and in blocks. */
const CHANNELS = ["subject", "topic", "topics", "channel", "channels", "stream", "queue", "routingKey"];

export function graph(integration: Integration): Graph {
  const builder = new Builder(integration);
  for (const each of integration.connectors) builder.connector(each.name, each.type, each.key);
  for (const each of integration.flows) builder.flow(each);
  for (const each of integration.flows) builder.source(each);
  for (const each of integration.flows) builder.blocks(each);
  return builder.graph();
}

class Builder {
  private readonly nodes = new Map<string, GraphNode>();
  private readonly edges = new Map<string, GraphEdge & { blocks: Block[] }>();
  private readonly references;

  constructor(private readonly integration: Integration) {
    this.references = references(integration);
  }

  graph(): Graph {
    return { nodes: [...this.nodes.values()], edges: [...this.edges.values()] };
  }

  connector(name: string, type: string, key?: string): string {
    return this.node({ id: `connector:${name}`, kind: "connector", name, type, key });
  }

  flow({ name, key }: Flow): string {
    return this.node({ id: `flow:${name}`, kind: "flow", name, type: "", key });
  }

  /** What feeds a flow: a channel of a connector, or the connector itself. */
  source(flow: Flow): void {
    const { source } = flow;
    if (!source) return;
    const connector = connectorOf(this.integration, source);
    const feeder = connector?.name ?? (source.connector || source.type);
    const at = this.connector(feeder, connector?.type ?? source.type, connector?.key);
    const channels = this.channelsIn(source.settings, flow.file, false);
    for (const name of channels) {
      const channel = this.channel(feeder, name, source.type);
      this.edge(channel, `flow:${flow.name}`, "feeds");
      this.edge(at, channel, "feeds");
    }
    if (channels.length === 0) this.edge(at, `flow:${flow.name}`, "feeds");
  }

  blocks(flow: Flow): void {
    const from = `flow:${flow.name}`;
    for (const each of this.references.filter((one) => one.flow === flow)) {
      if (each.to === "flow") this.call(flow, each.name, each.block);
      else if (each.to === "connector" && each.block) this.use(flow, each.name, each.block);
    }
    const letters = flow.settings.find((each) => each.name === "deadLetter");
    const queue = letters && this.text(flow.file, [letters], "queue");
    const reader = [...this.nodes.values()].find((each) => each.kind === "channel" && each.name === queue);
    if (queue) this.edge(from, reader?.id ?? this.channel("", queue, "queue"), "fails");
  }

  private call(flow: Flow, name: string, block: Block | undefined): void {
    const target = this.nodes.has(`flow:${name}`) ? `flow:${name}` : undefined;
    if (!target) return;
    const oneWay = block?.settings.find((each) => each.name === "oneWay");
    const tree = this.integration.files.get(flow.file)?.tree;
    const isSent = oneWay && tree && dataOf(tree, oneWay.node) === true;
    this.edge(`flow:${flow.name}`, target, block ? (isSent ? "sends" : "calls") : "fails", block);
  }

  /** What a block sends goes to the channel that its settings name, if a flow reads that. */
  private use(flow: Flow, name: string, block: Block): void {
    if (!this.nodes.has(`connector:${name}`)) return;
    const channels = this.channelsIn(block.settings, flow.file, true).map((each) => `channel:${name}:${each}`);
    const read = channels.filter((each) => this.nodes.has(each));
    for (const each of read) this.edge(`flow:${flow.name}`, each, "sends", block);
    if (read.length === 0) this.edge(`flow:${flow.name}`, `connector:${name}`, "uses", block);
  }

  private channel(connector: string, name: string, type: string): string {
    return this.node({ id: `channel:${connector}:${name}`, kind: "channel", name, type, key: undefined });
  }

  private channelsIn(settings: readonly Setting[], file: string, areExpressions: boolean): string[] {
    const tree = this.integration.files.get(file)?.tree;
    if (!tree) return [];
    return settings.filter((each) => CHANNELS.includes(each.name)).flatMap((each) => names(tree, each, areExpressions));
  }

  private text(file: string, [setting]: readonly Setting[], key: string): string | undefined {
    const tree = this.integration.files.get(file)?.tree;
    const value = tree && setting && dataOf(tree, setting.node);
    const found = typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
    return typeof found === "string" ? found : undefined;
  }

  private node(node: GraphNode): string {
    if (!this.nodes.has(node.id)) this.nodes.set(node.id, node);
    return node.id;
  }

  private edge(from: string, to: string, kind: GraphEdge["kind"], block?: Block): void {
    const id = `${from} ${kind} ${to}`;
    const found = this.edges.get(id) ?? { id, from, to, kind, blocks: [] };
    if (block && !found.blocks.includes(block)) found.blocks.push(block);
    this.edges.set(id, found);
  }
}

/** The names in a setting: of an expression only if it is a text in quotes. */
function names(tree: Tree, { node }: Setting, isExpression: boolean): string[] {
  const value = dataOf(tree, node);
  const texts = (Array.isArray(value) ? value : [value]).filter((each): each is string => typeof each === "string");
  if (!isExpression) return texts;
  return texts.flatMap((each) => /^\s*(["'])([^"'\\]*)\1\s*$/.exec(each)?.[2] ?? []);
}

import type { BlockType } from "../model";
import type { IconName } from "./Icon";

/** Blocks whose kind of work has a picture of its own. */
const BLOCKS: Readonly<Record<string, IconName>> = {
  if: "if",
  switch: "switch",
  foreach: "loop",
  split: "loop",
  retry: "loop",
  "ai-retry": "loop",
  fork: "fork",
  "flow-ref": "ref",
  "handle-errors": "shield",
  "circuit-breaker": "shield",
  "jwt-validate": "lock",
  lock: "lock",
  idempotent: "key",
  log: "log",
  "set-variable": "var",
  "delete-variable": "del",
  "object-delete": "del",
  "invalidate-cache": "del",
  "set-payload": "body",
  enrich: "body",
  "multi-transform": "body",
  "template-resource": "file",
  validate: "check",
  filter: "filter",
  delay: "clock",
  timeout: "clock",
  throttle: "clock",
  aggregate: "layers",
  python: "text",
  "object-read": "db",
  "object-write": "db",
  "cache-scope": "db",
};

/** Connectors, for their sources and the blocks that use them. */
const CONNECTORS: Readonly<Record<string, IconName>> = {
  http: "globe",
  "http-client": "globe",
  cron: "clock",
  database: "db",
  redis: "db",
  pgvector: "db",
  qdrant: "db",
  pinecone: "db",
  "vector-sqlite": "db",
  queue: "queue",
  amqp: "queue",
  kafka: "queue",
  mqtt: "queue",
  nats: "queue",
  events: "queue",
  logger: "log",
  brave: "search",
  searxng: "search",
  tavily: "search",
};

export function blockIcon(type: string, known: BlockType | undefined): IconName {
  const own = BLOCKS[type];
  if (own) return own;
  if (type.startsWith("ai-") || type.includes("agent")) return "spark";
  const uses = known?.connector?.of[0];
  return uses ? connectorIcon(uses) : known ? "grid" : "info";
}

export function connectorIcon(type: string): IconName {
  return CONNECTORS[type] ?? (type.startsWith("llm-") ? "spark" : "plug");
}

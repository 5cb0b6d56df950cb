/** A new block of a type, with what it needs at least: the beginning of a form. */

import { type BlockType, blockType, type Field, isComposite, type Kind } from "../catalogue";
import type { Flow } from "../document";
import type { Integration } from "../integration";
import type { Value } from "../yaml/value";
import { prefersBeside } from "./fields";

type Fields = { [key: string]: Value };

/** An expression of each type that needs nothing. */
const EXPRESSIONS: Readonly<Record<string, string>> = { bool: "true", text: '""', list: "[]", map: "{}", int: "0" };

const TELL: Value = [{ type: "log", settings: { message: "vars.error.message" } }];

/** The block as `insertBlock` takes it. flow: where it goes, as its settings are written like those of others there. */
export function starter(integration: Integration, flow: Flow, type: string): Value {
  const found = blockType(integration.catalogue, type);
  if (!found) return { type };
  const slots = new Set(found.slots.map((each) => each.split(/[.[]/)[0] ?? ""));
  const required = found.fields.filter((each) => each.required);
  const callee = (integration.flows.find((each) => each.key !== flow.key) ?? flow).name;
  const own = values(
    required.filter((each) => !slots.has(each.name)),
    callee,
  );
  const plain: Fields = { ...connectorFor(integration, found), ...own };
  const chains = spread(
    values(
      required.filter((each) => slots.has(each.name)),
      callee,
    ),
    found,
  );
  const isBeside = isComposite(found) || prefersBeside(integration.files.get(flow.file));
  // A setting that is itself called `name` has its place below `settings`.
  if (isBeside && !("name" in plain)) return { type, ...plain, ...chains };
  return { type, ...(Object.keys(plain).length > 0 ? { settings: plain } : {}), ...chains };
}

/** Of several chains beside each other each has `process:`. */
function spread(chains: Fields, { slots }: BlockType): Fields {
  const isBare = (key: string) => key === "process" || key === "error" || slots.length === 1 || !slots.includes(key);
  return Object.fromEntries(Object.entries(chains).map(([key, each]) => [key, isBare(key) ? each : { process: each }]));
}

/** The first connector that suits, if the block needs one to be named. */
function connectorFor(integration: Integration, { connector }: BlockType): Fields {
  if (!connector?.required) return {};
  const found = integration.connectors.find((each) => connector.of.includes(each.type));
  return found ? { [connector.key]: found.name } : {};
}

/** callee: a flow that may be called. */
function values(fields: readonly Field[], callee: string): Fields {
  return Object.fromEntries(fields.map((each) => [each.name, valueFor(each, each.name, callee, each.examples)]));
}

function valueFor(kind: Kind, name: string, callee: string, [example]: readonly unknown[] = []): Value {
  if (example !== undefined) return example as Value;
  switch (kind.type) {
    case "expression":
      return EXPRESSIONS[kind.result] ?? "body";
    case "flow":
      return callee;
    case "steps":
    case "chain":
      return name === "error" ? TELL : [];
    case "list":
      return kind.items.type === "object" || kind.items.type === "steps" ? [itemFor(kind.items, name, callee)] : [];
    case "map":
      return {};
    case "object":
      return values(
        kind.fields.filter((each) => each.required),
        callee,
      );
    case "choice":
      return kind.choices[0] ?? "";
    case "bool":
      return false;
    case "int":
    case "number":
      return kind.minimum ?? 1;
    case "duration":
      return "1s";
    case "any":
      return kind.of?.[0] ? valueFor(kind.of[0], name, callee) : "";
    default:
      return name;
  }
}

/** The first lane of a list, or the first object. */
function itemFor(kind: Kind, name: string, callee: string): Value {
  if (kind.type !== "object") return { name: `${name}-1`, process: [] };
  const isLane = kind.fields.some((each) => each.name === "process");
  const fields = kind.fields.filter((each) => each.required && each.name !== "process");
  return { ...values(fields, callee), ...(isLane ? { process: [] } : {}) };
}

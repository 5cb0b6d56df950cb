/** Where a key comes among others: in the order of the catalogue. */

import type { BlockType, Catalogue } from "../catalogue";
import type { Order } from "./assign";

export const SECTIONS: Order = ["service", "env", "connectors", "processors", "resources", "flows"];
export const SOURCE: Order = ["connector", "type", "settings"];
export const NAMED: Order = ["name", "type", "settings"];
export const VARIABLE: Order = ["name", "required", "secret", "default"];

/** The keys of a block: what it is, then its settings as its type has them. */
export function ofBlock(type: BlockType | undefined): Order {
  return ["type", "ref", "name", "settings", ...ofSettings(type)];
}

export function ofSettings(type: BlockType | undefined): Order {
  const key = type?.connector?.key;
  return [...(key ? [key] : []), ...(type?.fields.map((each) => each.name) ?? [])];
}

export function ofFlow(catalogue: Catalogue): Order {
  return catalogue.flow.map((each) => each.name);
}

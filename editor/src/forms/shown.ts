/** What the inspector shows of whatever is chosen. */

import type { IconName } from "../look/Icon";
import { blockIcon, connectorIcon } from "../look/kinds";
import {
  type Block,
  blocksIn,
  connectorOf,
  connectorType,
  type Field,
  type Flow,
  type Integration,
  lanesOfFlow,
  type Named,
  type Setting,
  type Source,
} from "../model";

export type Thing = Block | Source | Flow | Named;

export interface Shown {
  readonly thing: Thing;
  readonly icon: IconName;
  readonly name: string;
  readonly kind: string;
  /** In the order of the catalogue. */
  readonly fields: readonly Field[];
  readonly settings: readonly Setting[];
  /** For completion: the address of a block, "" for others. */
  readonly address: string;
  readonly doc: string;
  /** The names of connectors that it may use, if it uses one, and the key that names it. */
  readonly uses?: { readonly key: string; readonly types: readonly string[]; readonly required: boolean };
}

/** The thing with a key, anywhere. */
export function thingOf(integration: Integration, key: string): Thing | undefined {
  for (const flow of integration.flows) {
    if (flow.key === key) return flow;
    if (flow.source?.key === key) return flow.source;
    for (const lane of lanesOfFlow(flow)) {
      for (const block of blocksIn(lane)) if (block.key === key) return block;
    }
  }
  const named = [...integration.connectors, ...integration.processors, ...integration.env];
  return named.find((each) => each.key === key);
}

/** Lanes are on the canvas, sources too: they are no fields here. */
const isField = (field: Field): boolean =>
  !["steps", "chain", "source"].includes(field.type) && !(field.type === "list" && holdsChains(field.items));

const holdsChains = (kind: Field | { readonly type: string }): boolean =>
  kind.type === "steps" ||
  kind.type === "chain" ||
  (kind.type === "object" &&
    "fields" in kind &&
    kind.fields.some((each: Field) => each.type === "steps" || each.type === "chain"));

export function shownOf(integration: Integration, thing: Thing): Shown {
  const { catalogue } = integration;
  switch (thing.kind) {
    case "block": {
      const { known } = thing;
      const fields = (known?.fields ?? []).filter((each) => isField(each) && each.name !== known?.connector?.key);
      const shown: Shown = {
        thing,
        icon: blockIcon(thing.type, known),
        name: thing.label,
        kind: thing.type,
        fields,
        settings: thing.settings,
        address: thing.address,
        doc: known?.doc ?? "",
      };
      if (!known?.connector) return shown;
      return {
        ...shown,
        uses: { key: known.connector.key, types: known.connector.of, required: known.connector.required },
      };
    }
    case "source": {
      const connector = connectorOf(integration, thing)?.type ?? thing.type;
      const type = connectorType(catalogue, connector)?.sources.find((each) => each.type === thing.type);
      return {
        thing,
        icon: connectorIcon(connector),
        name: thing.connector || thing.type,
        kind: `${thing.type} source`,
        fields: type?.fields ?? [],
        settings: thing.settings,
        address: "",
        doc: type?.doc ?? "",
      };
    }
    case "flow":
      return {
        thing,
        icon: "flow",
        name: thing.name,
        kind: "flow",
        fields: catalogue.flow.filter((each) => isField(each) && each.name !== "name"),
        settings: thing.settings,
        address: "",
        doc: "",
      };
    case "connector": {
      const type = connectorType(catalogue, thing.type);
      return {
        thing,
        icon: connectorIcon(thing.type),
        name: thing.name,
        kind: `${thing.type} connector`,
        fields: type?.fields ?? [],
        settings: thing.settings,
        address: "",
        doc: type?.doc ?? "",
      };
    }
    default:
      return {
        thing,
        icon: "key",
        name: thing.name,
        kind: thing.kind,
        fields: thing.kind === "variable" ? catalogue.env.filter((each) => each.name !== "name") : [],
        settings: thing.settings,
        address: "",
        doc: "",
      };
  }
}

/** What a row says that its block does: one line, from what is written. */

import type { Block, Field, Node, Setting, Source } from "../model";

const LONGEST = 160;

/** What a block does. "" if nothing is written that would tell. */
export function blockSays(block: Block): string {
  const of = new Map(block.settings.map((each) => [each.name, each]));
  const special = SPECIAL[block.type]?.((name) => words(of.get(name)), block);
  if (special !== undefined) return special;
  return fieldSays(block.known?.fields ?? [], block.settings, block.known?.connector?.key);
}

export function sourceSays(source: Source, fields: readonly Field[]): string {
  return fieldSays(fields, source.settings, undefined);
}

type Say = (written: (name: string) => string, block: Block) => string;

const SPECIAL: Readonly<Record<string, Say>> = {
  "set-variable": (written) => (written("name") ? `${written("name")} = ${written("value")}` : ""),
  "flow-ref": (written) =>
    written("flow") ? `→ ${written("flow")}${written("oneWay") === "true" ? ", one way" : ""}` : "",
  foreach: (written) => `${written("as") || "item"} in ${written("items")}`,
  rest: (written) => `${written("method") || "GET"} ${written("path")}`,
  switch: (_, block) => counted(block, "cases[].process", "case"),
  fork: (written, block) =>
    [counted(block, "branches[]", "branch"), written("join")].filter(Boolean).join(", joined as "),
};

function counted(block: Block, slot: string, word: string): string {
  const count = block.lanes.filter((each) => each.slot === slot && each.item).length;
  const plural = word === "branch" ? "branches" : `${word}s`;
  return count === 0 ? "" : `${count} ${count === 1 ? word : plural}`;
}

/** The first required field that is written, else the first one. */
function fieldSays(fields: readonly Field[], settings: readonly Setting[], connector: string | undefined): string {
  const silent = new Set(
    fields.filter((each) => each.type === "steps" || each.type === "chain").map((each) => each.name),
  );
  const told = settings.filter((each) => !silent.has(each.name) && each.name !== connector);
  const required = fields.filter((each) => each.required).map((each) => each.name);
  const chosen = told.find((each) => required.includes(each.name)) ?? told.find((each) => words(each) !== "");
  return words(chosen);
}

function words(setting: Setting | undefined): string {
  return setting ? nodeSays(setting.node) : "";
}

/** A value in one line. */
export function nodeSays(node: Node): string {
  switch (node.kind) {
    case "scalar": {
      const line = node.text
        .slice(0, 2 * LONGEST)
        .replace(/\s+/g, " ")
        .trim();
      return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
    }
    case "mapping":
      return `{${node.entries.map((each) => (each.key?.kind === "scalar" ? each.key.text : "…")).join(", ")}}`;
    case "sequence":
      return `${node.entries.length} ${node.entries.length === 1 ? "entry" : "entries"}`;
    case "alias":
      return `*${node.name}`;
    default:
      return "";
  }
}

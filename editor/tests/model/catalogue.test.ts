/** The catalogue of this version has nothing that the editor does not know. */

import { expect, test } from "vitest";
import { type Field, type Kind, kindsAt, VERSION } from "../../src/model/catalogue";
import { catalogue } from "./catalogue";

/** What each type of field may have beside it. A new type or key is a new widget: it fails here first. */
const KNOWN: Record<Kind["type"], readonly string[]> = {
  text: ["secret", "connector", "pattern", "least", "most"],
  int: ["minimum", "above", "maximum", "below"],
  number: ["minimum", "above", "maximum", "below"],
  bool: [],
  duration: [],
  time: [],
  steps: [],
  chain: [],
  source: [],
  flow: [],
  choice: ["choices"],
  expression: ["result", "names"],
  list: ["items", "least", "most"],
  map: ["items"],
  object: ["fields", "short"],
  any: ["of"],
};

const FIELD = ["name", "label", "doc", "group", "examples", "required", "secret", "expression", "null", "default"];
const MORE = ["reaches", "listens"];

function unknown(kind: Kind, allowed: readonly string[], path: string): string[] {
  const known = KNOWN[kind.type];
  if (!known) return [`${path}: type ${kind.type}`];
  const odd = Object.keys(kind).filter((each) => each !== "type" && !known.includes(each) && !allowed.includes(each));
  return [...odd.map((each) => `${path}: ${each}`), ...inside(kind, path)];
}

function inside(kind: Kind, path: string): string[] {
  if (kind.type === "list" || kind.type === "map") return unknown(kind.items, [], `${path}[]`);
  if (kind.type === "any") return (kind.of ?? []).flatMap((each) => unknown(each, [], `${path}|`));
  return kind.type === "object" ? fields(kind.fields, path) : [];
}

function fields(found: readonly Field[] | null | undefined, path: string): string[] {
  return (found ?? []).flatMap((each) => unknown(each, [...FIELD, ...MORE], `${path}.${each.name}`));
}

test("all types and keys are known", () => {
  expect(catalogue.version).toBe(VERSION);
  expect(Object.keys(catalogue).sort()).toEqual(["blocks", "connectors", "env", "flow", "octo", "version"]);
  const found = [
    ...fields(catalogue.flow, "flow"),
    ...fields(catalogue.env, "env"),
    ...catalogue.blocks.flatMap((each) => fields(each.fields, each.type)),
    ...catalogue.connectors.flatMap((each) => [
      ...fields(each.fields, each.type),
      ...each.sources.flatMap((one) => [...fields(one.fields, one.type), ...fields(one.sets, one.type)]),
      ...fields(each.stub?.fields, `${each.type} stub`),
      ...fields(each.trigger?.fields, `${each.type} trigger`),
    ]),
  ];
  expect(found).toEqual([]);
  const keys = (things: readonly object[]) => [...new Set(things.flatMap((each) => Object.keys(each)))].sort();
  expect(keys(catalogue.blocks)).toEqual(["connector", "doc", "fields", "promises", "slots", "tail", "type"]);
  expect(keys(catalogue.connectors)).toEqual([
    "blocks",
    "doc",
    "family",
    "fields",
    "sources",
    "stub",
    "trigger",
    "type",
  ]);
});

test("every slot is where a chain is", () => {
  for (const { type, slots, fields: own } of catalogue.blocks) {
    for (const slot of slots) {
      const path = slot
        .replaceAll("[]", ".0")
        .split(".")
        .map((each) => (each === "0" ? 0 : each));
      expect(
        kindsAt(own, path).map((each) => each.type),
        `${type} ${slot}`,
      ).toContain("steps");
    }
  }
});

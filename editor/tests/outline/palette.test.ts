import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Catalogue } from "../../src/model";
import { grouped } from "../../src/outline/Palette";

const file = new URL("../../../octo/config/catalogue.json", import.meta.url);
const { blocks } = JSON.parse(readFileSync(file, "utf8")) as Catalogue;
const types = (sought: string) =>
  new Map(grouped(blocks, sought).map(([name, list]) => [name, list.map((each) => each.type)]));

test("every block is in one group", () => {
  const all = [...types("").values()].flat();
  expect(all.sort()).toEqual(blocks.map((each) => each.type).sort());
});

test("a block is found by a part of its name, and by a word of what it does", () => {
  expect(types("swi").get("Flow")).toEqual(["switch"]);
  expect(types("sql").get("Connect")).toContain("sql");
  expect(types("condition is true").get("Flow")).toContain("switch");
  expect(types("no such block").size).toBe(0);
});

/** Every place of every file is set, removed and inserted at. What the text then says is asked of the package `yaml`. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { apply, sorted } from "../../../src/model/text";
import { insertEdits, removeEdits, valueEdits } from "../../../src/model/yaml/edit";
import { isCollection, type Node } from "../../../src/model/yaml/node";
import { type Path, type Place, pathOf, placeOf } from "../../../src/model/yaml/place";
import { Tree } from "../../../src/model/yaml/tree";
import type { Value } from "../../../src/model/yaml/value";
import { files, type Sample } from "../files";
import { flowFiles } from "../generated";

type Data = Record<string, unknown> & unknown[];

const FILES = files("samples/**/*.yaml").concat(files("tests/{suites,ai,acceptance}/**/*.yaml"));

/** Also with other newlines, and without the last one. */
const VARIED = FILES.map(({ name, text }, index) => ({
  name,
  text: index % 3 === 1 ? text.replaceAll("\n", "\r\n") : index % 3 === 2 ? text.trimEnd() : text,
}));

/** In other styles. A text at the end has its newline: without it other readers do not agree about block scalars. */
const GENERATED = fc.sample(flowFiles, { numRuns: 60, seed: 5 }).map((text) => ({
  name: "generated",
  text: text.endsWith("\n") ? text : `${text}\n`,
}));

const TEXTS = [...VARIED, ...GENERATED];

function data(text: string): Data {
  const found = parse(text, { logLevel: "silent", uniqueKeys: false });
  return JSON.parse(JSON.stringify(found ?? null)) as Data;
}

function at(value: Data, path: Path): unknown {
  return path.reduce<unknown>((each, step) => (each as Data)[step as never], value);
}

function places(tree: Tree): Place[] {
  const found: Place[] = [];
  const visit = (node: Node) => {
    if (!isCollection(node)) return;
    for (const entry of node.entries) {
      const place = placeOf(tree, entry);
      if (place) found.push(place);
      visit(entry.value);
    }
  };
  visit(tree.root);
  return found;
}

/** So many places of each file, or all with `ALL=1`. */
const MOST = process.env.ALL ? Number.POSITIVE_INFINITY : 12;

function each(all: readonly Sample[], check: (tree: Tree, place: Place, before: Data) => void): void {
  for (const { text } of all) {
    if (/(^|\s)[*&][a-z]+\b/m.test(text.replace(/&&/g, ""))) continue; // aliases are a matter of their own
    const tree = Tree.parse(text);
    if (tree.problems.length > 0) continue;
    const found = places(tree);
    const step = Math.max(1, Math.floor(found.length / MOST));
    const before = data(text);
    for (const [index, place] of found.entries()) {
      if (index % step === 0) check(tree, place, structuredClone(before));
    }
  }
}

function comments(text: string): string[] {
  return text.split("\n").filter((line) => /^\s*#/.test(line) && !line.trim().endsWith("# no"));
}

describe("over all samples", () => {
  test("an entry is removed, and nothing else", () => {
    each(TEXTS, (tree, place, before) => {
      const path = pathOf(place);
      const after = apply(tree.text, sorted(removeEdits(tree, place)));
      const owner = at(before, path.slice(0, -1)) as Data;
      if (Array.isArray(owner)) owner.splice(Number(path.at(-1)), 1);
      else delete (owner as Record<string, unknown>)[`${path.at(-1)}`];
      const isAll = path.length === 1 && Object.keys(before).length === 0;
      expect(data(after) ?? {}, `${path.join(".")}\n${after}`).toEqual(isAll ? {} : before);
      expect(Tree.parse(after).problems).toEqual([]);
    });
  });

  const VALUES: Value[] = [
    "text",
    "",
    "8080",
    'it\'s "both"',
    'a "b"',
    "two\nlines\n",
    "two\nlines",
    " x",
    "a: b",
    "- c",
    "yes",
    "# no",
    "a #b",
    "x\n\n",
    7,
    true,
    null,
    [],
    {},
    ["a", "b, c"],
    { a: 1, "b c": [{ d: "e\nf\n" }] },
    [[1, 2], ["x\ny"]],
  ];

  test("a value is set, and nothing else", () => {
    let turn = 0;
    each(TEXTS, (tree, place, before) => {
      const path = pathOf(place);
      turn += 1;
      const value = VALUES[turn % VALUES.length] as Value;
      const after = apply(tree.text, sorted(valueEdits(tree, place, value)));
      const owner = at(before, path.slice(0, -1)) as Data;
      (owner as Record<string, unknown>)[`${path.at(-1)}`] = value;
      expect(data(after), `${path.join(".")} = ${JSON.stringify(value)}\n${after}`).toEqual(before);
      expect(Tree.parse(after).problems).toEqual([]);
      const isLeaf = !isCollection(place.entry.value);
      if (isLeaf) expect(comments(after)).toEqual(comments(tree.text));
    });
  });

  test("an entry is inserted, and nothing else", () => {
    let turn = 0;
    each(TEXTS, (tree, place, before) => {
      const path = pathOf(place);
      const node = place.entry.value;
      if (!isCollection(node) && node.kind !== "empty") return;
      turn += 1;
      const value = VALUES[turn % VALUES.length] as Value;
      const count = isCollection(node) ? node.entries.length : 0;
      const index = count === 0 ? 0 : turn % (count + 1);
      const isMap = node.kind === "mapping" || (node.kind === "empty" && turn % 2 === 0);
      const content = isMap ? { key: "new key", value } : { value };
      const after = apply(tree.text, sorted(insertEdits(tree, place, index, content)));
      if (isMap) {
        const old = (at(before, path) ?? {}) as Record<string, unknown>;
        old["new key"] = value;
        (at(before, path.slice(0, -1)) as Data)[path.at(-1) as never] = old as never;
      } else {
        const old = (at(before, path) ?? []) as unknown[];
        old.splice(index, 0, value);
        (at(before, path.slice(0, -1)) as Data)[path.at(-1) as never] = old as never;
      }
      expect(data(after), `${path.join(".")}[${index}] ${JSON.stringify(content)}\n${after}`).toEqual(before);
      expect(Tree.parse(after).problems).toEqual([]);
      expect(comments(after)).toEqual(comments(tree.text));
    });
  });
});

describe("an item that does not stand one space behind its dash", () => {
  const nested: Value = [[1, 2], ["x\ny"]];
  const texts = [
    "a:\n-   b: 1\n-  c\n",
    "a:\n  -\n      b: 1\n  - c\n",
    "a:\n-\n    b\n- c\n",
    "a:\n- # why\n    b\n- c\n",
  ];

  test.each(
    texts.flatMap(
      (text) =>
        [
          [text, nested],
          [text, { d: ["e", { f: "g\nh" }], i: 1 }],
        ] as const,
    ),
  )("%j", (text, value) => {
    const tree = Tree.parse(text);
    const list = tree.root.kind === "mapping" ? tree.root.entries[0]?.value : undefined;
    const entry = list?.kind === "sequence" ? list.entries[0] : undefined;
    const place = entry && placeOf(tree, entry);
    if (!place) throw new Error(text);
    const after = apply(text, sorted(valueEdits(tree, place, value)));
    expect(data(after), after).toEqual({ a: [value, "c"] });
    expect(comments(after.replaceAll("- #", "#").replaceAll("- d: #", "#")).length).toBeLessThanOrEqual(1);
    expect(after.includes("# why")).toBe(text.includes("# why"));
  });
});

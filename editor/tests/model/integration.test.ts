import { describe, expect, test } from "vitest";
import { blocksOf, changed, connectorOf, type Integration, read } from "../../src/model";
import { catalogue } from "./catalogue";
import { all, read as textOf } from "./files";

const NAME = "samples/http-orders.yaml";
const TEXT = textOf(NAME);

function open(text: string): Integration {
  return read([["a.yaml", text]], catalogue);
}

function edited(integration: Integration, from: number, to: number, insert: string): Integration {
  return changed(integration, new Map([["a.yaml", [{ from, to, insert }]]]));
}

describe("what an edit does not touch", () => {
  test("is the same object, wherever it has moved to", () => {
    const before = open(TEXT);
    const at = TEXT.indexOf("tap-request");
    const after = edited(before, at, at, "x");
    expect(after.flows[1]).toBe(before.flows[1]);
    expect(after.flows[2]).toBe(before.flows[2]);
    const [old, fresh] = [[...blocksOf(before.flows[0] as never)], [...blocksOf(after.flows[0] as never)]];
    expect(fresh.map((each) => each.key)).toEqual(old.map((each) => each.key));
    expect(fresh[0]).not.toBe(old[0]);
    expect(fresh[0]?.address).toBe("orders-api.xtap-request");
    expect(fresh.slice(1)).toEqual(old.slice(1));
    for (const [index, each] of fresh.slice(1).entries()) expect(each).toBe(old[index + 1]);
    const tree = after.files.get("a.yaml")?.tree;
    expect(tree?.source(after.flows[2]?.entry as never)).toContain("audit-log");
  });

  test("keeps its key when its flow gets another name, a new neighbour, or is parsed anew", () => {
    const before = open(TEXT);
    const keys = (integration: Integration) =>
      integration.flows.flatMap((flow) => [flow.key, ...[...blocksOf(flow)].map((each) => each.key)]);
    const name = TEXT.indexOf("orders-api");
    expect(keys(edited(before, name, name + 6, "ORDER"))).toEqual(keys(before));
    const gap = TEXT.indexOf("      # Content-based router");
    const added = keys(edited(before, gap, gap, "      - type: log\n"));
    expect(added.filter((each) => keys(before).includes(each))).toEqual(keys(before));
    expect(keys(edited(before, 0, 0, "# new first line\n"))).toEqual(keys(before));
    expect(keys(edited(edited(before, gap, gap, '"'), gap, gap + 1, ""))).toEqual(keys(before));
  });

  test("in files with anchors is right all the same", () => {
    const text =
      "x: &x\n  type: log\n  name: one\nflows:\n  - name: a\n    process:\n      - *x\n      - <<: *x\n        name: two\n";
    const before = open(text);
    const labels = (integration: Integration) =>
      [...blocksOf(integration.flows[0] as never)].map((each) => `${each.label} ${each.type}`);
    expect(labels(before)).toEqual(["one log", "two log"]);
    const at = text.indexOf("one");
    expect(labels(edited(before, at, at + 3, "1st"))).toEqual(["1st log", "two log"]);
  });
});

describe("several files are one integration", () => {
  const files = read(
    [
      [
        "b.yaml",
        "flows:\n  - source: {type: cron, settings: {schedule: x}}\n    process: [{ref: tell, settings: {message: b}}]\n",
      ],
      [
        "a.yaml",
        "processors:\n  - {name: tell, type: log}\nconnectors:\n  - {name: web, type: http}\nflows:\n  - name: one\n    process: []\n",
      ],
    ],
    catalogue,
  );

  test("flows without a name are counted over all files, in the order of their paths", () => {
    expect(files.flows.map((each) => each.name)).toEqual(["one", "flow-2"]);
  });

  test("a processor of one file gives a block of another its type", () => {
    const [block] = [...blocksOf(files.flows[1] as never)];
    expect([block?.type, block?.ref, block?.address]).toEqual(["log", "tell", "flow-2.log"]);
    const without = changed(files, new Map([["a.yaml", [{ from: 0, to: 13, insert: "processor_:\n" }]]]));
    expect([...blocksOf(without.flows[1] as never)].map((each) => each.type)).toEqual(["tell"]);
  });

  test("a source has the connector that it names, by name or by type, or the only one", () => {
    const of = (source: string) => {
      const text = `connectors:\n  - {name: web, type: http}\n  - {name: q1, type: queue}\n  - {name: q2, type: queue}\nflows:\n  - source: ${source}\n`;
      const integration = open(text);
      const found = integration.flows[0]?.source;
      return found && connectorOf(integration, found)?.name;
    };
    expect(of("{connector: web, type: http}")).toBe("web");
    expect(of("{connector: http, type: http}")).toBe("web");
    expect(of("{type: static}")).toBe("web");
    expect(of("{type: queue}")).toBe(undefined);
    expect(of("{connector: q2, type: queue}")).toBe("q2");
    expect(of("{type: cron}")).toBe(undefined);
  });
});

describe("what is wrong is shown as far as it is understood", () => {
  test("nothing throws", () => {
    for (const { name, text } of all) {
      for (const cut of [0.3, 0.5, 0.8]) {
        const integration = read([[name, text.slice(0, Math.floor(text.length * cut))]], catalogue);
        expect(integration.flows.length).toBeGreaterThanOrEqual(0);
      }
    }
    const deep = `flows: ${"[".repeat(20000)}`;
    expect(open(deep).files.get("a.yaml")?.tree.problems.length).toBeGreaterThan(0);
    expect(open("flows:\n- &a [*a, *a]\n- *b\n").flows.length).toBe(2);
  });

  test("the flows behind a quote or bracket that is not closed are there", () => {
    for (const broken of [
      'message: "not closed',
      "settings: {a: 1",
      "then: [",
      "a: |",
      "key without colon",
      "b: c: d",
    ]) {
      const text = `flows:\n  - name: a\n    process:\n      - type: log\n        ${broken}\n  - name: b\n    process:\n      - type: log\n`;
      const integration = open(text);
      expect(
        integration.flows.map((each) => each.name),
        broken,
      ).toEqual(["a", "b"]);
      expect([...blocksOf(integration.flows[1] as never)].map((each) => each.address)).toEqual(["b.log"]);
    }
  });

  test("an unknown type, a block that is none, and sections that nobody knows", () => {
    const text =
      "odd: [1]\nflows:\n  - name: a\n    process:\n      - {type: no-such, then: [{type: log}]}\n      - just text\n      -\n";
    const { flows, files } = open(text);
    expect([...blocksOf(flows[0] as never)].map((each) => [each.type, each.known, each.address])).toEqual([
      ["no-such", undefined, "a.no-such"],
      ["", undefined, ""],
      ["", undefined, ""],
    ]);
    expect(files.get("a.yaml")?.sections.length).toBe(2);
  });
});

test("1,000 blocks: an edit makes few things anew", () => {
  const body = TEXT.slice(TEXT.indexOf("flows:\n") + 7);
  const flows = Array.from({ length: 70 }, (_, index) =>
    body
      .replaceAll("orders-api", `api-${index}`)
      .replaceAll("name: enrich-order", `name: e-${index}`)
      .replaceAll("name: audit\n", `name: a-${index}\n`),
  );
  const before = open(TEXT.slice(0, TEXT.indexOf("flows:\n") + 7) + flows.join(""));
  const count = before.flows.reduce((sum, flow) => sum + [...blocksOf(flow)].length, 0);
  expect(count).toBeGreaterThan(900);
  const text = before.files.get("a.yaml")?.tree.text ?? "";
  const at = text.indexOf("tap-request", text.length / 2);
  const after = edited(before, at, at, "x");
  const same = new Set(before.flows.flatMap((flow) => [...blocksOf(flow)]));
  const fresh = after.flows.flatMap((flow) => [...blocksOf(flow)]).filter((each) => !same.has(each));
  expect(fresh.map((each) => each.name)).toEqual(["xtap-request"]);
});

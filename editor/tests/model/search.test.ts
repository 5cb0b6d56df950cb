import { describe, expect, test } from "vitest";
import { closeness, find, read, suggested } from "../../src/model";
import { catalogue } from "./catalogue";
import { read as textOf } from "./files";

const name = "samples/http-orders.yaml";
const integration = read([[name, textOf(name)]], catalogue);

describe("find", () => {
  const texts = (query: string) => find(integration, query).map((each) => `${each.by} ${each.text}`);

  test("names first, then types, then what stands in fields", () => {
    expect(texts("audit")[0]).toBe("name audit");
    expect(texts("audit").slice(0, 3)).toContain("name audit-async");
    expect(texts("flow-ref")).toEqual(["type flow-ref", "type flow-ref"]);
    expect(texts("correlationid")).toEqual([expect.stringContaining("value {")]);
    expect(texts("HTTP_PORT")[0]).toBe("name HTTP_PORT");
    expect(texts("no such thing")).toEqual([]);
    expect(texts(" ")).toEqual([]);
  });
});

describe("suggested", () => {
  const types = (query: string) => suggested(catalogue, query, integration).map((each) => each.type);

  test("the type that is meant comes first", () => {
    expect(types("if")[0]).toBe("if");
    expect(types("set")[0]).toBe("set-payload");
    expect(types("payload")[0]).toBe("set-payload");
    expect(types("qd")[0]).toBe("queue-dispatch");
    expect(types("qdisp")[0]).toBe("queue-dispatch");
    expect(types("")[0]).toBe("set-payload");
    expect(types("zzz")).toEqual([]);
  });
});

test("closeness falls from the same word to its letters in order", () => {
  const found = ["log", "log-out", "the-log", "catalog", "l-o-g"].map((each) => closeness(each, "log"));
  expect(found).toEqual([...found].sort((a, b) => b - a));
  expect(closeness("", "x")).toBe(0);
});

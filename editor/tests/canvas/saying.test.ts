import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { blockSays, sourceSays } from "../../src/canvas/saying";
import { blockIcon } from "../../src/look/kinds";
import { blocksOf, type Catalogue, connectorType, read } from "../../src/model";

const at = (path: string) => new URL(`../../../${path}`, import.meta.url);
const catalogue = JSON.parse(readFileSync(at("octo/config/catalogue.json"), "utf8")) as Catalogue;

function said(text: string): string[] {
  const { flows } = read([["flow.yaml", text]], catalogue);
  return flows.flatMap((flow) => [...blocksOf(flow)].map(blockSays));
}

test("a row says what is written", () => {
  const text = readFileSync(at("samples/http-orders.yaml"), "utf8");
  const { flows } = read([["flow.yaml", text]], catalogue);
  const [api] = flows;
  expect(api && [...blocksOf(api)].map(blockSays)).toEqual([
    'vars.method + " order " + vars.id + " of tenant " + vars["X-Tenant"]',
    'currency = has(vars.query.currency) ? vars.query.currency : "USD"',
    "→ audit, one way",
    "2 cases",
    "→ enrich-order",
    '{"orderId": vars.id, "currency": vars.currency, "status": "found"}',
    "httpStatus = 405",
    '{"error": "method " + vars.method + " not supported"}',
  ]);
  const fields = connectorType(catalogue, "http")?.sources[0]?.fields ?? [];
  expect(api?.source && sourceSays(api.source, fields)).toBe("/orders/{id}");
});

test("what is not finished says little, and nothing fails", () => {
  const text = `flows:
  - process:
      - type: set-variable
      - type: switch
      - type: nobody-knows
        settings: {what: 1}
      - just text
      - type: log
        settings:
          message: ${"long ".repeat(200)}
`;
  const [variable, cases, unknown, none, long] = said(text);
  expect([variable, cases, unknown, none]).toEqual(["", "", "1", ""]);
  expect(long?.length).toBeLessThanOrEqual(161);
});

test("every block of the catalogue has a picture", () => {
  for (const each of catalogue.blocks) expect(blockIcon(each.type, each), each.type).not.toBe("info");
  expect(blockIcon("nobody-knows", undefined)).toBe("info");
});

import { expect, test } from "vitest";
import {
  apply,
  blocksOf,
  changed,
  followed,
  type Integration,
  moveBlocks,
  type Outcome,
  read,
  rename,
  renameBlock,
  wrapBlocks,
} from "../../src/model";
import { catalogue } from "./catalogue";
import { read as textOf } from "./files";

const FLOWS = "samples/http-orders.yaml";
const TESTS = "samples/http-orders_test.yaml";
const before = read([[FLOWS, textOf(FLOWS)]], catalogue);
const text = textOf(TESTS);

function block(address: string) {
  const found = before.flows.flatMap((flow) => [...blocksOf(flow)]).find((each) => each.address === address);
  if (!found) throw new Error(address);
  return found;
}

function tested(outcome: Outcome, tests = text): string {
  if ("refused" in outcome) throw new Error(outcome.refused);
  const after: Integration = changed(before, outcome.changes, outcome.moved);
  return apply(tests, followed(new Map([[TESTS, tests]]), before, after).get(TESTS) ?? []);
}

test("a flow and a block get another name", () => {
  const [orders] = before.flows;
  if (!orders) throw new Error();
  expect(tested(rename(before, orders, "orders: all"))).toBe(
    text
      .replace("flow: orders-api", 'flow: "orders: all"')
      .replace("orders-api.route-by-method[0].enrich-sync:", '"orders: all.route-by-method[0].enrich-sync":')
      .replace("{orders-api.tap-request: ", '{"orders: all.tap-request": ')
      .replace("      orders-api.tap-request: {", '      "orders: all.tap-request": {'),
  );
  expect(tested(renameBlock(before, block("orders-api.route-by-method"), "route"))).toBe(
    text.replace("route-by-method", "route"),
  );
});

test("a block moves, and those inside of it", () => {
  const lane = before.flows[2]?.process;
  if (!lane) throw new Error();
  expect(tested(moveBlocks(before, [block("orders-api.route-by-method")], lane, 0))).toBe(
    text.replace("orders-api.route-by-method[0]", "audit.route-by-method[0]"),
  );
  expect(tested(wrapBlocks(before, [block("audit.audit-log")], { type: "retry", name: "again" }, ["process"]))).toBe(
    text.replace("audit.audit-log", "audit.again[process].audit-log"),
  );
});

test("a connector gets another name, in stubs", () => {
  const [web] = before.connectors;
  if (!web) throw new Error();
  const tests =
    "flow: audit\nstubs: {web: {replies: []}}\ncases:\n  - name: a\n    stubs:\n      web: {}\n    calls: [{flow: audit, spies: {audit.audit-log: {}}}]\n";
  expect(tested(rename(before, web, "site"), tests)).toBe(tests.replaceAll("web", "site"));
  const audit = before.flows[2];
  if (!audit) throw new Error();
  expect(tested(rename(before, audit, "told"), tests)).toBe(
    tests
      .replace("flow: audit\n", "flow: told\n")
      .replace("{flow: audit", "{flow: told")
      .replace("audit.audit-log", "told.audit-log"),
  );
});

test("an edit that changes no address changes no test", () => {
  expect(tested(renameBlock(before, block("audit.audit-log"), "audit-log"))).toBe(text);
});

import { describe, expect, test } from "vitest";
import {
  changed,
  childOf,
  extended,
  laneBeside,
  located,
  moveBlocks,
  moveTarget,
  only,
  parentOf,
  read,
  selectedBlocks,
  selectedTo,
  selectionAt,
  shown,
  spotsOf,
  stepped,
  still,
  thingAt,
  toggled,
} from "../../src/model";
import { catalogue } from "./catalogue";

const TEXT = `flows:
  - name: a
    process:
      - type: log
      - type: if
        condition: body.x
        then: {process: [{type: log, name: t1}, {type: log, name: t2}]}
        else: {process: [{type: log, name: e1}]}
      - type: log
        name: last
    error:
      - {type: log, name: oops}
  - name: b
    process: []
`;

const integration = read([["a.yaml", TEXT]], catalogue);
const all = [...located(integration)];

function key(address: string): string {
  const found = all.find(
    ([, { thing }]) => (thing.kind === "flow" ? thing.name : thing.address) === address && thing.kind !== "lane",
  );
  if (!found) throw new Error(address);
  return found[0];
}

function address(of: string | undefined): string | undefined {
  const thing = of === undefined ? undefined : located(integration).get(of)?.thing;
  return thing?.kind === "flow" ? thing.name : thing?.address;
}

describe("the keys lead in reading order", () => {
  test("up and down", () => {
    expect(shown(integration).map(address)).toEqual([
      "a",
      "a.log",
      "a.if",
      "a.if[then].t1",
      "a.if[then].t2",
      "a.if[else].e1",
      "a.last",
      "a[error].oops",
      "b",
    ]);
    expect(address(stepped(integration, key("a.if"), 1))).toBe("a.if[then].t1");
    expect(address(stepped(integration, key("b"), 1))).toBe("b");
    const folded = new Set([key("a.if")]);
    expect(address(stepped(integration, key("a.if"), 1, folded))).toBe("a.last");
    expect(address(stepped(integration, key("a.last"), -1, folded))).toBe("a.if");
  });

  test("in and out, and to the lane beside", () => {
    expect(address(childOf(integration, key("a.if")))).toBe("a.if[then].t1");
    expect(address(childOf(integration, key("a")))).toBe("a.log");
    expect(childOf(integration, key("a.log"))).toBe(undefined);
    expect(address(parentOf(integration, key("a.if[else].e1")))).toBe("a.if");
    expect(address(parentOf(integration, key("a.log")))).toBe("a");
    expect(laneBeside(integration, key("a.if[then].t1"), 1)?.name).toBe("else");
    expect(laneBeside(integration, key("a.log"), 1)?.name).toBe("error");
  });

  test("shift selects what is between", () => {
    const down = extended(integration, only(key("a.log")), 1);
    expect(down.keys.map(address)).toEqual(["a.log", "a.if"]);
    expect(extended(integration, down, -1).keys.map(address)).toEqual(["a.log"]);
    const up = selectedTo(integration, only(key("a.if[else].e1")), key("a.if[then].t1"));
    expect(up.keys.map(address)).toEqual(["a.if[then].t1", "a.if[then].t2", "a.if[else].e1"]);
    expect(toggled(toggled(only(key("a.log")), key("a.last")), key("a.log")).keys.map(address)).toEqual(["a.last"]);
  });
});

describe("moving with the keys", () => {
  const place = (at: string, way: "up" | "down" | "left" | "right") => {
    const target = moveTarget(integration, selectedBlocks(integration, only(key(at))), way);
    return target && `${target.lane.address} ${target.index}`;
  };

  test("within a lane, then out of it; and to the lane beside", () => {
    expect(place("a.log", "down")).toBe("a 2");
    expect(place("a.log", "up")).toBe(undefined);
    expect(place("a.if[then].t2", "up")).toBe("a.if[then] 0");
    expect(place("a.if[then].t2", "down")).toBe("a 2");
    expect(place("a.if[then].t1", "up")).toBe("a 1");
    expect(place("a.if[then].t1", "right")).toBe("a.if[else] 1");
    expect(place("a.last", "right")).toBe("a[error] 1");
  });

  test("what is moved stays selected, and undo knows where it was", () => {
    const blocks = selectedBlocks(integration, only(key("a.last")));
    const target = moveTarget(integration, blocks, "up");
    if (!target) throw new Error();
    const done = moveBlocks(integration, blocks, target.lane, target.index);
    if ("refused" in done) throw new Error(done.refused);
    const after = changed(integration, done.changes, done.moved);
    expect(selectionAt(after, done.selected).keys).toEqual([key("a.last")]);
    expect(still(after, only(key("a.last"))).keys).toEqual([key("a.last")]);
    expect(located(after).get(key("a.last"))?.index).toBe(1);
    expect(spotsOf(integration, only(key("a.last")))).toEqual([
      { file: "a.yaml", at: TEXT.indexOf("- type: log\n        name: last") },
    ]);
  });
});

test("the thing at a place of the text", () => {
  const at = (text: string) => {
    const thing = thingAt(integration, "a.yaml", TEXT.indexOf(text));
    return thing?.kind === "flow" ? thing.name : thing?.address;
  };
  expect(at("condition")).toBe("a.if");
  expect(at("t2")).toBe("a.if[then].t2");
  expect(at("error:")).toBe("a");
  expect(at("b\n")).toBe("b");
  expect(thingAt(integration, "a.yaml", 0)).toBe(undefined);
});

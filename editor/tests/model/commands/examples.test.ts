/** What commands make of texts, to be read. */

import { describe, expect, test } from "vitest";
import {
  addErrorLane,
  addFlow,
  addLane,
  addVariable,
  type Block,
  blocksOf,
  changed,
  duplicateBlocks,
  type Integration,
  insertBlock,
  type Lane,
  located,
  moveBlocks,
  moveFlow,
  type Outcome,
  pasteBlocks,
  read,
  removeBlocks,
  removeLane,
  setKey,
  setService,
  setSetting,
  starter,
  unsetSetting,
  wrapBlocks,
} from "../../../src/model";
import { catalogue } from "../catalogue";

const PATH = "flow.yaml";

function open(text: string): Integration {
  return read([[PATH, text]], catalogue);
}

function block(integration: Integration, address: string): Block {
  const found = integration.flows.flatMap((flow) => [...blocksOf(flow)]).find((each) => each.address === address);
  if (!found) throw new Error(address);
  return found;
}

function lane(integration: Integration, address: string): Lane {
  for (const { thing } of located(integration).values())
    if (thing.kind === "lane" && thing.address === address) return thing;
  throw new Error(address);
}

/** The text after a command, or why there is none. */
function textAfter(text: string, command: (integration: Integration) => Outcome): string {
  const integration = open(text);
  const outcome = command(integration);
  if ("refused" in outcome) return `refused: ${outcome.refused}`;
  return changed(integration, outcome.changes, outcome.moved).files.get(PATH)?.tree.text ?? "";
}

const LOG = { type: "log", message: '"hi"' };

describe("the first of its kind", () => {
  test("a flow in an empty file, in one with comments, in one with an empty list", () => {
    const flow = { name: "a", process: [LOG] };
    const written = "flows:\n  - name: a\n    process:\n      - type: log\n        message: '\"hi\"'\n";
    expect(textAfter("", (each) => addFlow(each, PATH, flow))).toBe(written);
    expect(textAfter("# mine\n", (each) => addFlow(each, PATH, flow))).toBe(`# mine\n${written}`);
    expect(textAfter("# mine", (each) => addFlow(each, PATH, flow))).toBe(`# mine\n${written}`);
    expect(textAfter("flows: []\n", (each) => addFlow(each, PATH, flow))).toBe(written);
    expect(textAfter("flows: # mine\n", (each) => addFlow(each, PATH, flow))).toBe(
      written.replace("flows:", "flows: # mine"),
    );
    expect(textAfter("flows:", (each) => addFlow(each, PATH, flow))).toBe(written.trimEnd());
    expect(textAfter("{}\n", (each) => addFlow(each, PATH, flow))).toBe(written);
  });

  test("a flow behind another, with an empty line between", () => {
    expect(textAfter("flows:\n- name: a\n  process: []\n", (each) => addFlow(each, PATH, { name: "b" }))).toBe(
      "flows:\n- name: a\n  process: []\n\n- name: b\n  process: []\n",
    );
  });

  test("sections in their order", () => {
    const text = "service:\n  name: x\n\nflows:\n  - name: a\n";
    expect(textAfter(text, (each) => addVariable(each, PATH, { name: "PORT", default: "8080" }))).toBe(
      'service:\n  name: x\n\nenv:\n  - name: PORT\n    default: "8080"\n\nflows:\n  - name: a\n',
    );
    expect(textAfter("flows: []\n", (each) => setService(each, PATH, "name", "shop"))).toBe(
      "service:\n  name: shop\n\nflows: []\n",
    );
  });

  test("a block in a flow without blocks, however that is written", () => {
    const add = (text: string) => textAfter(text, (each) => insertBlock(each, lane(each, "a"), 0, { type: "log" }));
    const written = "flows:\n  - name: a\n    process:\n      - type: log\n";
    expect(add("flows:\n  - name: a\n")).toBe(written);
    expect(add("flows:\n  - name: a\n    process:\n")).toBe(written);
    expect(add("flows:\n  - name: a\n    process: []\n")).toBe(written);
    expect(add("flows:\n  - name: a\n    process: ~ # later\n")).toBe(written.replace("process:", "process: # later"));
    expect(add("flows: [{name: a}]\n")).toBe("flows: [{name: a, process: [{type: log}]}]\n");
    expect(add("flows: [{name: a, process: []}]\n")).toBe("flows: [{name: a, process: [{type: log}]}]\n");
    expect(add("flows:\n  - {name: a, process: [{type: log, name: x}]}\n")).toBe(
      "flows:\n  - {name: a, process: [{type: log}, {type: log, name: x}]}\n",
    );
    expect(add("flows:\n  - name: a\n    process: [\n      {type: log, name: x}, # x\n    ]\n")).toBe(
      "flows:\n  - name: a\n    process: [\n      {type: log},\n      {type: log, name: x}, # x\n    ]\n",
    );
  });

  test("a block in a lane that is not written, as its neighbours are", () => {
    const text =
      "flows:\n  - name: a\n    process:\n      - type: if\n        condition: x\n        then:\n          process: []\n      - type: log\n";
    expect(textAfter(text, (each) => insertBlock(each, lane(each, "a.if[else]"), 0, { type: "log" }))).toBe(
      text.replace(
        "          process: []\n",
        "          process: []\n        else:\n          process:\n            - type: log\n",
      ),
    );
    const flow = "flows: [{name: a, process: [{type: validate}]}]\n";
    expect(textAfter(flow, (each) => insertBlock(each, lane(each, "a.validate[onReject]"), 0, { type: "log" }))).toBe(
      "flows: [{name: a, process: [{type: validate, onReject: [{type: log}]}]}]\n",
    );
  });

  test("an error lane, behind the process", () => {
    const text = "flows:\n  - name: a\n    process:\n      - type: log\n    workers: 1\n";
    expect(textAfter(text, (each) => addErrorLane(each, each.flows[0] as never))).toBe(
      text.replace(
        "    workers",
        "    error:\n      - type: log\n        settings:\n          level: error\n          message: vars.error.message\n    workers",
      ),
    );
  });
});

describe("blocks move", () => {
  const TEXT = `flows:
  - name: a
    process:
      # first
      # of all
      - type: log   # one
        name: one

      - type: if
        condition: x
        then:
          # inner
          - {type: log, name: two}
  # about b
  - name: b
    process:
    # deep
    - type: set-payload
      value: |
        {
          "a": 1
        }
    - {type: log, name: last}
`;

  test("with their comments, in the indentation of their new place", () => {
    const text = textAfter(TEXT, (each) =>
      moveBlocks(each, [block(each, "b.set-payload")], lane(each, "a.if[then]"), 0),
    );
    expect(text).toBe(
      TEXT.replace(
        '    # deep\n    - type: set-payload\n      value: |\n        {\n          "a": 1\n        }\n',
        "",
      ).replace(
        "          # inner\n",
        '          # deep\n          - type: set-payload\n            value: |\n              {\n                "a": 1\n              }\n          # inner\n',
      ),
    );
  });

  test("several at once, in their order, and what is inside of another goes with it", () => {
    const text = textAfter(TEXT, (each) =>
      moveBlocks(
        each,
        ["b.last", "a.if", "a.if[then].two", "a.one"].map((one) => block(each, one)),
        lane(each, "b"),
        1,
      ),
    );
    const moved = text.slice(text.indexOf("    - type: log"));
    expect(moved).toBe(
      "    - type: log   # one\n      name: one\n    - type: if\n      condition: x\n      then:\n        # inner\n        - {type: log, name: two}\n    - {type: log, name: last}\n",
    );
    expect(text).toContain("    process: []\n  # about b\n");
  });

  test("into the place where they are: nothing changes", () => {
    for (const index of [0, 1]) {
      expect(textAfter(TEXT, (each) => moveBlocks(each, [block(each, "a.one")], lane(each, "a"), index))).toBe(TEXT);
    }
  });

  test("into a flow in one line: with quotes where they are needed, and comments above", () => {
    const text = `${TEXT}  - {name: c, process: [{type: log}]}\n`;
    const moved = textAfter(text, (each) => moveBlocks(each, [block(each, "b.set-payload")], lane(each, "c"), 0));
    expect(moved.split("\n").slice(-4).join("\n")).toBe(
      '  - {name: c, process: [\n      # deep\n      {type: set-payload, value: "{\\n  \\"a\\": 1\\n}\\n"}, {type: log}]}\n',
    );
    expect(open(moved).files.get(PATH)?.tree.problems).toEqual([]);
  });

  test("not into themselves, and not where they may not stand", () => {
    expect(textAfter(TEXT, (each) => moveBlocks(each, [block(each, "a.if")], lane(each, "a.if[then]"), 0))).toBe(
      'refused: "if" cannot stand inside itself.',
    );
    const text = TEXT.replace("{type: log, name: last}", "{type: split, items: body}");
    expect(textAfter(text, (each) => moveBlocks(each, [block(each, "b.split")], lane(each, "a.if[then]"), 0))).toBe(
      'refused: "split" takes the rest of a flow, so it stands directly in the flow.',
    );
  });
});

describe("from one file to another", () => {
  const files: [string, string][] = [
    ["a.yaml", "flows:\n  - name: a\n    process:\n      # one\n      - {type: log, name: one}\n      - type: log\n"],
    ["b.yaml", "flows:\r\n- name: b\r\n  process:\r\n  - type: log\r\n"],
  ];
  const integration = read(files, catalogue);
  const texts = (outcome: Outcome) => {
    if ("refused" in outcome) throw new Error(outcome.refused);
    return [...changed(integration, outcome.changes, outcome.moved).files.values()].map((each) => each.tree.text);
  };

  test("a block moves, with its comments, and the newlines of its new file", () => {
    expect(texts(moveBlocks(integration, [block(integration, "a.one")], lane(integration, "b"), 0))).toEqual([
      "flows:\n  - name: a\n    process:\n      - type: log\n",
      "flows:\r\n- name: b\r\n  process:\r\n  # one\r\n  - {type: log, name: one}\r\n  - type: log\r\n",
    ]);
  });

  test("a flow moves, also to a file that is new", () => {
    const [flow] = integration.flows;
    if (!flow) throw new Error();
    expect(texts(moveFlow(integration, flow, "b.yaml", 1))).toEqual([
      "flows: []\n",
      `${files[1]?.[1]}\r\n- name: a\r\n  process:\r\n    # one\r\n    - {type: log, name: one}\r\n    - type: log\r\n`,
    ]);
    expect(texts(moveFlow(integration, flow, "c.yaml", 0)).at(-1)).toBe(files[0]?.[1]);
  });
});

describe("blocks are wrapped", () => {
  test("only their indentation changes", () => {
    const text =
      'flows:\n- name: a\n  process:\n  # why\n  - type: log\n    message: |\n      "a"\n\n      + "b"\n  - type: log\n  - type: log\n    name: c\n';
    const wrapped = textAfter(text, (each) =>
      wrapBlocks(each, [block(each, "a.log"), block(each, "a.log#2")], { type: "retry", maxAttempts: 5 }, ["process"]),
    );
    expect(wrapped).toBe(
      'flows:\n- name: a\n  process:\n  - type: retry\n    maxAttempts: 5\n    process:\n    # why\n    - type: log\n      message: |\n        "a"\n\n        + "b"\n    - type: log\n  - type: log\n    name: c\n',
    );
    expect(
      textAfter("flows: [{name: a, process: [{type: log}, {type: log, name: b}]}]\n", (each) =>
        wrapBlocks(each, [block(each, "a.b")], { type: "timeout", after: "2s" }, ["process"]),
      ),
    ).toBe("flows: [{name: a, process: [{type: log}, {type: timeout, after: 2s, process: [{type: log, name: b}]}]}]\n");
    expect(
      textAfter(text, (each) =>
        wrapBlocks(each, [block(each, "a.log"), block(each, "a.c")], { type: "retry" }, ["process"]),
      ),
    ).toBe("refused: Only blocks that stand one behind the other can be wrapped.");
  });
});

describe("the last of its kind is removed", () => {
  test("the list stays", () => {
    const text = "flows:\n  - name: a\n    process: # what\n      # one\n      - type: log\n    workers: 1\n";
    expect(textAfter(text, (each) => removeBlocks(each, [block(each, "a.log")]))).toBe(
      "flows:\n  - name: a\n    process: [] # what\n    workers: 1\n",
    );
  });

  test("an error lane goes, as an empty one would hide every error", () => {
    const text = "flows:\n  - name: a\n    process: []\n    # when it fails\n    error:\n      - type: log\n";
    expect(textAfter(text, (each) => removeBlocks(each, [block(each, "a[error].log")]))).toBe(
      "flows:\n  - name: a\n    process: []\n    # when it fails\n",
    );
  });

  test("a lane of a list, with what stands in it", () => {
    const text =
      "flows:\n  - name: a\n    process:\n      - type: switch\n        cases:\n          # one\n          - when: x\n            process: []\n          - {when: y, process: [{type: log}]}\n";
    expect(textAfter(text, (each) => removeLane(each, lane(each, "a.switch[0]")))).toBe(
      text.replace("          # one\n          - when: x\n            process: []\n", ""),
    );
    expect(
      textAfter(text, (each) => addLane(each, block(each, "a.switch"), "cases[].process", { when: 'body.x == "y"' })),
    ).toBe(`${text}          - when: body.x == "y"\n            process: []\n`);
  });
});

describe("fields", () => {
  const TEXT = `flows:
  - name: a
    process:
      - type: rest
        settings:
          connector: web  # the only one
          path: '/a'
          headers: {A: "1"}
          body: |   # CEL
            {"a": 1}
      - {type: log, message: '"x"'}
      - type: if
        condition: "true"
        then: []
`;
  const rest = (each: Integration) => block(each, "a.rest");

  test("a text keeps its quotes and its comment", () => {
    expect(textAfter(TEXT, (each) => setSetting(each, rest(each), ["path"], "/it's"))).toBe(
      TEXT.replace("'/a'", "'/it''s'"),
    );
    expect(textAfter(TEXT, (each) => setSetting(each, rest(each), ["connector"], "a: b"))).toBe(
      TEXT.replace("connector: web", 'connector: "a: b"'),
    );
    expect(textAfter(TEXT, (each) => setSetting(each, block(each, "a.if"), ["condition"], 'a == "b"'))).toBe(
      TEXT.replace('condition: "true"', 'condition: "a == \\"b\\""'),
    );
  });

  test("several lines become a literal block, and stay one", () => {
    expect(textAfter(TEXT, (each) => setSetting(each, rest(each), ["body"], "{}"))).toBe(
      TEXT.replace('|   # CEL\n            {"a": 1}', "|-   # CEL\n            {}"),
    );
    expect(textAfter(TEXT, (each) => setSetting(each, rest(each), ["body"], '{"a": 1,\n "b": 2}'))).toBe(
      TEXT.replace('{"a": 1}\n', '{"a": 1,\n             "b": 2}\n'),
    );
    expect(textAfter(TEXT, (each) => setSetting(each, rest(each), ["path"], "a\nb"))).toBe(
      TEXT.replace("'/a'", "|-\n            a\n            b"),
    );
    expect(textAfter(TEXT, (each) => setSetting(each, block(each, "a.log"), ["message"], '"a"\n+ "b"'))).toBe(
      TEXT.replace("message: '\"x\"'", 'message: "\\"a\\"\\n+ \\"b\\"\\n"'),
    );
  });

  test("a new field has its place in the order of the catalogue, below settings or beside type as the others", () => {
    expect(textAfter(TEXT, (each) => setSetting(each, rest(each), ["method"], "POST"))).toBe(
      TEXT.replace("          path:", "          method: POST\n          path:"),
    );
    expect(textAfter(TEXT, (each) => setSetting(each, block(each, "a.log"), ["level"], "warn"))).toBe(
      TEXT.replace("message: '\"x\"'}", "message: '\"x\"', level: warn}"),
    );
    expect(textAfter(TEXT, (each) => setSetting(each, rest(each), ["headers", "B"], "x, y"))).toBe(
      TEXT.replace('{A: "1"}', '{A: "1", B: "x, y"}'),
    );
    expect(textAfter(TEXT, (each) => setSetting(each, rest(each), ["query", "q"], "8080"))).toBe(
      TEXT.replace("          headers:", '          query:\n            q: "8080"\n          headers:'),
    );
  });

  test("a field is removed, and with the last one `settings`", () => {
    expect(textAfter(TEXT, (each) => unsetSetting(each, rest(each), ["body"]))).toBe(
      TEXT.replace('          body: |   # CEL\n            {"a": 1}\n', ""),
    );
    const text = "flows:\n  - name: a\n    process:\n      - type: log\n        settings: {level: warn}\n";
    expect(textAfter(text, (each) => unsetSetting(each, block(each, "a.log"), ["level"]))).toBe(
      "flows:\n  - name: a\n    process:\n      - type: log\n",
    );
  });

  test("of a list only what differs is touched", () => {
    const text =
      "flows:\n  - name: a\n    mask:\n      - one # 1\n      # two\n      - two\n      - three\n    process: []\n";
    expect(textAfter(text, (each) => setKey(each, each.flows[0] as never, ["mask"], ["one", "three", "four"]))).toBe(
      text.replace("      - two\n      - three\n", "      - three\n      - four\n"),
    );
    const requires = "flows:\n  - name: a\n    requires:\n      - body.x > 1\n    process: []\n";
    expect(
      textAfter(requires, (each) => setKey(each, each.flows[0] as never, ["requires", 0, "because"], "it is")),
    ).toBe(requires.replace("- body.x > 1\n", "- that: body.x > 1\n        because: it is\n"));
  });

  test("what stands elsewhere is not changed from here", () => {
    const text =
      "x: &x {level: warn}\nflows:\n  - name: a\n    process:\n      - type: log\n        settings: *x\n      - &b\n        type: log\n        name: b\n      - *b\n";
    expect(textAfter(text, (each) => setSetting(each, block(each, "a.log"), ["level"], "info"))).toMatch(
      /^refused: .*repeated/,
    );
    expect(textAfter(text, (each) => removeBlocks(each, [block(each, "a.b")]))).toBe(
      "refused: `&b` is used by `*b` in another place.",
    );
    expect(textAfter(text, (each) => duplicateBlocks(each, [block(each, "a.b")]))).toBe(
      text.replace("        name: b\n", "        name: b\n      - type: log\n        name: b\n"),
    );
    expect(textAfter(text, (each) => removeBlocks(each, [block(each, "a.b#2")]))).toBe(
      text.replace("      - *b\n", ""),
    );
    expect(textAfter(text, (each) => pasteBlocks(each, lane(each, "a"), 0, "- *nothing\n"))).toBe(
      "refused: `*nothing` repeats nothing here.",
    );
  });
});

describe("a new block of a type", () => {
  const integration = open(
    "connectors:\n  - {name: web, type: http-client, settings: {url: http://x}}\nflows:\n  - name: a\n    process: [{type: log, settings: {level: info}}]\n  - {name: b, process: []}\n",
  );

  test("has what it needs at least", () => {
    const of = (type: string) => starter(integration, integration.flows[0] as never, type);
    expect(of("log")).toEqual({ type: "log" });
    expect(of("rest")).toEqual({ type: "rest", settings: { connector: "web" } });
    expect(of("set-variable")).toEqual({ type: "set-variable", settings: { name: "name", value: "body" } });
    expect(of("flow-ref")).toEqual({ type: "flow-ref", settings: { flow: "b" } });
    expect(of("if")).toMatchObject({ type: "if", condition: "true" });
    expect(Object.entries(of("if") as object).at(-1)).toEqual(["then", { process: [] }]);
    expect(of("switch")).toEqual({ type: "switch", cases: [{ when: "true", process: [] }] });
    expect(of("fork")).toEqual({ type: "fork", branches: [{ name: "branches-1", process: [] }] });
    expect(of("no-such")).toEqual({ type: "no-such" });
  });
});

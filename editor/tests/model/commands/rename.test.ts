// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are what is renamed
import { describe, expect, test } from "vitest";
import { type Outcome, rename, renameBlock } from "../../../src/model/commands";
import { blocksOf, changed, type Integration, read } from "../../../src/model/integration";
import { references } from "../../../src/model/references";
import { catalogue } from "../catalogue";
import { samples } from "../files";

function texts(integration: Integration, outcome: Outcome): Record<string, string> {
  if ("refused" in outcome) throw new Error(outcome.refused);
  return Object.fromEntries(
    [...changed(integration, outcome.changes).files].map(([path, { tree }]) => [path, tree.text]),
  );
}

const MAIN = `env:
  - name: PORT
    default: "80\${OTHER}"   # PORT
connectors:
  - name: web
    type: http
    settings: {port: "\${PORT}", host: "$\${PORT} \${PORT:-a} \${PORTS}"}
  - name: http
    type: http-client
    settings: {url: http://x}
processors:
  - {name: tell, type: log, settings: {logger: out}}
flows:
  - name: a
    source: {connector: web, type: http, settings: {path: /a}}
    deadLetter: {flow: b}
    process:
      - ref: tell
      - {type: flow-ref, flow: b} # calls b
      - type: flow-ref
        settings:
          flow: "b"
      - {type: rest, connector: http, path: '"/b"'}
      - type: ai-agent
        connector: model
        prompt: b
        tools: [{flow: b}, {name: b, description: b, process: [{type: flow-ref, flow: 'b'}]}]
        mcp: [server, {server: server}]
`;

const MORE = `connectors:
  - {name: out, type: logger}
  - {name: server, type: mcp-client, settings: {url: http://x}}
flows:
  - name: b
    process: []
    error: [{type: flow-ref, flow: a}]
  - source: {type: cron, settings: {schedule: "@every 1s"}}
    process: [{type: flow-ref, flow: b}, {type: log, logger: out, message: '"b" + flow-3'}]
`;

const integration = read(
  [
    ["main.yaml", MAIN],
    ["more.yaml", MORE],
  ],
  catalogue,
);

function item(name: string) {
  const { flows, connectors, processors, env } = integration;
  const found = [...flows, ...connectors, ...processors, ...env].find((each) => each.name === name);
  if (!found) throw new Error(name);
  return found;
}

describe("rename", () => {
  test("a flow with all that call it, in every file", () => {
    const found = texts(integration, rename(integration, item("b"), "big one: 1"));
    expect(found["main.yaml"]).toBe(
      MAIN.replace("deadLetter: {flow: b}", "deadLetter: {flow: 'big one: 1'}".replaceAll("'", '"'))
        .replace("flow: b} # calls b", 'flow: "big one: 1"} # calls b')
        .replace('flow: "b"', 'flow: "big one: 1"')
        .replace("[{flow: b}, ", '[{flow: "big one: 1"}, ')
        .replace("flow: 'b'", "flow: 'big one: 1'"),
    );
    expect(found["more.yaml"]).toBe(
      MORE.replace("name: b", 'name: "big one: 1"').replace("flow-ref, flow: b}", 'flow-ref, flow: "big one: 1"}'),
    );
  });

  test("a connector where it is used, also by blocks that name it themselves", () => {
    const found = texts(integration, rename(integration, item("server"), "tools"));
    expect(found["main.yaml"]).toBe(MAIN.replace("[server, {server: server}]", "[tools, {server: tools}]"));
    expect(found["more.yaml"]).toBe(MORE.replace("name: server", "name: tools"));
    const web = texts(integration, rename(integration, item("web"), "http-2"));
    expect(web["main.yaml"]).toBe(MAIN.replaceAll(/\bweb\b/g, "http-2"));
    const logger = texts(integration, rename(integration, item("out"), "log"));
    expect(logger["main.yaml"]).toBe(MAIN.replace("logger: out", "logger: log"));
    expect(logger["more.yaml"]).toBe(MORE.replace("name: out", "name: log").replace("logger: out", "logger: log"));
  });

  test("a processor and a variable", () => {
    expect(texts(integration, rename(integration, item("tell"), "say"))["main.yaml"]).toBe(
      MAIN.replaceAll("tell", "say"),
    );
    const found = texts(integration, rename(integration, item("PORT"), "HTTP"))["main.yaml"];
    expect(found).toBe(
      MAIN.replace("name: PORT", "name: HTTP").replace('"${PORT}"', '"${HTTP}"').replace("${PORT:-a}", "${HTTP:-a}"),
    );
  });

  test("a flow that has no name gets one", () => {
    const found = texts(integration, rename(integration, item("flow-3"), "tick"))["more.yaml"];
    expect(found).toBe(MORE.replace("  - source: {type: cron", "  - name: tick\n    source: {type: cron"));
  });

  test("a block gets a name and loses it", () => {
    const [block] = [...blocksOf(integration.flows[0] as never)];
    if (!block) throw new Error();
    const named = renameBlock(integration, block, "first");
    expect(texts(integration, named)["main.yaml"]).toBe(
      MAIN.replace("- ref: tell\n", "- ref: tell\n        name: first\n"),
    );
    const after = changed(integration, "refused" in named ? new Map() : named.changes);
    const [again] = [...blocksOf(after.flows[0] as never)];
    expect(again?.key).toBe(block.key);
    expect(texts(after, renameBlock(after, again as never, ""))["main.yaml"]).toBe(MAIN);
  });

  test("a name that is taken is refused", () => {
    expect(rename(integration, item("b"), "a")).toEqual({ refused: "There is a flow `a` already." });
    expect(rename(integration, item("b"), " ")).toEqual({ refused: "A name has at least one character." });
    expect(rename(integration, item("b"), "b")).toMatchObject({ changes: new Map() });
  });
});

test("after a rename the samples have as many references as before, to the new name", () => {
  for (const { name, text } of samples) {
    const before = read([[name, text]], catalogue);
    for (const each of [...before.flows, ...before.connectors, ...before.env]) {
      const outcome = rename(before, each, "a_new_name");
      if ("refused" in outcome) throw new Error(outcome.refused);
      const told = (one: Integration) => references(one).map(({ to, name: to_name }) => [to, to_name]);
      const wanted = told(before).map(([to, one]) =>
        to === each.kind && one === each.name ? [to, "a_new_name"] : [to, one],
      );
      expect(told(changed(before, outcome.changes)), `${name} ${each.name}`).toEqual(wanted);
    }
  }
});

/** Every setting of every sample is set and removed. What the text then says is asked of the package `yaml`. */

import { describe, expect, test } from "vitest";
import {
  addConnector,
  addErrorLane,
  addFlow,
  addLane,
  addVariable,
  duplicateFlow,
  moveFlow,
  moveLane,
  type Outcome,
  removeErrorLane,
  removeItem,
  removeLane,
  removeSource,
  setKey,
  setService,
  setSetting,
  setSource,
  unsetSetting,
} from "../../../src/model/commands";
import type { Block, Named, Source } from "../../../src/model/document";
import { blocksOf, read } from "../../../src/model/integration";
import { apply } from "../../../src/model/text";
import { dataOf, type Value } from "../../../src/model/yaml/value";
import { catalogue } from "../catalogue";
import { type Sample, samples } from "../files";
import { commentLines, type Data, data, MOST } from "../oracle";

const VALUES: Value[] = ["text", "a: b", 'vars.x == "y"', "two\nlines\n", 7, false, ["a", "b"], { a: 1, b: ["c"] }];

function textAfter(sample: Sample, outcome: Outcome): string {
  if ("refused" in outcome) throw new Error(`${sample.name}: ${outcome.refused}`);
  return apply(sample.text, outcome.changes.get(sample.name) ?? []);
}

function some<T>(items: readonly T[]): T[] {
  const step = Math.max(1, Math.ceil(items.length / MOST));
  return items.filter((_, index) => index % step === 0);
}

const open = (sample: Sample) => read([[sample.name, sample.text]], catalogue);

/** The settings of a thing in the data of a text, wherever they are written. */
function settingsOf(text: string, key: string, name: string): Record<string, unknown> {
  const integration = read([[name, text]], catalogue);
  const all = things(integration).find((each) => each.address === key);
  const tree = integration.files.get(name)?.tree;
  if (!all || !tree) throw new Error(`${key} is gone`);
  return Object.fromEntries(all.thing.settings.map((each) => [each.name, dataOf(tree, each.node)]));
}

type Thing = { address: string; thing: Block | Source | Named };

function things(integration: ReturnType<typeof read>): Thing[] {
  return [
    ...integration.connectors.map((thing) => ({ address: `connector ${thing.name}`, thing })),
    ...integration.flows.flatMap((flow) => [
      ...(flow.source ? [{ address: `source ${flow.name}`, thing: flow.source }] : []),
      ...[...blocksOf(flow)].map((thing) => ({ address: thing.address, thing })),
    ]),
  ];
}

/** The data of a text without one setting of one thing, to compare the rest. */
describe.each(samples.map((each) => [each.name, each] as const))("%s", (name, sample) => {
  const integration = open(sample);
  const all = some(things(integration));

  test("a setting is set, the others stay", () => {
    let turn = 0;
    for (const { address, thing } of all) {
      for (const setting of [
        ...thing.settings.filter((each) => !isChain(thing, each.name)).map((each) => each.name),
        "fresh",
      ]) {
        turn += 1;
        const value = VALUES[turn % VALUES.length] as Value;
        const text = textAfter(sample, setSetting(integration, thing, [setting], value));
        const wanted = { ...settingsOf(sample.text, address, name), [setting]: value };
        expect(settingsOf(text, address, name), `${address} ${setting}\n${text}`).toEqual(wanted);
        expect(Object.keys(data(text))).toEqual(Object.keys(data(sample.text)));
      }
    }
  });

  test("a setting is removed, the others stay", () => {
    for (const { address, thing } of all) {
      for (const { name: setting } of thing.settings) {
        const text = textAfter(sample, unsetSetting(integration, thing, [setting]));
        const { [setting]: _, ...wanted } = settingsOf(sample.text, address, name);
        expect(settingsOf(text, address, name), `${address} ${setting}`).toEqual(wanted);
      }
    }
  });

  test("a part of a value is set and removed", () => {
    for (const { address, thing } of all) {
      for (const setting of thing.settings.filter((each) => !isChain(thing, each.name))) {
        const value = settingsOf(sample.text, address, name)[setting.name];
        if (typeof value !== "object" || value === null) continue;
        const step = Array.isArray(value) ? value.length : "a new key";
        const text = textAfter(sample, setSetting(integration, thing, [setting.name, step], "x: y"));
        const wanted = Array.isArray(value) ? [...value, "x: y"] : { ...value, [step]: "x: y" };
        expect(settingsOf(text, address, name)[setting.name]).toEqual(wanted);
        const again = read([[name, text]], catalogue);
        const same = things(again).find((each) => each.address === address)?.thing as Block;
        const back = unsetSetting(again, same, [setting.name, step]);
        expect(data(textAfter({ name, text }, back))).toEqual(data(sample.text));
      }
    }
  });

  test("the same value changes nothing", () => {
    const { tree } = integration.files.get(name) ?? {};
    for (const { thing } of all) {
      for (const { name: setting, node } of thing.settings) {
        if (!tree) continue;
        const outcome = setSetting(integration, thing, [setting], dataOf(tree, node));
        expect(textAfter(sample, outcome)).toBe(sample.text);
      }
    }
  });

  test("flows, connectors and variables come and go", () => {
    const dataBefore = () => data(sample.text);
    const flow = { name: "fresh", process: [{ type: "log", settings: { message: '"x"' } }] };
    const added = dataBefore();
    (added.flows as Data).push(flow);
    expect(data(textAfter(sample, addFlow(integration, name, flow)))).toEqual(added);
    const connector = { name: "fresh", type: "http", settings: { port: 80 } };
    const connectors = [...((dataBefore().connectors as unknown[]) ?? []), connector];
    expect(data(textAfter(sample, addConnector(integration, name, connector)))).toEqual({
      ...dataBefore(),
      connectors,
    });
    const env = [...((dataBefore().env as unknown[]) ?? []), { name: "FRESH", default: "8080" }];
    expect(data(textAfter(sample, addVariable(integration, name, { name: "FRESH", default: "8080" })))).toEqual({
      ...dataBefore(),
      env,
    });
    for (const [index, each] of integration.flows.entries()) {
      const rest = dataBefore();
      (rest.flows as Data).splice(index, 1);
      expect(data(textAfter(sample, removeItem(integration, each)))).toEqual(rest);
      const twice = dataBefore();
      const copy = { ...(structuredClone(twice.flows) as Data[])[index], name: "copy" } as never;
      (twice.flows as Data).splice(index + 1, 0, copy);
      expect(data(textAfter(sample, duplicateFlow(integration, each, "copy")))).toEqual(twice);
      for (const place of [0, integration.flows.length]) {
        const text = textAfter(sample, moveFlow(integration, each, name, place));
        const flows = dataBefore().flows as Data;
        const [moved] = flows.splice(index, 1);
        flows.splice(place === 0 ? 0 : flows.length, 0, moved as never);
        expect(data(text).flows).toEqual(flows);
        expect(commentLines(text).sort()).toEqual(commentLines(sample.text).sort());
      }
    }
    for (const [index, each] of integration.connectors.entries()) {
      const rest = dataBefore();
      (rest.connectors as Data).splice(index, 1);
      expect(data(textAfter(sample, removeItem(integration, each)))).toEqual(rest);
    }
    const named = { ...(dataBefore().service as Record<string, unknown>), environment: "test" };
    expect(data(textAfter(sample, setService(integration, name, "environment", "test"))).service).toEqual(named);
  });

  test("keys, sources and error lanes of flows", () => {
    for (const [index, flow] of integration.flows.entries()) {
      const change = (text: string) => (data(text).flows as Data[])[index] as Record<string, unknown>;
      const old = change(sample.text);
      const described = textAfter(sample, setKey(integration, flow, ["description"], "what it does:\nall\n"));
      expect(change(described)).toEqual({ ...old, description: "what it does:\nall\n" });
      const source = { connector: "web", type: "http", settings: { path: "/x/{id}" } };
      expect(change(textAfter(sample, setSource(integration, flow, source)))).toEqual({ ...old, source });
      const { source: _, ...rest } = old;
      const without = change(textAfter(sample, removeSource(integration, flow)));
      expect(without).toEqual({ ...rest, name: flow.name });
      if (flow.error) {
        const { error: __, ...other } = old;
        expect(change(textAfter(sample, removeErrorLane(integration, flow)))).toEqual(other);
      } else {
        const error = [{ type: "log", settings: { level: "error", message: "vars.error.message" } }];
        expect(change(textAfter(sample, addErrorLane(integration, flow)))).toEqual({ ...old, error });
      }
    }
  });

  test("lanes are added, moved and removed", () => {
    for (const flow of integration.flows) {
      for (const block of blocksOf(flow)) {
        for (const slot of block.known?.slots.filter((each) => each.includes("[]")) ?? []) {
          const list = slot.split("[]")[0] ?? "";
          const old = (settingsOf(sample.text, block.address, name)[list] as unknown[]) ?? [];
          const fresh = textAfter(sample, addLane(integration, block, slot, { name: "a lane" }));
          expect(settingsOf(fresh, block.address, name)[list]).toEqual([...old, { name: "a lane", process: [] }]);
          for (const [index, lane] of block.lanes.filter((each) => each.slot === slot).entries()) {
            const removed = textAfter(sample, removeLane(integration, lane));
            expect(settingsOf(removed, block.address, name)[list]).toEqual(old.toSpliced(index, 1));
            const moved = textAfter(sample, moveLane(integration, lane, 0));
            expect(settingsOf(moved, block.address, name)[list]).toEqual([old[index], ...old.toSpliced(index, 1)]);
            expect(commentLines(moved).sort()).toEqual(commentLines(sample.text).sort());
          }
        }
      }
    }
  });
});

function isChain(thing: Block | Source | Named, setting: string): boolean {
  return thing.kind === "block" && thing.lanes.some((each) => each.path[0] === setting);
}

/** Blocks of all samples are moved, removed, copied. What the text then says is asked of the package `yaml`. */

import { describe, expect, test } from "vitest";
import {
  copied,
  duplicateBlocks,
  insertBlock,
  moveBlocks,
  type Outcome,
  pasteBlocks,
  removeBlocks,
  wrapBlocks,
} from "../../../src/model/commands";
import type { Block, Flow, Lane } from "../../../src/model/document";
import { blocksOf, changed, type Integration, lanesOfFlow, read } from "../../../src/model/integration";
import { apply } from "../../../src/model/text";
import type { Value } from "../../../src/model/yaml/value";
import { catalogue } from "../catalogue";
import { type Sample, samples } from "../files";
import { commentLines, type Data, data, MOST } from "../oracle";

interface Spot {
  block: Block;
  lane: Lane;
  path: (string | number)[];
}

/** Every lane with the path of its list, every block with its own. */
function walk(flow: Flow, index: number): { lanes: { lane: Lane; path: (string | number)[] }[]; blocks: Spot[] } {
  const lanes: { lane: Lane; path: (string | number)[] }[] = [];
  const blocks: Spot[] = [];
  const visit = (lane: Lane, base: (string | number)[], owner?: Block) => {
    const first = owner?.settings.find((each) => each.name === lane.path[0]);
    const path = [...base, ...(first?.isBelow ? ["settings"] : []), ...lane.path];
    if (lane.node?.kind === "mapping") path.push("process");
    if (lane.chain) lanes.push({ lane, path });
    for (const [at, block] of lane.blocks.entries()) {
      blocks.push({ block, lane, path: [...path, at] });
      for (const each of block.lanes) visit(each, [...path, at], block);
    }
  };
  for (const each of lanesOfFlow(flow)) visit(each, ["flows", index]);
  return { lanes, blocks };
}

function spots({ flows }: Integration) {
  const all = flows.map(walk);
  return { lanes: all.flatMap((each) => each.lanes), blocks: all.flatMap((each) => each.blocks) };
}

function textAfter(sample: Sample, outcome: Outcome): string {
  if ("refused" in outcome) throw new Error(`${sample.name}: ${outcome.refused}`);
  return apply(sample.text, outcome.changes.get(sample.name) ?? []);
}

function some<T>(items: readonly T[]): T[] {
  const step = Math.max(1, Math.ceil(items.length / MOST));
  return items.filter((_, index) => index % step === 0);
}

function pull(value: Data, path: (string | number)[]): unknown {
  const owner = path.slice(0, -1).reduce<unknown>((each, step) => (each as Data)[step as never], value) as unknown[];
  return owner.splice(Number(path.at(-1)), 1)[0];
}

function list(value: Data, path: (string | number)[]): unknown[] {
  return path.reduce<unknown>((each, step) => (each as Data)[step as never], value) as unknown[];
}

const open = (sample: Sample) => read([[sample.name, sample.text]], catalogue);

/** An empty error chain of a flow goes away. */
function tidy(value: Data): Data {
  for (const flow of value.flows as Data[])
    if (Array.isArray(flow.error) && flow.error.length === 0) delete (flow as Record<string, unknown>).error;
  return value;
}

describe.each(samples.map((each) => [each.name, each] as const))("%s", (_, sample) => {
  const integration = open(sample);
  const { lanes, blocks } = spots(integration);
  const dataBefore = () => data(sample.text);

  test("blocks are removed", () => {
    for (const { block, path } of some(blocks)) {
      const text = textAfter(sample, removeBlocks(integration, [block]));
      const wanted = dataBefore();
      pull(wanted, path);
      expect(data(text), block.address).toEqual(tidy(wanted));
    }
  });

  test("blocks are duplicated", () => {
    for (const { block, path } of some(blocks)) {
      const text = textAfter(sample, duplicateBlocks(integration, [block]));
      const wanted = dataBefore();
      const items = list(wanted, path.slice(0, -1));
      items.splice(Number(path.at(-1)) + 1, 0, structuredClone(items[Number(path.at(-1))]));
      expect(data(text), block.address).toEqual(wanted);
    }
  });

  test("blocks are moved to any lane, with their comments", () => {
    for (const [turn, { block, path }] of some(blocks).entries()) {
      const target = lanes[(turn * 7) % lanes.length];
      if (!target) continue;
      const { lane, path: to } = target;
      const index = turn % (lane.blocks.length + 1);
      const outcome = moveBlocks(integration, [block], lane, index);
      if ("refused" in outcome) {
        expect(outcome.refused).toMatch(/itself|rest of a flow/);
        continue;
      }
      const text = textAfter(sample, outcome);
      const wanted = dataBefore();
      const items = list(wanted, to);
      const behind = lane.blocks.slice(index).find((each) => each !== block);
      const next = behind && items[lane.blocks.indexOf(behind)];
      const moved = pull(wanted, path);
      items.splice(next === undefined ? items.length : items.indexOf(next), 0, moved);
      expect(data(text), `${block.address} to ${lane.address}[${index}]\n${text}`).toEqual(tidy(wanted));
      expect(commentLines(text).sort(), block.address).toEqual(commentLines(sample.text).sort());
      const selected = changed(integration, outcome.changes, outcome.moved);
      const keys = selected.flows.flatMap((flow) => [...blocksOf(flow)].map((each) => each.key));
      expect(new Set(keys)).toEqual(new Set(blocks.map((each) => each.block.key)));
    }
  });

  test("blocks are pasted from what was copied", () => {
    for (const [turn, { block }] of some(blocks).entries()) {
      const { lane, path } = lanes[(turn * 5) % lanes.length] as (typeof lanes)[number];
      const index = turn % (lane.blocks.length + 1);
      const outcome = pasteBlocks(integration, lane, index, copied(integration, [block]));
      if ("refused" in outcome) {
        expect(block.known?.tail, outcome.refused).toBe(true);
        continue;
      }
      const text = textAfter(sample, outcome);
      const wanted = dataBefore();
      const source = blocks.find((each) => each.block === block)?.path ?? [];
      const copy = structuredClone(list(wanted, source));
      list(wanted, path).splice(index, 0, copy);
      expect(data(text), `${block.address} to ${lane.address}\n${text}`).toEqual(wanted);
    }
  });

  test("a block is inserted into every lane, written or not", () => {
    for (const { lane, path } of some(lanes)) {
      const block = { type: "set-payload", settings: { value: '{"a": "b"}', note: "two\nlines\n" } };
      const index = Math.min(1, lane.blocks.length);
      const text = textAfter(sample, insertBlock(integration, lane, index, block));
      const wanted = dataBefore();
      list(wanted, path).splice(index, 0, block);
      expect(data(text), lane.address).toEqual(wanted);
    }
    for (const { block } of blocks) {
      for (const lane of block.lanes.filter((each) => !each.node)) {
        const text = textAfter(sample, insertBlock(integration, lane, 0, { type: "log" }));
        const found = read([[sample.name, text]], catalogue).flows.flatMap((flow) => walk(flow, 0).lanes);
        const there = found.find((each) => each.lane.address === lane.address)?.lane;
        expect(
          there?.blocks.map((each) => each.type),
          `${lane.address}\n${text}`,
        ).toEqual(["log"]);
      }
    }
  });

  test("blocks are wrapped", () => {
    for (const { block, path } of some(blocks.filter((each) => !each.block.known?.tail))) {
      const composite = (process: unknown[]) => ({ type: "switch", cases: [{ when: "body.ok", process }] });
      const outcome = wrapBlocks(integration, [block], composite([]) as Value, ["cases", 0, "process"]);
      const text = textAfter(sample, outcome);
      const wanted = dataBefore();
      const items = list(wanted, path.slice(0, -1));
      const at = Number(path.at(-1));
      items[at] = composite([items[at]]);
      expect(data(text), `${block.address}\n${text}`).toEqual(wanted);
      expect(commentLines(text)).toEqual(commentLines(sample.text));
    }
  });
});

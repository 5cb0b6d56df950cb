/** What can be done to a sample on the canvas, each on its own: for `tests/editor/test_model_against_check.py`. */

import {
  addErrorLane,
  addFlow,
  addLane,
  blocksIn,
  type Catalogue,
  changed,
  copied,
  duplicateBlocks,
  type Integration,
  insertBlock,
  type Lane,
  lanesOfFlow,
  moveBlocks,
  type Outcome,
  pasteBlocks,
  read,
  removeErrorLane,
  rename,
  renameBlock,
  starter,
  wrapBlocks,
} from "../../src/model";
import { removeBlocks } from "../../src/model/commands";
import type { Block, Flow } from "../../src/model/document";

export interface Edited {
  what: string;
  text: string;
}

/** The texts after each edit. seed: which of many places are chosen. */
export function edits(name: string, text: string, catalogue: Catalogue, seed: number): Edited[] {
  const integration = read([[name, text]], catalogue);
  const found: Edited[] = [];
  const add = (what: string, outcome: Outcome) => {
    if ("refused" in outcome) return;
    found.push({ what, text: changed(integration, outcome.changes).files.get(name)?.tree.text ?? "" });
  };
  const { lanes, blocks } = inside(integration);
  const lane = (turn: number) => lanes[(turn * 7 + seed) % lanes.length] as Lane;
  for (const [turn, { type, connector }] of catalogue.blocks.entries()) {
    const target = lane(turn);
    // Without a connector that suits there would be nothing to check.
    if (connector?.required && !integration.connectors.some((each) => connector.of.includes(each.type))) continue;
    add(
      `insert ${type} into ${target.address}`,
      insertBlock(integration, target, 0, starter(integration, flowOf(integration, target), type)),
    );
  }
  for (const [turn, block] of blocks.entries()) {
    const target = lane(turn);
    add(`move ${block.address} to ${target.address}`, moveBlocks(integration, [block], target, target.blocks.length));
    add(`remove ${block.address}`, removeBlocks(integration, [block]));
    add(`duplicate ${block.address}`, duplicateBlocks(integration, [block]));
    add(
      `paste ${block.address} to ${target.address}`,
      pasteBlocks(integration, target, 0, copied(integration, [block])),
    );
    add(`wrap ${block.address}`, wrapBlocks(integration, [block], { type: "timeout", after: "2s" }, ["process"]));
    add(`name ${block.address}`, renameBlock(integration, block, `${block.label}-2`));
    for (const slot of block.known?.slots.filter((each) => each.includes("[]")) ?? []) {
      add(`lane of ${block.address}`, addLane(integration, block, slot, laneFields(slot)));
    }
  }
  for (const flow of integration.flows) {
    add(`rename ${flow.name}`, rename(integration, flow, "another-name"));
    add(
      `error lane of ${flow.name}`,
      flow.error ? removeErrorLane(integration, flow) : addErrorLane(integration, flow),
    );
  }
  for (const each of integration.connectors) add(`rename ${each.name}`, rename(integration, each, "another-name"));
  add("add a flow", addFlow(integration, name, { name: "another-flow" }));
  return found;
}

function flowOf({ flows }: Integration, lane: Lane): Flow {
  const found = flows.find((flow) =>
    lanesOfFlow(flow).some((each) => each === lane || [...blocksIn(each)].some((block) => block.lanes.includes(lane))),
  );
  return found as Flow;
}

function laneFields(slot: string): { [key: string]: string } {
  if (slot.startsWith("cases")) return { when: "true" };
  if (slot.startsWith("resources")) return { uri: "shop://another", name: "another", description: "what it is" };
  return slot.startsWith("branches") ? { name: "another" } : { name: "another", description: "what it does" };
}

function inside({ flows }: Integration): { lanes: Lane[]; blocks: Block[] } {
  const lanes: Lane[] = [];
  const blocks: Block[] = [];
  const visit = (each: Lane) => {
    if (each.chain) lanes.push(each);
    for (const block of each.blocks) {
      blocks.push(block);
      block.lanes.forEach(visit);
    }
  };
  for (const flow of flows) lanesOfFlow(flow).forEach(visit);
  return { lanes, blocks };
}

/** Find what is there, and what may be added. */

import type { BlockType, Catalogue } from "./catalogue";
import type { Block, Flow, Named } from "./document";
import { blocksOf, type Integration } from "./integration";
import { dataOf } from "./yaml/value";

export interface Hit {
  readonly thing: Flow | Block | Named;
  /** What it was found by: its name, type or address, or the name of a field whose text has the words. */
  readonly by: "name" | "type" | "address" | (string & {});
  readonly text: string;
  /** 1 is what was asked for exactly. */
  readonly score: number;
}

/** Flows, blocks, connectors, processors and variables that a query finds, the best first. */
export function find(integration: Integration, query: string, most = 50): Hit[] {
  const words = query.trim().toLowerCase();
  if (!words) return [];
  const hits: Hit[] = [];
  for (const flow of integration.flows) {
    hits.push(...best(flow, words, [["name", flow.name]], textsOf(integration, flow)));
    for (const block of blocksOf(flow)) {
      const names: [string, string][] = [
        ["name", block.label],
        ["type", block.type],
        ["address", block.address],
      ];
      hits.push(...best(block, words, names, textsOf(integration, block)));
    }
  }
  for (const each of [...integration.connectors, ...integration.processors, ...integration.env]) {
    const names: [string, string][] = [
      ["name", each.name],
      ["type", each.type],
    ];
    hits.push(...best(each, words, names, textsOf(integration, each)));
  }
  return hits.sort((a, b) => b.score - a.score).slice(0, most);
}

type Texts = Iterable<readonly [string, string]>;

/** The best way to find a thing; texts of fields count less than names, and only as a whole. */
function best(thing: Hit["thing"], words: string, names: Texts, texts: Texts): Hit[] {
  let found: Hit | undefined;
  for (const [by, text] of names) {
    const score = closeness(text, words) * (by === "name" ? 1 : by === "type" ? 0.8 : 0.6);
    if (score > (found?.score ?? 0)) found = { thing, by, text, score };
  }
  if (found) return [found];
  for (const [by, text] of texts) {
    if (text.toLowerCase().includes(words)) return [{ thing, by, text, score: 0.2 }];
  }
  return [];
}

function* textsOf(integration: Integration, thing: Flow | Block | Named): Generator<[string, string]> {
  const tree = integration.files.get(thing.file)?.tree;
  const lanes = thing.kind === "block" ? thing.lanes.map((each) => each.path[0]) : [];
  for (const { name, node } of thing.settings) {
    if (!tree || lanes.includes(name)) continue;
    const value = dataOf(tree, node);
    yield [name, typeof value === "string" ? value : JSON.stringify(value)];
  }
}

/** Types of blocks for a query, the best first; without one, those that are used most here come first. */
export function suggested(catalogue: Catalogue, query: string, integration?: Integration): BlockType[] {
  const words = query.trim().toLowerCase();
  const used = new Map<string, number>();
  for (const flow of integration?.flows ?? []) {
    for (const { type } of blocksOf(flow)) used.set(type, (used.get(type) ?? 0) + 1);
  }
  const often = (type: BlockType) => Math.min(used.get(type.type) ?? 0, 20) / 1000;
  const score = (type: BlockType) => {
    if (!words) return 1 + often(type);
    const inDoc = wordStarts(type.doc.toLowerCase(), words) ? 0.25 : 0;
    const found = Math.max(closeness(type.type, words), inDoc);
    return found > 0 ? found + often(type) : 0;
  };
  const scored = catalogue.blocks.map((type) => ({ type, score: score(type) }));
  return scored
    .filter((each) => each.score > 0)
    .sort((a, b) => b.score - a.score)
    .map((each) => each.type);
}

/** How well a text fits: 1 if it is the words, less if it begins with them, has them, or has their letters in order. */
export function closeness(text: string, words: string): number {
  const name = text.toLowerCase();
  if (!words || !name) return 0;
  if (name === words) return 1;
  if (name.startsWith(words)) return 0.9;
  if (wordStarts(name, words)) return 0.8;
  if (name.includes(words)) return 0.6;
  const initials = name
    .split(/[^a-z0-9]+/)
    .map((each) => each[0] ?? "")
    .join("");
  if (words.length > 1 && initials.startsWith(words)) return 0.55;
  return words.length > 2 && isSpread(name, words) ? 0.3 : 0;
}

/** Whether a word of the text begins so. */
function wordStarts(text: string, words: string): boolean {
  const spaced = (each: string) => ` ${each.replace(/[^a-z0-9]+/g, " ").trim()}`;
  return spaced(text).includes(spaced(words));
}

/** Whether the letters stand in the text in this order. */
function isSpread(text: string, letters: string): boolean {
  let at = 0;
  for (const each of text) if (each === letters[at]) at += 1;
  return at === letters.length;
}

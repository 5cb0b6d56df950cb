/** Files are opened and nothing is lost; whatever is done to them is taken back to the last byte. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import {
  blocksOf,
  changed,
  copied,
  type Done,
  duplicateBlocks,
  EMPTY,
  type History,
  type Integration,
  insertBlock,
  type Lane,
  lanesOfFlow,
  moveBlocks,
  type Outcome,
  pasteBlocks,
  read,
  recorded,
  redone,
  removeBlocks,
  rename,
  setSetting,
  Tree,
  undone,
  unsetSetting,
  wrapBlocks,
} from "../../src/model";
import { type Entry, isCollection, type Node } from "../../src/model/yaml/node";
import { dataOf } from "../../src/model/yaml/value";
import { catalogue } from "./catalogue";
import { all } from "./files";
import { flowFiles } from "./generated";
import { commentLines } from "./oracle";

const ROUNDS = Number(process.env.ROUNDS ?? 1000);

/** Ranges lie within those around them, in order, and what is between is white space, comments and marks. */
function sound(tree: Tree): void {
  const { text } = tree;
  const visit = (node: Node, from: number, to: number): void => {
    const range = tree.range(node);
    expect(range.from).toBeGreaterThanOrEqual(from);
    expect(range.to).toBeLessThanOrEqual(to);
    if (node.kind === "scalar" && node.style === "plain" && node.body === undefined && !node.text.includes(" ")) {
      expect(text.slice(tree.inner(node), range.to)).toBe(node.text);
    }
    if (!isCollection(node)) return;
    let last = tree.inner(node);
    for (const entry of node.entries) {
      const place = tree.range(entry);
      expect(place.from).toBeGreaterThanOrEqual(last);
      visitEntry(entry, place.from, range.to);
      last = place.to;
    }
  };
  const visitEntry = (entry: Entry, from: number, to: number): void => {
    if (entry.key) visit(entry.key, from, to);
    visit(entry.value, from, to);
  };
  visit(tree.root, 0, text.length);
}

describe("nothing is lost", () => {
  test("all files there are open as they are", () => {
    for (const { name, text } of all) {
      const integration = read([[name, text]], catalogue);
      expect(integration.files.get(name)?.tree.text).toBe(text);
      const tree = Tree.parse(text);
      if (tree.problems.length === 0) sound(tree);
    }
  });

  test(`${ROUNDS} generated files open as they are, and mean what another reader says`, () => {
    fc.assert(
      fc.property(flowFiles, (text) => {
        const tree = Tree.parse(text);
        expect(tree.problems).toEqual([]);
        sound(tree);
        expect(tree.text).toBe(text);
        const [document] = parseAllDocuments(text, { logLevel: "silent" });
        // The other reader ends a text at the end of the file with a newline that is not there.
        const trimmed = (_: string, value: unknown) => (typeof value === "string" ? value.trimEnd() : value);
        const plain = (value: unknown) => JSON.parse(JSON.stringify(value, trimmed));
        expect(plain(dataOf(tree, tree.root))).toEqual(plain(document && "toJS" in document ? document.toJS() : null));
      }),
      { numRuns: ROUNDS, seed: 1 },
    );
  });
});

interface Session {
  integration: Integration;
  history: History;
}

function perform(session: Session, outcome: Outcome | Done): Session {
  if ("refused" in outcome) return session;
  return {
    integration: changed(session.integration, outcome.changes, outcome.moved),
    history: recorded(session.history, session.integration, outcome, { at: 0 }),
  };
}

/** One of the things that can be done, somewhere. */
function anything({ integration }: Session, [what, where, to, detail]: number[]): Outcome | undefined {
  const blocks = integration.flows.flatMap((flow) => [...blocksOf(flow)]);
  const lanes = integration.flows.flatMap(lanesIn);
  const block = blocks[(where ?? 0) % Math.max(1, blocks.length)];
  const lane = lanes[(to ?? 0) % Math.max(1, lanes.length)];
  const flow = integration.flows[(where ?? 0) % Math.max(1, integration.flows.length)];
  if (!lane || !flow) return undefined;
  const index = (detail ?? 0) % (lane.blocks.length + 1);
  const value = ["x", "two\nlines", 7, { a: ["b"] }, 'a "b"'][(detail ?? 0) % 5] as string;
  if (what === 0) return insertBlock(integration, lane, index, { type: "log", message: value });
  if (what === 1) return rename(integration, flow, `name ${detail}`);
  if (!block) return undefined;
  const setting = block.settings[(detail ?? 0) % Math.max(1, block.settings.length)];
  switch (what) {
    case 2:
      return removeBlocks(integration, [block]);
    case 3:
      return moveBlocks(integration, [block], lane, index);
    case 4:
      return duplicateBlocks(integration, [block]);
    case 5:
      return pasteBlocks(integration, lane, index, copied(integration, [block]));
    case 6:
      return wrapBlocks(integration, [block], { type: "retry" }, ["process"]);
    case 7:
      return setSetting(integration, block, [setting?.name ?? "fresh"], value);
    case 8:
      return setSetting(integration, block, ["fresh", "deep", "er"], value);
    default:
      return setting && unsetSetting(integration, block, [setting.name]);
  }
}

/** What a text says, in any order: the values without those of numbers and places, and the comments. */
function said(text: string): string[] {
  const found: string[] = [];
  const tree = Tree.parse(text);
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit);
    else if (typeof value === "object" && value !== null)
      Object.entries(value).forEach(([key, each]) => {
        found.push(key);
        visit(each);
      });
    else if (value !== null) found.push(`${value}`.trimEnd());
  };
  visit(dataOf(tree, tree.root));
  return [...found, ...commentLines(text)].sort();
}

/** Whether all of `less` is in `more`. */
function has(more: readonly string[], less: readonly string[]): boolean {
  let at = 0;
  for (const each of more) if (each === less[at]) at += 1;
  return at === less.length;
}

/** A move says what was said before, but for an error lane that is empty; a removal says less, all else more. */
function keeps(what: number | undefined, before: string, after: string): void {
  if (Tree.parse(before).problems.length > 0 || [1, 7, 8, 9].includes(what ?? 0)) return;
  const [old, fresh] = [said(before), said(after)];
  const count = (texts: readonly string[]) => texts.filter((each) => !each.startsWith("#")).length;
  const isMoved = () =>
    has(
      fresh,
      old.filter((each) => each !== "error"),
    ) && count(fresh) <= count(old) + 3;
  const isFine = what === 2 ? has(old, fresh) : what === 3 ? isMoved() : has(fresh, old);
  if (!isFine) expect({ what, text: after, said: fresh }).toEqual({ what, text: before, said: old });
}

function lanesIn(flow: Parameters<typeof lanesOfFlow>[0]): Lane[] {
  const found: Lane[] = [];
  const visit = (lane: Lane) => {
    found.push(lane);
    for (const block of lane.blocks) block.lanes.forEach(visit);
  };
  lanesOfFlow(flow).forEach(visit);
  return found;
}

test(`${ROUNDS} random edits, each undone`, () => {
  const draws = fc.array(fc.tuple(fc.nat(9), fc.nat(1000), fc.nat(1000), fc.nat(1000)), { minLength: 1, maxLength: 5 });
  const texts = fc.oneof(flowFiles, fc.constantFrom(...all.map((each) => each.text)));
  let count = 0;
  fc.assert(
    fc.property(texts, draws, (text, drawn) => {
      let session: Session = { integration: read([["a.yaml", text]], catalogue), history: EMPTY };
      const seen = [text];
      const textOf = () => session.integration.files.get("a.yaml")?.tree.text ?? "";
      for (const each of drawn) {
        const outcome = anything(session, each);
        if (!outcome) continue;
        const before = session;
        session = perform(session, outcome);
        if (session === before) continue;
        count += 1;
        keeps(each[0], seen.at(-1) ?? "", textOf());
        seen.push(textOf());
        expect(Tree.parse(textOf()).problems.length).toBeLessThanOrEqual(Tree.parse(seen.at(-2) ?? "").problems.length);
      }
      for (const wanted of seen.slice(0, -1).reverse()) {
        const [done, history] = undone(session.history) ?? [];
        if (!done || !history) throw new Error("nothing to undo");
        session = { integration: changed(session.integration, done.changes, done.moved), history };
        expect(textOf()).toBe(wanted);
      }
      for (const wanted of seen.slice(1)) {
        const [done, history] = redone(session.history) ?? [];
        if (!done || !history) throw new Error("nothing to redo");
        session = { integration: changed(session.integration, done.changes, done.moved), history };
        expect(textOf()).toBe(wanted);
      }
    }),
    { numRuns: ROUNDS, seed: Number(process.env.SEED ?? 1) },
  );
  expect(count).toBeGreaterThan(ROUNDS);
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { apply, type Changes } from "../../src/model";
import { NOTHING, only } from "../../src/state/selection";
import { Undo } from "../../src/state/undo";

const one = (path: string, from: number, to: number, insert: string): Changes =>
  new Map([[path, [{ from, to, insert }]]]);

/** A set of texts with its undo, as the editor has them. */
function desk(texts: Record<string, string>) {
  const undo = new Undo();
  const now = new Map(Object.entries(texts));
  const make = (changes: Changes) => {
    for (const [path, change] of changes) now.set(path, apply(now.get(path) ?? "", change));
  };
  return {
    now,
    undo,
    edit(changes: Changes, typed = false) {
      undo.keep({ texts: new Map(now), changes, typed, before: NOTHING, after: only("a") });
      make(changes);
    },
    back: () => {
      const turn = undo.back();
      if (turn) make(turn.changes);
      return turn?.selection;
    },
    forth: () => {
      const turn = undo.forth();
      if (turn) make(turn.changes);
      return turn?.selection;
    },
  };
}

test("what was typed without a pause is taken back word by word", () => {
  const { now, edit, back, forth } = desk({ a: "" });
  for (const [at, sign] of [..."one two"].entries()) edit(one("a", at, at, sign), true);
  back();
  expect(now.get("a")).toBe("one");
  back();
  expect(now.get("a")).toBe("");
  forth();
  forth();
  expect(now.get("a")).toBe("one two");
});

test("a step has the selections around it", () => {
  const { edit, back, forth } = desk({ a: "x" });
  edit(one("a", 0, 1, "y"));
  expect(back()).toEqual(NOTHING);
  expect(forth()).toEqual(only("a"));
  expect(forth()).toBeUndefined();
});

test("any edits of several files are taken back, and made again", () => {
  const edits = fc.array(
    fc.tuple(fc.constantFrom("a", "b"), fc.nat(30), fc.nat(3), fc.string({ maxLength: 4 }), fc.boolean()),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(edits, (drawn) => {
      const { now, edit, back, forth, undo } = desk({ a: "some text", b: "" });
      const first = new Map(now);
      for (const [path, at, length, insert, typed] of drawn) {
        const size = now.get(path)?.length ?? 0;
        const from = Math.min(at, size);
        edit(one(path, from, Math.min(from + length, size), insert), typed);
      }
      const last = new Map(now);
      while (undo.canUndo) back();
      expect(now).toEqual(first);
      while (undo.canRedo) forth();
      expect(now).toEqual(last);
    }),
  );
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { Tree } from "../../../src/model/yaml/tree";
import { all } from "../files";
import { shape } from "./shape";

test("what is parsed again after an edit is what a new tree would be", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "\n",
      " ",
      "  ",
      "- ",
      ": ",
      "#",
      "'",
      '"',
      "{",
      "}",
      "[",
      "]",
      ",",
      "|",
      "key: ",
      "\n- a: 1\n",
      "&a ",
      "*a ",
    ),
    fc.string({ maxLength: 3 }),
  );
  const edit = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), cut: fc.nat(12), insert: piece });
  fc.assert(
    fc.property(fc.constantFrom(...all), fc.array(edit, { minLength: 1, maxLength: 4 }), ({ text }, edits) => {
      let tree = Tree.parse(text);
      for (const { at, cut, insert } of edits) {
        const from = Math.floor(at * tree.text.length);
        tree = tree.updated([{ from, to: Math.min(from + cut, tree.text.length), insert }]);
        const fresh = Tree.parse(tree.text);
        // How much of a broken text is understood may depend on how it came about.
        if (fresh.problems.length > 0) expect(tree.problems).not.toEqual([]);
        else expect(shape(tree)).toEqual(shape(fresh));
      }
    }),
    { numRuns: Number(process.env.RUNS ?? 1000), seed: Number(process.env.SEED ?? 7) },
  );
});

test("what stands between a key and its colon, or between items, is a problem", () => {
  for (const text of [
    "*a  text: 1\n",
    "x:\n  - 'a' b: 1\n",
    "{*a b: 1}\n",
    "[*a b]\n",
    '["a" "b"]\n',
    '{"a" b: 1}\n',
  ]) {
    expect(Tree.parse(text).problems, text).not.toEqual([]);
  }
});

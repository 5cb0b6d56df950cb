import fc from "fast-check";
import { expect, test } from "vitest";
import { apply, type Change, composed, difference, inverse, mapped, trimmed } from "../../src/model/text";

const texts = fc.string({ maxLength: 40 });

function changes(text: string): fc.Arbitrary<Change> {
  return fc
    .array(fc.tuple(fc.nat(text.length), fc.nat(text.length), fc.string({ maxLength: 5 })), { maxLength: 5 })
    .map((drawn) => {
      const sorted = drawn
        .map(([a, b, insert]) => ({ from: Math.min(a, b), to: Math.max(a, b), insert }))
        .sort((a, b) => a.from - b.from || a.to - b.to);
      return sorted.filter(
        (each, index) => index === 0 || each.from > Math.max(...sorted.slice(0, index).map((e) => e.to)),
      );
    });
}

test("a change is taken back by its inverse", () => {
  fc.assert(
    fc.property(
      texts.chain((text) => fc.tuple(fc.constant(text), changes(text))),
      ([text, change]) => {
        expect(apply(apply(text, change), inverse(text, change))).toBe(text);
      },
    ),
  );
});

test("what is not edited keeps its place in the text", () => {
  const change = [
    { from: 1, to: 2, insert: "xyz" },
    { from: 4, to: 4, insert: "-" },
  ];
  expect(apply("abcdef", change)).toBe("axyzcd-ef");
  expect([0, 2, 3, 5, 6].map((each) => mapped(each, change))).toEqual([0, 4, 5, 8, 9]);
  expect(mapped(4, change, -1)).toBe(6);
  expect(mapped(4, change, 1)).toBe(7);
});

test("two changes are one", () => {
  fc.assert(
    fc.property(
      texts
        .chain((text) => fc.tuple(fc.constant(text), changes(text)))
        .chain(([text, first]) => fc.tuple(fc.constant(text), fc.constant(first), changes(apply(text, first)))),
      ([text, first, second]) => {
        const change = composed(first, second);
        expect(apply(text, change)).toBe(apply(apply(text, first), second));
        for (const [index, edit] of change.entries()) {
          expect(edit.from).toBeLessThanOrEqual(edit.to);
          if (index > 0) expect(edit.from).toBeGreaterThan(change[index - 1]?.to ?? 0);
        }
      },
    ),
    { numRuns: 3000 },
  );
});

test("what stays the same is no part of a change", () => {
  fc.assert(
    fc.property(texts, texts, (before, after) => {
      const change = difference(before, after);
      expect(apply(before, change)).toBe(after);
      expect(trimmed(before, change)).toEqual(change);
    }),
  );
  expect(difference("abcd", "abXd")).toEqual([{ from: 2, to: 3, insert: "X" }]);
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { words } from "../../src/look/cel";

const seen = (text: string) => words(text).map((each) => `${each.kind}:${text.slice(each.from, each.to)}`);

test("the words of an expression have their kinds", () => {
  expect(seen('has(vars.query.currency) ? vars.query.currency : "USD"')).toEqual(["fun:has", 'str:"USD"']);
  expect(seen("body.items.map(i, i * 2.5e3) + 0xFFu // twice")).toEqual([
    "fun:map",
    "num:2.5e3",
    "num:0xFFu",
    "com:// twice",
  ]);
  expect(seen("x1 in [true, null]")).toEqual(["key:in", "key:true", "key:null"]);
});

test("texts end where their quotes do", () => {
  expect(seen(String.raw`"a\"b" + 'it''s' + r"\d" + b'x'`)).toEqual([
    String.raw`str:"a\"b"`,
    "str:'it'",
    "str:'s'",
    String.raw`str:r"\d"`,
    "str:b'x'",
  ]);
  expect(seen('"""a\n"b" """ + 1')).toEqual(['str:"""a\n"b" """', "num:1"]);
  expect(seen('"open + 1\n2')).toEqual(['str:"open + 1', "num:2"]);
  expect(seen('"http://x" // y')).toEqual(['str:"http://x"', "com:// y"]);
});

test("words lie within the text, one behind the other", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."ab1.\"'\\\n/(){}x \t+0r"), maxLength: 60 }), (text) => {
      let end = 0;
      for (const each of words(text)) {
        expect(each.from).toBeGreaterThanOrEqual(end);
        expect(each.to).toBeGreaterThan(each.from);
        end = each.to;
      }
      expect(end).toBeLessThanOrEqual(text.length);
    }),
  );
});

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string) => readFileSync(new URL(`../src/look/${path}`, import.meta.url), "utf8");

test("every name of an icon is a symbol of the sprite", () => {
  const named = [...read("Icon.tsx").matchAll(/^ {2}\| "(.+?)"/gm)].map((each) => each[1]);
  const drawn = [...read("icons.svg").matchAll(/<symbol id="(.+?)"/g)].map((each) => each[1]);
  expect(named).toEqual(drawn);
});

/** The values of a theme of tokens.css. */
function tokens(theme: string): Map<string, string> {
  const block = new RegExp(`\\[data-theme="${theme}"\\] \\{(.*?)\\n\\}`, "s").exec(read("tokens.css"))?.[1] ?? "";
  return new Map([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map((each) => [each[1] ?? "", each[2] ?? ""]));
}

/** The contrast of two colours by WCAG 2.x, 1 to 21. */
function contrast(a: string, b: string): number {
  const light = (colour: string) => {
    const [r = 0, g = 0, bl = 0] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * bl + 0.05;
  };
  const [high, low] = [light(a), light(b)].sort((x, y) => y - x);
  return (high ?? 0) / (low ?? 1);
}

test.each(["light", "dark"])("the text of the %s theme can be read on every ground", (theme) => {
  const of = tokens(theme);
  const grounds = ["surface", "bg", "well", "hover", "accent-soft"];
  for (const text of ["text", "text-2", "text-3", "accent-text", "ok", "bad", "warn", "k-str", "k-num", "k-fun"]) {
    for (const ground of grounds) {
      expect(contrast(of.get(text) ?? "", of.get(ground) ?? ""), `${text} on ${ground}`).toBeGreaterThanOrEqual(4.5);
    }
  }
  for (const ground of grounds) {
    for (const edge of ["edge", "accent"]) {
      expect(contrast(of.get(edge) ?? "", of.get(ground) ?? ""), `${edge} on ${ground}`).toBeGreaterThanOrEqual(3);
    }
  }
});

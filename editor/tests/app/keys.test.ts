import { expect, test } from "vitest";
import { type ActionId, actionOf, BINDINGS, shown } from "../../src/app/keys";

const press = (key: string, held: { ctrl?: boolean; meta?: boolean; alt?: boolean; shift?: boolean } = {}) => ({
  key,
  ctrlKey: held.ctrl ?? false,
  metaKey: held.meta ?? false,
  altKey: held.alt ?? false,
  shiftKey: held.shift ?? false,
});

test("a key stands for one action", () => {
  expect(actionOf(press("k", { ctrl: true }), false, false)).toBe("find");
  expect(actionOf(press("k", { meta: true }), true, false)).toBe("find");
  expect(actionOf(press("Z", { ctrl: true, shift: true }), false, true)).toBe("redo");
  expect(actionOf(press("ArrowUp", { alt: true }), false, true)).toBe("moveUp");
  expect(actionOf(press("?", { shift: true }), false, true)).toBe("help");
  expect(actionOf(press("F8", { shift: true }), false, false)).toBe("previousProblem");
});

test("single letters count in the canvas alone", () => {
  expect(actionOf(press("a"), false, true)).toBe("add");
  expect(actionOf(press("a"), false, false)).toBeNull();
  expect(actionOf(press("a", { ctrl: true }), false, true)).toBeNull();
});

test("keys of the system are left to it", () => {
  expect(actionOf(press("k", { meta: true }), false, false)).toBeNull();
  expect(actionOf(press("k", { ctrl: true }), true, false)).toBeNull();
});

test("no key has two actions", () => {
  const all = Object.values(BINDINGS).flatMap((each) => [...each.keys]);
  expect(new Set(all).size).toBe(all.length);
});

test("keys are shown as the system writes them", () => {
  expect(shown("redo", true)).toBe("⇧⌘Z");
  expect(shown("redo", false)).toBe("Ctrl+Shift+Z");
  expect(shown("zoomIn", false)).toBe("+");
  expect(shown("nextProblem", false)).toBe("F8");
  expect((Object.keys(BINDINGS) as ActionId[]).map((id) => shown(id, true)).every(Boolean)).toBe(true);
});

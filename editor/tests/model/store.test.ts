import { expect, test } from "vitest";
import { Store } from "../../src/model/store";

test("who has subscribed is told of changes, and only of changes", () => {
  const store = new Store(1);
  const seen: number[] = [];
  const leave = store.subscribe(() => seen.push(store.get()));
  store.set(2);
  store.set(2);
  store.update((value) => value + 1);
  leave();
  store.set(9);
  expect(seen).toEqual([2, 3]);
});

test("who leaves while others are told is told no more", () => {
  const store = new Store("a");
  const seen: string[] = [];
  store.subscribe(() => leave());
  const leave = store.subscribe(() => seen.push(store.get()));
  store.set("b");
  store.set("c");
  expect(seen.length).toBeLessThanOrEqual(1);
});

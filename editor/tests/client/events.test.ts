import { expect, test } from "vitest";
import { type Api, ApiError } from "../../src/client/api";
import { listen, parsed, type ServerEvent } from "../../src/client/events";

function stream(...pieces: string[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      for (const each of pieces) controller.enqueue(encoder.encode(each));
      controller.close();
    },
  });
}

test("events are read wherever their bytes are cut", async () => {
  const text = ': here\n\nid: a-1\nevent: log\ndata: {"x":"é\\n: y"}\n\n: here\n\nid: a-2\nevent: run\ndata: 1\n\n';
  const bytes = new TextEncoder().encode(text);
  for (let at = 1; at < bytes.length; at += 1) {
    const cut = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(bytes.slice(0, at));
        controller.enqueue(bytes.slice(at));
        controller.close();
      },
    });
    const found: unknown[] = [];
    for await (const { id, kind, data } of parsed(cut)) found.push([id, kind, JSON.parse(data)]);
    expect(found).toEqual([
      ["a-1", "log", { x: "é\n: y" }],
      ["a-2", "run", 1],
    ]);
  }
});

test("a connection that is lost is made again, from the last event on", async () => {
  const asked: string[] = [];
  const stop = new AbortController();
  const events: ServerEvent[] = [];
  const here: boolean[] = [];
  const api = {
    async events(last: string) {
      asked.push(last);
      if (asked.length === 1) return stream("id: a-1\nevent: log\ndata: 1\n\n");
      if (asked.length === 2) throw new ApiError(0, { code: "", message: "gone" });
      return stream("id: a-2\nevent: log\ndata: 2\n\n");
    },
  } as unknown as Api;

  await listen(
    api,
    {
      event(event) {
        events.push(event);
        if (events.length === 2) stop.abort();
      },
      isHere: (isHere) => here.push(isHere),
    },
    stop.signal,
  );

  expect(asked).toEqual(["", "a-1", "a-1"]);
  expect(events.map(({ data }) => data)).toEqual([1, 2]);
  expect(here.slice(0, 3)).toEqual([true, false, false]);
});

test("a browser that needs a new link asks no more", async () => {
  let count = 0;
  const api = {
    async events() {
      count += 1;
      throw new ApiError(401, { code: "OCTO-X162", message: "" });
    },
  } as unknown as Api;

  await listen(api, { event: () => {}, isHere: () => {} }, new AbortController().signal);

  expect(count).toBe(1);
});

// The events of the server, for as long as the page lasts: read with fetch, as an EventSource sends no key.

import { type Api, ApiError } from "./api";

export interface ServerEvent {
  readonly kind: string;
  readonly data: unknown;
}

/** Told when the connection comes and goes; `problem` is why it is gone. */
export interface Listener {
  event(event: ServerEvent): void;
  isHere(isHere: boolean, problem?: ApiError): void;
}

const PAUSES = [500, 1000, 2000, 4000, 8000];

/** Listen until the signal is aborted, or this browser needs a new link. `resync` comes first, and whenever events were
 * missed: then everything is to be read anew. */
export async function listen(api: Api, listener: Listener, signal: AbortSignal): Promise<void> {
  let last = "";
  let failures = 0;
  while (!signal.aborted) {
    try {
      const stream = await api.events(last, signal);
      listener.isHere(true);
      failures = 0;
      for await (const { id, kind, data } of parsed(stream)) {
        last = id || last;
        listener.event({ kind, data: JSON.parse(data) });
      }
      listener.isHere(false);
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      const problem = error instanceof ApiError ? error : undefined;
      listener.isHere(false, problem);
      if (problem?.needsLink) {
        return;
      }
    }
    await pause(PAUSES[Math.min(failures, PAUSES.length - 1)] ?? 0, signal);
    failures += 1;
  }
}

interface Raw {
  readonly id: string;
  readonly kind: string;
  readonly data: string;
}

/** The events in a stream of the type text/event-stream, as far as our server writes it. */
export async function* parsed(stream: ReadableStream<Uint8Array>): AsyncGenerator<Raw> {
  let rest = "";
  const reader = stream.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      const pieces = (rest + value).split("\n\n");
      rest = pieces.pop() ?? "";
      for (const piece of pieces) {
        const event = read(piece);
        if (event.data !== "") {
          yield event;
        }
      }
    }
  } finally {
    await reader.cancel();
  }
}

function read(piece: string): Raw {
  const found = new Map(
    piece.split("\n").map((line) => {
      const colon = line.indexOf(": ");
      return [line.slice(0, colon), line.slice(colon + 2)];
    }),
  );
  return { id: found.get("id") ?? "", kind: found.get("event") ?? "message", data: found.get("data") ?? "" };
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}

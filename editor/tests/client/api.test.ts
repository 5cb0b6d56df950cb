import { describe, expect, test } from "vitest";
import { Api, ApiError, encoded, type KeyStore } from "../../src/client/api";

class Store implements KeyStore {
  readonly kept = new Map<string, string>();
  getItem(name: string): string | null {
    return this.kept.get(name) ?? null;
  }
  setItem(name: string, value: string): void {
    this.kept.set(name, value);
  }
}

interface Asked {
  readonly url: string;
  readonly init: RequestInit;
}

/** An API whose server answers with these, and what it was asked. */
function served(...answers: Response[]): { api: Api; asked: Asked[]; store: Store } {
  const asked: Asked[] = [];
  const store = new Store();
  const api = new Api(store, async (url, init) => {
    asked.push({ url: String(url), init: init ?? {} });
    const next = answers.shift();
    if (next === undefined) throw new TypeError("Failed to fetch");
    return next;
  });
  return { api, asked, store };
}

function json(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), { status });
}

function headers({ init }: Asked): Record<string, string> {
  return init.headers as Record<string, string>;
}

describe("entering", () => {
  test("a token is exchanged for a key, and leaves the address", async () => {
    const { api, asked, store } = served(json({ key: "k", name: "shop" }));
    const seen: string[] = [];
    const history = { replaceState: (_: unknown, __: string, url: string) => seen.push(url) };
    const location = { hash: "#token=t", pathname: "/", search: "" };

    await api.enter(location as Location, history as unknown as History);

    expect(seen).toEqual(["/"]);
    expect(asked[0]?.init.body).toBe('{"token":"t"}');
    expect(store.getItem("octo-key")).toBe("k");
  });

  test("without a token the key of before is used", async () => {
    const { api, asked, store } = served(json({ name: "shop" }));
    store.setItem("octo-key", "k");

    await api.enter({ hash: "", pathname: "/", search: "" } as Location, {} as History);

    expect([asked[0]?.url, asked[0] && headers(asked[0])["octo-key"]]).toEqual(["/api/session", "k"]);
  });
});

describe("files", () => {
  test("a save names the version that it replaces", async () => {
    const { api, asked } = served(json({}), json({}));

    await api.save("a b/ü.yaml", "x", "e1");
    await api.save("new.yaml", "x", null);

    expect(asked.map(({ url }) => url)).toEqual(["/api/files/a%20b/%C3%BC.yaml", "/api/files/new.yaml"]);
    expect(asked.map((each) => headers(each)["if-match"] ?? headers(each)["if-none-match"])).toEqual(['"e1"', "*"]);
  });

  test("a refusal has the text that is there now", async () => {
    const current = { path: "a", text: "theirs", etag: "e2" };
    const { api } = served(json({ code: "OCTO-X141", message: "changed", current }, 412));

    const error = await api.save("a", "mine", "e1").catch((each: unknown) => each);

    expect(error).toBeInstanceOf(ApiError);
    expect((error as ApiError).isStale).toBe(true);
    expect((error as ApiError).refusal.current).toEqual(current);
  });

  test("each part of a path is escaped", () => {
    expect(encoded("a/b#c?d%/é")).toBe("a/b%23c%3Fd%25/%C3%A9");
  });
});

describe("errors", () => {
  test("a server that is gone", async () => {
    const error = await served()
      .api.files()
      .catch((each: unknown) => each);

    expect((error as ApiError).status).toBe(0);
    expect((error as ApiError).refusal.hint).not.toBe("");
  });

  test("an answer that is no JSON", async () => {
    const { api } = served(new Response("a body may have at most 5 bytes\n", { status: 413 }));

    const error = await api.files().catch((each: unknown) => each);

    expect((error as ApiError).message).toBe("a body may have at most 5 bytes");
  });

  test("what they mean", () => {
    expect(new ApiError(401, { code: "OCTO-X162", message: "" }).needsLink).toBe(true);
    expect(new ApiError(409, { code: "OCTO-X168", message: "" }).isSuperseded).toBe(true);
    expect(new ApiError(409, { code: "OCTO-X150", message: "" }).isSuperseded).toBe(false);
  });
});

test("offsets are those of JavaScript here, and those of characters there", async () => {
  const found = { from: 4, to: 6, items: [], hover: { from: 4, to: 6 } };
  const { api, asked } = served(json(found));
  const expression = '"😀" + bo';

  const told = await api.complete({ path: "a", files: {}, address: "", expression, offset: expression.length });

  expect(JSON.parse(String(asked[0]?.init.body)).offset).toBe(8);
  expect([told.from, told.to, told.hover?.from]).toEqual([5, 7, 5]);
});

// The API of `octo edit`: one method per call. A refusal is an `ApiError`.

import type {
  Again,
  Checked,
  Completions,
  Crossings,
  Debug,
  Entrance,
  Env,
  Evaluated,
  FileList,
  FileText,
  Link,
  MessageDetail,
  MessageList,
  Moved,
  Ordered,
  RecordedTest,
  Refusal,
  Reply,
  Resources,
  Run,
  RunWithLog,
  Saved,
  Session,
  StepValues,
  Tested,
} from "./types";

/** Unsaved texts by path; null for a file that is removed. */
export type Texts = Readonly<Record<string, string | null>>;

/** A message that an expression may see: one that has come, or that a test sends. */
export interface Sample {
  readonly body?: unknown;
  readonly vars?: Readonly<Record<string, unknown>>;
}

interface Expression {
  readonly path: string;
  readonly files: Texts;
  readonly expression: string;
  readonly message?: Sample;
  /** The names that it sees, where the catalogue says that these are others than those of a message. */
  readonly names?: readonly string[];
}

export interface ComposedRequest {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeout?: number;
}

export interface MessageFilter {
  readonly flow?: string;
  readonly outcome?: string;
  readonly limit?: number;
  readonly before?: number;
}

/** calls: whether blocks that call other systems return what was recorded, which is the default, or really call. */
export interface RunAgain {
  readonly path: string;
  readonly files: Texts;
  readonly span?: string;
  readonly message?: Sample;
  readonly calls?: "recorded" | "real";
  readonly timeout?: number;
}

export interface AskedBreakpoint {
  readonly address: string;
  readonly when?: string;
}

/** offset: in UTF-16 units, as everywhere here. */
export interface Completing extends Expression {
  readonly address: string;
  readonly offset: number;
}

export interface Evaluating extends Expression {
  readonly why?: boolean;
}

export class ApiError extends Error {
  readonly status: number;
  readonly refusal: Refusal;

  constructor(status: number, refusal: Refusal) {
    super(refusal.message);
    this.status = status;
    this.refusal = refusal;
  }

  get code(): string {
    return this.refusal.code;
  }

  /** Whether somebody else has saved meanwhile; `refusal.current` is the text that is there now. */
  get isStale(): boolean {
    return this.status === 412;
  }

  /** Whether a newer question of this page has taken the place of this one. */
  get isSuperseded(): boolean {
    return this.code === "OCTO-X168";
  }

  /** Whether this browser needs a new link from the terminal. */
  get needsLink(): boolean {
    return this.status === 401;
  }
}

/** Where the key of the session is kept: for all pages of this port, and for no other. */
export interface KeyStore {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
}

const KEY = "octo-key";
const OFFLINE: Refusal = { code: "", message: "octo edit does not answer", hint: "Is it still running?" };

export class Api {
  /** Tells the questions of this page from those of others. */
  readonly page = crypto.randomUUID();
  readonly #store: KeyStore;
  readonly #fetch: typeof fetch;

  constructor(store: KeyStore = localStorage, fetcher: typeof fetch = (...given) => fetch(...given)) {
    this.#store = store;
    this.#fetch = fetcher;
  }

  // --- the session ---

  /** Enter with the token in the fragment of the address, if there is one; then ask who we are. */
  async enter(location: Location = globalThis.location, history: History = globalThis.history): Promise<Session> {
    const token = new URLSearchParams(location.hash.slice(1)).get("token");
    if (token === null) {
      return this.session();
    }
    history.replaceState(null, "", location.pathname + location.search);
    const entrance = await this.#ask<Entrance>("POST", "/session", { token });
    this.#store.setItem(KEY, entrance.key);
    return entrance;
  }

  session(): Promise<Session> {
    return this.#ask("GET", "/session");
  }

  /** A link that opens this editor in another browser. */
  link(): Promise<Link> {
    return this.#ask("POST", "/link");
  }

  /** The catalogue of components: see `octo schema --kind catalogue`. */
  catalogue(): Promise<unknown> {
    return this.#ask("GET", "/catalogue");
  }

  // --- files ---

  files(): Promise<FileList> {
    return this.#ask("GET", "/files");
  }

  file(path: string): Promise<FileText> {
    return this.#ask("GET", `/files/${encoded(path)}`);
  }

  /** Save over the version `etag`; null for a file that is not there yet. */
  save(path: string, text: string, etag: string | null): Promise<Saved> {
    const condition: Record<string, string> = etag === null ? { "if-none-match": "*" } : { "if-match": `"${etag}"` };
    return this.#ask("PUT", `/files/${encoded(path)}`, { text }, condition);
  }

  remove(path: string, etag: string): Promise<Moved> {
    return this.#ask("DELETE", `/files/${encoded(path)}`, undefined, { "if-match": `"${etag}"` });
  }

  rename(from: string, to: string, etag: string): Promise<Moved> {
    return this.#ask("POST", "/rename", { from, to }, { "if-match": `"${etag}"` });
  }

  // --- the language ---

  /** What is wrong with the configuration that `path` belongs to. A newer question of this page ends this one. */
  check(path: string, files: Texts, tests = false, signal?: AbortSignal): Promise<Checked> {
    return this.#ask("POST", "/check", { path, files, tests, page: this.page }, {}, signal);
  }

  /** What may stand at an offset of an expression of the block with this address, and what stands there. */
  async complete(asked: Completing, signal?: AbortSignal): Promise<Completions> {
    const { expression, offset, ...rest } = asked;
    const sent = { ...rest, expression, offset: characters(expression.slice(0, offset)), page: this.page };
    const found = await this.#ask<Completions>("POST", "/complete", sent, {}, signal);
    const units = (count: number) => [...expression].slice(0, count).join("").length;
    const hover = found.hover && { ...found.hover, from: units(found.hover.from), to: units(found.hover.to) };
    return { ...found, from: units(found.from), to: units(found.to), hover };
  }

  /** The value of an expression on a message; with `why` also that of each of its parts. */
  evaluate(asked: Evaluating, signal?: AbortSignal): Promise<Evaluated> {
    return this.#ask("POST", "/evaluate", { ...asked, page: this.page }, {}, signal);
  }

  // --- what runs ---

  /** Run the configuration that `path` belongs to, as it is on this page. env: further variables of the environment. */
  run(path: string, files: Texts, env: Readonly<Record<string, string>> = {}): Promise<Run> {
    return this.#ask("POST", "/run", { path, files, env });
  }

  /** How the run is, with the last lines of its log. */
  runStatus(): Promise<RunWithLog> {
    return this.#ask("GET", "/run");
  }

  /** Let the run take the texts as they are now. */
  updateRun(files: Texts): Promise<Run> {
    return this.#ask("PUT", "/run/files", { files });
  }

  stopRun(): Promise<Run> {
    return this.#ask("DELETE", "/run");
  }

  /** Send a request to a flow that runs. url: one of those of the run, with the values of its path. */
  send(request: ComposedRequest): Promise<Reply> {
    return this.#ask("POST", "/send", request);
  }

  // --- messages ---

  /** The newest messages first. before: only those before this time, for the next page. */
  messages(filter: MessageFilter = {}): Promise<MessageList> {
    const given = Object.entries(filter).filter(([, value]) => value !== undefined);
    const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
    return this.#ask("GET", `/messages?${query}`);
  }

  message(id: string): Promise<MessageDetail> {
    return this.#ask("GET", `/messages/${encodeURIComponent(id)}`);
  }

  /** The values of the expressions of each step of a message, with the files as they are now. */
  values(id: string, path: string, files: Texts): Promise<StepValues> {
    return this.#ask("POST", `/messages/${encodeURIComponent(id)}/values`, { path, files });
  }

  /** How an expression gets its value from what came to a step. */
  why(id: string, span: string, expression: string, path: string, files: Texts): Promise<Evaluated> {
    return this.#ask("POST", `/messages/${encodeURIComponent(id)}/why`, { span, expression, path, files });
  }

  /** Run a message again, through the files as they are now; from a step on, and changed, if asked to. */
  again(id: string, asked: RunAgain): Promise<Again> {
    return this.#ask("POST", `/messages/${encodeURIComponent(id)}/again`, asked);
  }

  /** The test file of the message's flow with the message as a case; the page saves it. */
  asTest(id: string, path: string, files: Texts): Promise<RecordedTest> {
    return this.#ask("POST", `/messages/${encodeURIComponent(id)}/test`, { path, files });
  }

  /** What the last messages were before and behind a block. */
  spied(address: string): Promise<Crossings> {
    return this.#ask("GET", `/spies/${encoded(address)}`);
  }

  // --- breakpoints and mocks ---

  debug(): Promise<Debug> {
    return this.#ask("GET", "/debug");
  }

  /** Replace all breakpoints and mocks, in the flows that run and in those that will. */
  setDebug(breakpoints: readonly AskedBreakpoint[], mocks: Readonly<Record<string, unknown>>): Promise<Debug> {
    return this.#ask("PUT", "/debug", { breakpoints, mocks });
  }

  /** Let a message go on that waits at a breakpoint, changed or as it is. */
  order(id: string, verb: "continue" | "step" | "drop" | "fail", message?: Sample): Promise<Ordered> {
    const changed = message === undefined ? {} : { message };
    return this.#ask("POST", `/debug/${encodeURIComponent(id)}`, { do: verb, ...changed });
  }

  // --- tests, variables, resources ---

  /** Run the tests of a configuration, or some cases of them. Each case is an event `tests` when it has ended. */
  test(path: string, files: Texts, only?: readonly string[]): Promise<Tested> {
    return this.#ask("POST", "/tests", only === undefined ? { path, files } : { path, files, only });
  }

  /** The variables that a configuration declares, and those of its `.env`. */
  env(path: string, reveal = false): Promise<Env> {
    return this.#ask("GET", `/env?${new URLSearchParams({ path, reveal: reveal ? "1" : "0" })}`);
  }

  /** Set variables in the `.env` over its version `etag`, "" if there is none yet; null removes one. */
  setEnv(path: string, values: Readonly<Record<string, string | null>>, etag: string): Promise<Saved> {
    const condition: Record<string, string> = etag === "" ? { "if-none-match": "*" } : { "if-match": `"${etag}"` };
    return this.#ask("PUT", "/env", { path, values }, condition);
  }

  /** The files that a configuration names besides its flows. */
  resources(path: string): Promise<Resources> {
    return this.#ask("GET", `/resources?${new URLSearchParams({ path })}`);
  }

  // --- how it is asked ---

  /** The stream of events after the one with this id; after "" it begins with `resync`. */
  async events(last: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const headers: Record<string, string> = last === "" ? {} : { "last-event-id": last };
    const response = await this.#send("GET", "/events", undefined, headers, signal);
    if (response.body === null) {
      throw new ApiError(response.status, OFFLINE);
    }
    return response.body;
  }

  async #ask<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    signal?: AbortSignal,
  ): Promise<T> {
    const response = await this.#send(method, path, body, headers, signal);
    return (await response.json()) as T;
  }

  async #send(
    method: string,
    path: string,
    body: unknown,
    headers: Record<string, string>,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    const sent: RequestInit = { method, headers: { ...headers, [KEY]: this.#store.getItem(KEY) ?? "" } };
    if (body !== undefined) {
      sent.body = JSON.stringify(body);
      sent.headers = { ...sent.headers, "content-type": "application/json" };
    }
    if (signal !== undefined) {
      sent.signal = signal;
    }
    let response: Response;
    try {
      response = await this.#fetch(`/api${path}`, sent);
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") {
        throw error;
      }
      throw new ApiError(0, OFFLINE);
    }
    if (!response.ok) {
      throw new ApiError(response.status, await refusal(response));
    }
    return response;
  }
}

/** How many characters a text has for Python, which does not count in UTF-16 units. */
function characters(text: string): number {
  return [...text].length;
}

/** A path in an address: each part is escaped, the slashes stay. */
export function encoded(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

async function refusal(response: Response): Promise<Refusal> {
  const text = await response.text();
  try {
    return JSON.parse(text) as Refusal;
  } catch {
    return { code: "", message: text.trim() || `the server answers ${response.status}` };
  }
}

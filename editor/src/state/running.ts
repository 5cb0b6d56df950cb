/** What runs, what it says, what went through it: told by the server, and asked for where more is wanted. */

import { type Api, ApiError, type ComposedRequest } from "../client/api";
import type {
  LogEvent,
  LogLine,
  MessageDetail,
  MessageSummary,
  MessagesEvent,
  Reply,
  Run,
  Step,
  TestCaseEvent,
  Tested,
  TestPlanEvent,
} from "../client/types";
import { Store } from "../model/store";
import type { Editor } from "./editor";

export const STOPPED: Run = {
  state: "stopped",
  configuration: "",
  generation: 0,
  flows: [],
  problems: [],
  reasons: [],
  exit: null,
  reason: "",
};

/** So many lines of the log, and messages, stay in the page; older ones are asked for. */
const MOST = 2000;
/** How long the run waits after a change before it takes the texts, in milliseconds. */
const PAUSE = 400;

export interface Testing {
  readonly isRunning: boolean;
  readonly cases: readonly TestCaseEvent[];
  readonly planned: number;
  readonly tested: Tested | null;
}

/** The message that was picked: each block shows what it did to it. */
export interface Picked {
  readonly detail: MessageDetail;
  /** By address; of a block that ran several times the last one. */
  readonly steps: ReadonlyMap<string, Step>;
}

export class Running {
  readonly run = new Store<Run>(STOPPED);
  readonly log = new Store<readonly LogLine[]>([]);
  /** The newest first. */
  readonly messages = new Store<readonly MessageSummary[]>([]);
  readonly picked = new Store<Picked | null>(null);
  readonly reply = new Store<Reply | null>(null);
  readonly testing = new Store<Testing>({ isRunning: false, cases: [], planned: 0, tested: null });
  /** The request that was composed last. */
  readonly request = new Store<ComposedRequest>({ url: "", method: "GET", body: "" });
  readonly #api: Api;
  #waiting: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly editor: Editor) {
    this.#api = editor.api;
    editor.integration.subscribe(() => this.#follow());
  }

  /** The file whose configuration runs and is tested: the one that is shown, else the first. */
  get path(): string {
    return this.editor.integration.get().files.keys().next().value ?? "";
  }

  get #texts(): Record<string, string> {
    return Object.fromEntries(this.editor.unsaved.map((each) => [each, this.editor.textOf(each)]));
  }

  /** What the server tells of. */
  event(kind: string, data: unknown): void {
    if (kind === "run") this.run.set(data as Run);
    else if (kind === "log") this.log.update((lines) => [...lines, ...(data as LogEvent).lines].slice(-MOST));
    else if (kind === "messages") this.#seen((data as MessagesEvent).messages);
    else if (kind === "tests") this.#tested(data as TestPlanEvent | TestCaseEvent);
    else if (kind === "resync") void this.sync();
  }

  /** Ask for all of it: at the start, and after events were missed. */
  sync(): Promise<void> {
    return this.#told(async () => {
      const { log, ...run } = await this.#api.runStatus();
      this.run.set(run);
      this.log.set(log);
      this.messages.set((await this.#api.messages({ limit: 200 })).messages);
    });
  }

  start(path: string): Promise<void> {
    this.log.set([]);
    return this.#told(async () => this.run.set(await this.#api.run(path, this.#texts)));
  }

  stop(): Promise<void> {
    return this.#told(async () => this.run.set(await this.#api.stopRun()));
  }

  /** Send the composed request, and pick the message that it becomes. */
  send(): Promise<void> {
    return this.#told(async () => {
      const { body, ...request } = this.request.get();
      const reply = await this.#api.send(body ? { ...request, body } : request);
      this.reply.set(reply);
      if (reply.message) await this.pick(reply.message);
    });
  }

  pick(id: string): Promise<void> {
    return this.#told(async () => {
      const detail = await this.#api.message(id);
      const blocks = detail.steps.filter((each) => each.kind === "block");
      this.picked.set({ detail, steps: new Map(blocks.map((each) => [each.address, each])) });
    });
  }

  /** Run the tests of the project. */
  test(path: string): Promise<void> {
    this.testing.set({ isRunning: true, cases: [], planned: 0, tested: null });
    return this.#told(async () => {
      const tested = await this.#api.test(path, this.#texts).finally(() => {
        this.testing.update((each) => ({ ...each, isRunning: false }));
      });
      this.testing.update((each) => ({ ...each, tested }));
    });
  }

  /** Keep the picked message as a case of a test file. */
  keepAsTest(): Promise<void> {
    const picked = this.picked.get();
    if (!picked) return Promise.resolve();
    return this.#told(async () => {
      const { path, text, remarks } = await this.#api.asTest(picked.detail.id, this.path, this.#texts);
      const { files } = await this.#api.files();
      const etag = files.find((each) => each.path === path)?.etag ?? null;
      await this.#api.save(path, text, etag);
      this.editor.notice.set([`Saved as a case of ${path}.`, ...remarks].join(" "));
    });
  }

  #seen(messages: readonly MessageSummary[]): void {
    this.messages.update((before) => {
      const known = new Set(messages.map((each) => each.id));
      const all = [...messages, ...before.filter((each) => !known.has(each.id))];
      return all.sort((a, b) => b.at - a.at).slice(0, MOST);
    });
  }

  #tested(event: TestPlanEvent | TestCaseEvent): void {
    if (event.kind === "plan") this.testing.update((each) => ({ ...each, planned: event.cases.length }));
    else this.testing.update((each) => ({ ...each, cases: [...each.cases, event] }));
  }

  /** What runs takes each change, a moment later. */
  #follow(): void {
    if (this.run.get().state === "stopped") return;
    clearTimeout(this.#waiting);
    this.#waiting = setTimeout(() => {
      void this.#told(async () => this.run.set(await this.#api.updateRun(this.#texts)));
    }, PAUSE);
  }

  async #told(ask: () => Promise<void>): Promise<void> {
    try {
      await ask();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { message, hint } = error.refusal;
      this.editor.notice.set(hint ? `${message}: ${hint}` : message);
    }
  }
}

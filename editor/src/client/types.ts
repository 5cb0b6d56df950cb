// What the server of `octo edit` sends: `tests/cli/editing/test_types.py` compares these types with its answers.
// One member a line, so that the test can read them.

export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly current?: FileText | null;
}

export interface Session {
  readonly name: string;
  readonly folder: string;
  readonly only: string;
  readonly octo: string;
}

export interface Entrance {
  readonly key: string;
  readonly name: string;
  readonly folder: string;
  readonly only: string;
  readonly octo: string;
}

export interface Link {
  readonly link: string;
}

export interface FileEntry {
  readonly path: string;
  readonly kind: "flow" | "test" | "env" | "resource";
  readonly size: number;
  readonly etag: string;
}

export interface FileList {
  readonly files: FileEntry[];
  readonly isWhole: boolean;
}

export interface FileText {
  readonly path: string;
  readonly text: string;
  readonly etag: string;
}

export interface Saved {
  readonly path: string;
  readonly etag: string;
}

export interface Moved {
  readonly path: string;
}

export interface Point {
  readonly line: number;
  readonly column: number;
}

export interface Fix {
  readonly find: string;
  readonly replace: string;
}

export interface Problem {
  readonly code: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly hint: string;
  readonly fix?: Fix;
}

export interface OutlineEntry {
  readonly kind: string;
  readonly address: string | null;
  readonly parent: string | null;
  readonly type: string | null;
  readonly name: string | null;
  readonly file: string | null;
  readonly start: Point | null;
  readonly end: Point | null;
  readonly sets?: Record<string, string> | null;
}

export interface Checked {
  readonly configuration: string;
  readonly ok: boolean;
  readonly entries: OutlineEntry[];
  readonly problems: Problem[];
  readonly warnings: Problem[];
}

export interface Completion {
  readonly kind: "variable" | "field" | "function" | "macro";
  readonly name: string;
  readonly type: string;
  readonly doc: string;
  readonly signatures: string[];
  readonly sample: string;
}

export interface Hover {
  readonly from: number;
  readonly to: number;
  readonly kind: "variable" | "field" | "function" | "macro";
  readonly name: string;
  readonly type: string;
  readonly doc: string;
  readonly signatures: string[];
  readonly sample: string;
}

export interface Completions {
  readonly from: number;
  readonly to: number;
  readonly items: Completion[];
  readonly hover: Hover | null;
}

export interface Part {
  readonly text: string;
  readonly state: "value" | "error" | "skipped" | "step" | "more";
  readonly value: string;
  readonly error: string;
  readonly decides: boolean;
  readonly children: Part[];
}

export interface ExpressionError {
  readonly code: string;
  readonly message: string;
  readonly line: number;
  readonly column: number;
  readonly hint: string;
  readonly file?: string;
}

export interface Evaluated {
  readonly ok: boolean;
  readonly value?: unknown;
  readonly kind?: string;
  readonly error?: ExpressionError;
  readonly why?: Part;
}

// --- runs ---

export interface RunFlow {
  readonly name: string;
  readonly type: string | null;
  readonly connector: string | null;
  readonly url: string | null;
  readonly methods: string[];
}

/** state: `starting` until the flows run, also while `problems` must be mended for that. started: milliseconds. */
export interface Run {
  readonly state: "stopped" | "starting" | "running" | "failed";
  readonly configuration: string;
  readonly generation: number;
  readonly flows: RunFlow[];
  readonly problems: Problem[];
  readonly reasons: string[];
  readonly exit: number | null;
  readonly reason: string;
  readonly started?: number;
}

/** level: that of the log, `print` for what flows print, "" for other lines. */
export interface LogLine {
  readonly at: string;
  readonly level: string;
  readonly text: string;
  readonly fields: Record<string, unknown>;
}

export interface RunWithLog {
  readonly state: "stopped" | "starting" | "running" | "failed";
  readonly configuration: string;
  readonly generation: number;
  readonly flows: RunFlow[];
  readonly problems: Problem[];
  readonly reasons: string[];
  readonly exit: number | null;
  readonly reason: string;
  readonly started?: number;
  readonly log: LogLine[];
}

/** text: null for what is none; then `data` has it in base64. message: the id of the message it became, null if it was
 * not written yet: an event `messages` has it then, with the same `trace`; or if no flow took the request. */
export interface Reply {
  readonly status: number;
  readonly headers: string[][];
  readonly text: string | null;
  readonly data: string | null;
  readonly isWhole: boolean;
  readonly milliseconds: number;
  readonly trace: string;
  readonly message: string | null;
}

// --- messages; times and durations are milliseconds ---

export interface MessageSummary {
  readonly id: string;
  readonly trace: string;
  readonly correlation: string;
  readonly flow: string;
  readonly trigger: string;
  readonly at: number;
  readonly duration: number;
  readonly outcome: "completed" | "dropped" | "failed" | "cancelled";
  readonly code: string;
  readonly lost: number;
}

export interface MessageList {
  readonly messages: MessageSummary[];
  readonly isWhole: boolean;
}

export interface Seen {
  readonly body: unknown;
  readonly vars: Record<string, unknown>;
  readonly raw: boolean;
}

export interface Changed {
  readonly body: boolean;
  readonly set: string[];
  readonly unset: string[];
}

export interface StepError {
  readonly message: string | null;
  readonly code: string | null;
  readonly type: string | null;
  readonly at: string | null;
}

export interface Step {
  readonly kind: "flow" | "block";
  readonly span: string;
  readonly parent: string | null;
  readonly flow: string;
  readonly address: string;
  readonly type: string | null;
  readonly connector: string | null;
  readonly event: string | null;
  readonly at: number;
  readonly duration: number;
  readonly outcome: "completed" | "dropped" | "failed" | "cancelled";
  readonly reason: string | null;
  readonly error: StepError | null;
  readonly input: Seen;
  readonly output: Seen | null;
  readonly changed: Changed;
  readonly effects: Record<string, unknown>[];
  readonly omitted: Record<string, number>;
  readonly isBrief: boolean;
}

/** isWhole: whether all values are; of a very large message each is shown in part. */
export interface MessageDetail {
  readonly id: string;
  readonly trace: string;
  readonly flow: string;
  readonly isWhole: boolean;
  readonly steps: Step[];
}

/** values: by span, of each expression of the block. */
export interface StepValues {
  readonly values: Record<string, Record<string, unknown>>;
}

export interface Again {
  readonly id: string;
  readonly outcome: "completed" | "dropped" | "failed";
  readonly error: Record<string, unknown> | null;
  readonly reason: string;
}

/** The test file with the message as a case; it is not saved yet. remarks: what its reader should know. */
export interface RecordedTest {
  readonly path: string;
  readonly text: string;
  readonly isNew: boolean;
  readonly case: string;
  readonly remarks: string[];
}

export interface Crossing {
  readonly message: string;
  readonly kind: "flow" | "block";
  readonly span: string;
  readonly parent: string | null;
  readonly flow: string;
  readonly address: string;
  readonly type: string | null;
  readonly connector: string | null;
  readonly event: string | null;
  readonly at: number;
  readonly duration: number;
  readonly outcome: "completed" | "dropped" | "failed" | "cancelled";
  readonly reason: string | null;
  readonly error: StepError | null;
  readonly input: Seen;
  readonly output: Seen | null;
  readonly changed: Changed;
  readonly effects: Record<string, unknown>[];
  readonly omitted: Record<string, number>;
  readonly isBrief: boolean;
}

export interface Crossings {
  readonly crossings: Crossing[];
}

// --- debugging ---

export interface Breakpoint {
  readonly address: string;
  readonly when: string;
}

export interface HeldMessage {
  readonly body: unknown;
  readonly vars: Record<string, unknown>;
}

export interface Held {
  readonly id: string;
  readonly address: string;
  readonly at: number;
  readonly event: string;
  readonly message: HeldMessage;
}

/** wrong: why some cannot be set in the flows that run, by address. held: the messages that wait at a breakpoint. */
export interface Debug {
  readonly breakpoints: Breakpoint[];
  readonly mocks: Record<string, unknown>;
  readonly wrong: Record<string, string>;
  readonly held: Held[];
}

export interface Ordered {
  readonly done: string;
}

// --- tests ---

export interface Failure {
  readonly summary: string;
  readonly detail: string;
}

export interface TestCase {
  readonly id: string;
  readonly name: string;
  readonly flow: string;
  readonly file: string;
  readonly line: number;
  readonly status: "passed" | "failed" | "errored" | "skipped" | "not-run";
  readonly elapsedMs: number;
  readonly summary: string;
  readonly failures: Failure[];
  readonly log: string[];
}

export interface Totals {
  readonly cases: number;
  readonly passed: number;
  readonly failed: number;
  readonly errored: number;
  readonly skipped: number;
  readonly elapsedMs: number;
}

export interface CoverageItem {
  readonly kind: "block" | "branch" | "error" | "decision";
  readonly address: string;
  readonly text: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly hits: number;
  readonly outcomes: Record<string, number>;
  readonly missed: string[];
}

export interface Coverage {
  readonly percent: number;
  readonly covered: number;
  readonly total: number;
  readonly items: CoverageItem[];
}

/** totals and coverage: null if something is wrong with the files; then `problems` says what. */
export interface Tested {
  readonly configuration: string;
  readonly ok: boolean;
  readonly cases: TestCase[];
  readonly totals: Totals | null;
  readonly coverage: Coverage | null;
  readonly problems: Problem[];
}

// --- variables and resources ---

/** source: where the value comes from. value: null unless it was asked for and is in the file. */
export interface EnvVariable {
  readonly name: string;
  readonly isDeclared: boolean;
  readonly isRequired: boolean;
  readonly isSecret: boolean;
  readonly default: string | null;
  readonly source: "process" | "file" | "default" | "none";
  readonly value: string | null;
}

export interface Env {
  readonly path: string;
  readonly etag: string;
  readonly variables: EnvVariable[];
}

export interface Resource {
  readonly path: string;
  readonly isThere: boolean;
}

export interface Resources {
  readonly resources: Resource[];
}

// --- events: `run` is a Run, `debug` a Debug ---

export interface LogEvent {
  readonly lines: LogLine[];
}

export interface MessagesEvent {
  readonly messages: MessageSummary[];
}

export interface PlannedCase {
  readonly id: string;
  readonly name: string;
  readonly flow: string;
  readonly file: string;
  readonly line: number;
}

/** The event `tests`: first the plan, then each case when it has ended. */
export interface TestPlanEvent {
  readonly kind: "plan";
  readonly cases: PlannedCase[];
}

export interface TestCaseEvent {
  readonly kind: "case";
  readonly id: string;
  readonly name: string;
  readonly flow: string;
  readonly file: string;
  readonly line: number;
  readonly status: "passed" | "failed" | "errored" | "skipped" | "not-run";
  readonly elapsedMs: number;
  readonly summary: string;
  readonly failures: Failure[];
  readonly log: string[];
}

export interface FilesEvent {
  readonly changed: FileEntry[];
  readonly gone: string[];
}

export interface FolderEvent {
  readonly isThere: boolean;
  readonly problem: Refusal | null;
}

export interface ResyncEvent {
  readonly id: string;
}

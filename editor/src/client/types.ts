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

// --- events ---

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

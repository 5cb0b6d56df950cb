import { readFileSync } from "node:fs";
import { beforeEach, expect, test } from "vitest";
import { type Api, ApiError } from "../../src/client/api";
import type { Checked, FileEntry } from "../../src/client/types";
import { blocksOf, type Catalogue, only } from "../../src/model";
import { add, chosenBlocks, copyText, duplicate, moveBy, paste, remove } from "../../src/state/acting";
import { difference, Editor } from "../../src/state/editor";

const file = new URL("../../../octo/config/catalogue.json", import.meta.url);
const catalogue = JSON.parse(readFileSync(file, "utf8")) as Catalogue;

const TEXT = `# who greets
flows:
  - name: greet
    process:
      - type: log # first
        settings: {message: '"in"'}
      - type: set-payload
        settings:
          value: '"hello"'
`;

/** A folder as the server keeps it. */
class Folder {
  readonly texts = new Map<string, string>();

  etag(path: string): string {
    return `v-${this.texts.get(path)}`;
  }

  entry(path: string): FileEntry {
    return { path, kind: "flow", size: 0, etag: this.etag(path) };
  }

  get api(): Api {
    const serve = {
      files: async () => ({ files: [...this.texts.keys()].map((each) => this.entry(each)), isWhole: true }),
      file: async (path: string) => ({ path, text: this.texts.get(path) ?? "", etag: this.etag(path) }),
      save: async (path: string, text: string, etag: string | null) => {
        const now = this.texts.get(path);
        if ((now === undefined ? null : this.etag(path)) !== etag) {
          const current = now === undefined ? null : { path, text: now, etag: this.etag(path) };
          throw new ApiError(412, { code: "OCTO-X", message: "changed meanwhile", current });
        }
        this.texts.set(path, text);
        return { path, etag: this.etag(path) };
      },
      check: async (): Promise<Checked> => ({ configuration: "", ok: true, entries: [], problems: [], warnings: [] }),
    };
    return serve as unknown as Api;
  }
}

let folder: Folder;
let editor: Editor;

beforeEach(async () => {
  folder = new Folder();
  folder.texts.set("greet.yaml", TEXT);
  editor = new Editor(folder.api, catalogue);
  await editor.open();
});

const types = () => editor.integration.get().flows.flatMap((flow) => [...blocksOf(flow)].map((each) => each.type));
const choose = (type: string) => {
  const [flow] = editor.integration.get().flows;
  const block = flow && [...blocksOf(flow)].find((each) => each.type === type);
  editor.selection.set(only(block?.key ?? ""));
};

test("what is opened and saved is the same text", async () => {
  expect(editor.unsaved).toEqual([]);
  await editor.save(["greet.yaml"]);
  expect(folder.texts.get("greet.yaml")).toBe(TEXT);
});

test("a block is added behind the chosen one, and chosen then", async () => {
  choose("log");
  add(editor, "delay");
  expect(types()).toEqual(["log", "delay", "set-payload"]);
  expect(chosenBlocks(editor).map((each) => each.type)).toEqual(["delay"]);
  expect(editor.unsaved).toEqual(["greet.yaml"]);
  await editor.save();
  expect(folder.texts.get("greet.yaml")).toContain("- type: log # first\n");
  expect(editor.unsaved).toEqual([]);
});

test("whatever is done can be taken back, to the byte", () => {
  choose("log");
  duplicate(editor);
  moveBy(editor, "down");
  const text = copyText(editor);
  remove(editor);
  paste(editor, text);
  expect(types().sort()).toEqual(["log", "log", "set-payload"]);
  while (editor.history.get().past.length > 0) editor.undo();
  expect(editor.textOf("greet.yaml")).toBe(TEXT);
  while (editor.history.get().future.length > 0) editor.redo();
  expect(types().sort()).toEqual(["log", "log", "set-payload"]);
});

test("a block that is moved stays chosen", () => {
  choose("log");
  moveBy(editor, "down");
  expect(types()).toEqual(["set-payload", "log"]);
  expect(chosenBlocks(editor).map((each) => each.type)).toEqual(["log"]);
});

test("a composite comes with the lanes that it needs, behind the one before", () => {
  const added = ["if", "switch", "fork", "handle-errors", "foreach", "ai-agent", "mcp-router"];
  for (const type of added) add(editor, type);
  expect(editor.notice.get()).toBe("");
  const [flow] = editor.integration.get().flows;
  expect(flow?.process.blocks.map((each) => each.type)).toEqual(["log", "set-payload", ...added]);
  for (const each of flow?.process.blocks.slice(2, 7) ?? []) expect(each.lanes.some((lane) => lane.chain)).toBe(true);
});

test("a field is written, and taken away", () => {
  choose("log");
  const [block] = chosenBlocks(editor);
  if (block) editor.setField(block, "level", "warn");
  expect(editor.textOf("greet.yaml")).toContain("settings: {message: '\"in\"', level: warn}");
  const [again] = chosenBlocks(editor);
  if (again) editor.setField(again, "level", undefined);
  expect(editor.textOf("greet.yaml")).toBe(TEXT);
});

test("a text that is no block is refused in words", () => {
  paste(editor, "just a sentence");
  expect(editor.notice.get()).toContain("no blocks");
  expect(editor.textOf("greet.yaml")).toBe(TEXT);
});

test("what somebody else has saved is taken over while nothing of ours is unsaved", async () => {
  folder.texts.set("greet.yaml", TEXT.replace("hello", "good day"));
  await editor.refresh(folder.entry("greet.yaml"));
  expect(editor.textOf("greet.yaml")).toContain("good day");
  expect(editor.clashes.get()).toEqual([]);
});

test("nobody's save is lost", async () => {
  choose("log");
  add(editor, "delay");
  const theirs = TEXT.replace("hello", "good day");
  folder.texts.set("greet.yaml", theirs);

  await editor.save();
  expect(folder.texts.get("greet.yaml")).toBe(theirs);
  const [clash] = editor.clashes.get();
  expect(clash?.theirs?.text).toBe(theirs);

  if (clash) editor.keepOurs(clash);
  await editor.save();
  expect(folder.texts.get("greet.yaml")).toContain("type: delay");
});

test("what they wrote can be taken, and ours brought back", async () => {
  choose("log");
  add(editor, "delay");
  const ours = editor.textOf("greet.yaml");
  folder.texts.set("greet.yaml", "flows: []\n");
  await editor.refresh(folder.entry("greet.yaml"));
  const [clash] = editor.clashes.get();
  if (clash) editor.takeTheirs(clash);
  expect(editor.textOf("greet.yaml")).toBe("flows: []\n");
  expect(editor.unsaved).toEqual([]);
  editor.undo();
  expect(editor.textOf("greet.yaml")).toBe(ours);
});

test("a file that is gone leaves, but not with edits of ours", async () => {
  editor.gone("greet.yaml");
  expect(editor.integration.get().flows).toEqual([]);
  await editor.open();
  choose("log");
  add(editor, "delay");
  folder.texts.delete("greet.yaml");
  editor.gone("greet.yaml");
  const [clash] = editor.clashes.get();
  expect(clash?.theirs).toBeNull();
  if (clash) editor.keepOurs(clash);
  await editor.save();
  expect(folder.texts.get("greet.yaml")).toContain("type: delay");
});

test("a difference is the smallest edit", () => {
  expect(difference("abcdef", "abXdef")).toEqual([{ from: 2, to: 3, insert: "X" }]);
  expect(difference("aa", "aaa")).toEqual([{ from: 2, to: 2, insert: "a" }]);
  expect(difference("same", "same")).toEqual([]);
});

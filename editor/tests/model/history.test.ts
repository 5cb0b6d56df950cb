import { describe, expect, test } from "vitest";
import {
  apply,
  type Change,
  changed,
  changedOutside,
  type Done,
  EMPTY,
  type History,
  type Integration,
  read,
  recorded,
  redone,
  undone,
} from "../../src/model";
import { catalogue } from "./catalogue";

function done(path: string, change: Change): Done {
  return { changes: new Map([[path, change]]), moved: new Map(), selected: [] };
}

class Session {
  integration: Integration;
  history: History = EMPTY;

  constructor(texts: [string, string][]) {
    this.integration = read(texts, catalogue);
  }

  text(path = "a.yaml"): string | undefined {
    return this.integration.files.get(path)?.tree.text;
  }

  type(at: number, insert: string, when: number, typing?: string): void {
    const what = done("a.yaml", [{ from: at, to: at, insert }]);
    this.history = recorded(this.history, this.integration, what, { at: when, ...(typing ? { typing } : {}) });
    this.integration = changed(this.integration, what.changes);
  }

  back(): void {
    const [what, history] = undone(this.history) ?? [];
    if (!what || !history) return;
    this.integration = changed(this.integration, what.changes);
    this.history = history;
  }

  again(): void {
    const [what, history] = redone(this.history) ?? [];
    if (!what || !history) return;
    this.integration = changed(this.integration, what.changes);
    this.history = history;
  }

  /** Somebody else writes. */
  outside(change: Change, path = "a.yaml"): void {
    this.history = changedOutside(this.history, path, change);
    this.integration = changed(this.integration, new Map([[path, change]]));
  }
}

describe("history", () => {
  test("typing in one place is one step, until there is a pause", () => {
    const session = new Session([["a.yaml", "ab"]]);
    session.type(1, "x", 0, "name");
    session.type(2, "y", 500, "name");
    session.type(3, "z", 2000, "name");
    session.type(0, "!", 2100, "other");
    expect(session.text()).toBe("!axyzb");
    session.back();
    session.back();
    expect(session.text()).toBe("axyb");
    session.back();
    expect(session.text()).toBe("ab");
    session.back();
    expect(session.text()).toBe("ab");
    for (let count = 0; count < 4; count += 1) session.again();
    expect(session.text()).toBe("!axyzb");
  });

  test("what is done after an undo ends what could be done again", () => {
    const session = new Session([["a.yaml", ""]]);
    session.type(0, "x", 0);
    session.back();
    session.type(0, "y", 0);
    session.again();
    expect(session.text()).toBe("y");
  });

  test("a change by somebody else is kept, and ours can still be taken back", () => {
    const session = new Session([["a.yaml", "one\ntwo\nthree\n"]]);
    session.type(0, "1", 0);
    session.type(5, "2", 0);
    session.outside([{ from: 9, to: 9, insert: "3" }]);
    expect(session.text()).toBe(
      "1one\n2two3\nthree\n".replace("2two3\n", "2two\n").replace("three", "three").replace("2two\n", "2two3\n"),
    );
    session.back();
    expect(session.text()).toBe("1one\ntwo3\nthree\n");
    session.back();
    expect(session.text()).toBe("one\ntwo3\nthree\n");
    session.again();
    session.again();
    expect(session.text()).toBe("1one\n2two3\nthree\n");
  });

  test("where somebody else has changed the same text, what was done before is forgotten", () => {
    const session = new Session([["a.yaml", "one\ntwo\n"]]);
    session.type(0, "1", 0);
    session.type(5, "2", 0);
    session.outside([{ from: 0, to: 4, insert: "ONE" }]);
    session.back();
    expect(session.text()).toBe("ONE\ntwo\n");
    session.back();
    expect(session.text()).toBe("ONE\ntwo\n");
  });

  test("several files are one step", () => {
    const session = new Session([
      ["a.yaml", "a"],
      ["b.yaml", "b"],
    ]);
    const what: Done = {
      changes: new Map([
        ["a.yaml", [{ from: 0, to: 1, insert: "" }]],
        ["b.yaml", [{ from: 1, to: 1, insert: "a" }]],
      ]),
      moved: new Map(),
      selected: [],
    };
    session.history = recorded(session.history, session.integration, what, { at: 0 });
    session.integration = changed(session.integration, what.changes);
    expect([session.text(), session.text("b.yaml")]).toEqual(["", "ba"]);
    session.back();
    expect([session.text(), session.text("b.yaml")]).toEqual(["a", "b"]);
    expect(apply("a", [])).toBe("a");
  });
});

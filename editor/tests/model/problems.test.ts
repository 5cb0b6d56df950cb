import { expect, test } from "vitest";
import { byThing, changed, fieldOfProblem, located, moved, offsetOf, placed, read } from "../../src/model";
import { catalogue } from "./catalogue";

const TEXT = `flows:
  - name: ä😀
    process:
      - type: log
        settings:
          fields: {a: [1, "vars.x +"]}
      - type: if
        then: []
`;

const integration = read([["a.yaml", TEXT]], catalogue);
const told = { code: "OCTO-E101", file: "a.yaml", message: "no" };
const problems = placed(integration, [
  { ...told, line: 6, column: 27 },
  { ...told, line: 7, column: 9 },
  { ...told, line: 2, column: 11 },
  { ...told, line: 99, column: 1 },
]);

function addresses(found: Map<string, unknown[]>, of = integration): unknown[] {
  return [...found].map(([key, each]) => {
    const thing = located(of).get(key)?.thing;
    return [thing?.kind === "flow" ? thing.name : (thing?.address ?? key), each.length];
  });
}

test("problems belong to blocks and fields", () => {
  expect(TEXT.slice(problems[0]?.from, problems[0]?.to)).toBe('"vars.x +"');
  expect(addresses(byThing(integration, problems))).toEqual([
    ["ä😀.log", 1],
    ["ä😀.if", 1],
    ["ä😀", 1],
    ["a.yaml", 1],
  ]);
  expect(problems.map((each) => fieldOfProblem(integration, each))).toEqual([
    ["fields", "a", 1],
    ["type"],
    ["name"],
    [],
  ]);
  expect(TEXT.slice(problems[2]?.from, problems[2]?.to)).toBe("ä😀");
});

test("they move with the text until it is checked again", () => {
  const changes = new Map([["a.yaml", [{ from: 0, to: 0, insert: "# one line\n" }]]]);
  const after = changed(integration, changes);
  expect(addresses(byThing(after, moved(problems, changes)), after)).toEqual(addresses(byThing(integration, problems)));
});

test("columns count characters", () => {
  const line = TEXT.split("\n")[1] ?? "";
  expect(offsetOf(TEXT, 2, 13)).toBe("flows:\n".length + line.length);
  expect(offsetOf("\uFEFFa\r\nb", 2, 1)).toBe(4);
  expect(offsetOf("ab", 1, 99)).toBe(2);
});

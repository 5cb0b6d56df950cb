import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { read } from "../../src/model/integration";
import { type OutlineEntry, outline } from "../../src/model/outline";
import type { Tree } from "../../src/model/yaml/tree";
import { catalogue } from "./catalogue";
import { broken, REPOSITORY, type Sample, samples } from "./files";

const PYTHON = process.env.OCTO_PYTHON ?? resolve(REPOSITORY, ".venv/bin/python");

interface Told {
  kind: string;
  address: string | null;
  name: string | null;
  sets?: unknown;
}

/** What `octo check --outline` says of each file. */
function told(files: Sample[]): Map<string, Told[]> {
  const env = { ...process.env, PYTHONPATH: REPOSITORY };
  const args = ["-m", "octo", "check", "--outline", "--format", "json", ...files.map((each) => each.name)];
  let printed: string;
  try {
    printed = execFileSync(PYTHON, args, { cwd: REPOSITORY, env, encoding: "utf8", stdio: "pipe", maxBuffer: 1e9 });
  } catch (error) {
    printed = (error as { stdout: string }).stdout; // some have problems
  }
  const { configurations } = JSON.parse(printed) as { configurations: { path: string; entries: Told[] }[] };
  return new Map(configurations.map((each) => [each.path, each.entries.map(({ sets: _, ...rest }) => rest)]));
}

function ours({ name, text }: Sample): Told[] {
  const integration = read([[name, text]], catalogue);
  const { tree } = integration.files.get(name) as { tree: Tree };
  return outline(integration).map((each) => asTold(each, tree));
}

function asTold({ kind, address, parent, type, name, file, node }: OutlineEntry, tree: Tree): Told {
  const place = {
    file: node ? file : null,
    start: node ? point(tree.text, tree.from(node)) : null,
    end: node ? point(tree.text, tree.to(node)) : null,
  };
  return {
    kind,
    address: address || null,
    parent: parent || null,
    type: type || null,
    name: name || null,
    ...place,
  } as Told;
}

/** Lines and columns count from 1, columns in characters. */
function point(text: string, offset: number) {
  const lines = text.slice(0, offset).split("\n");
  return { line: lines.length, column: [...(lines.at(-1) ?? "")].length + 1 };
}

test("addresses and places in all samples are those of octo check", () => {
  const expected = told(samples);
  for (const each of samples) expect(ours(each), each.name).toEqual(expected.get(each.name));
});

/** What is cut off before its name or type, and what stands in a chain that a processor cannot hold. */
const DIFFERENT = /(quote-not-closed|tab-deep|tab-indentation|processor-with-chain).yaml$/;

test("in broken files everything that octo check finds is found, under the same address", () => {
  const expected = told(broken);
  const missing = broken.flatMap((each) => {
    const found = new Set(ours(each).map(({ kind, address, name }) => `${kind} ${address} ${name}`));
    const wanted = (expected.get(each.name) ?? []).map(({ kind, address, name }) => `${kind} ${address} ${name}`);
    return wanted.filter((one) => !found.has(one)).map((one) => `${each.name}: ${one}`);
  });
  expect(missing.filter((each) => !DIFFERENT.test(each.split(":")[0] ?? ""))).toEqual([]);
});

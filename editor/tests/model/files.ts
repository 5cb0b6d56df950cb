/** The flow files of this repository, for tests that go over all of them. */

import { globSync, readFileSync } from "node:fs";
import { relative, resolve } from "node:path";

export const REPOSITORY = resolve(import.meta.dirname, "../../..");

export interface Sample {
  name: string;
  text: string;
}

export function read(name: string): string {
  return readFileSync(resolve(REPOSITORY, name), "utf8");
}

export function files(pattern: string): Sample[] {
  return globSync(pattern, { cwd: REPOSITORY })
    .sort()
    .map((name) => ({ name: relative(".", name), text: read(name) }));
}

/** Flows that run. */
export const samples = files("samples/**/*.yaml").filter((each) => !each.name.endsWith("_test.yaml"));

/** Flows in the pages of the documentation. */
export const pages: Sample[] = files("docs/**/*.md").flatMap(({ name, text }) =>
  [...text.matchAll(/```yaml\n(.*?)```/gs)].map((found, index) => ({ name: `${name}#${index}`, text: found[1] ?? "" })),
);

/** All YAML there is, right and wrong. */
export const all: Sample[] = [...files("samples/**/*.yaml"), ...files("tests/**/*.yaml"), ...pages];

/** Flows that are wrong, each in another way. */
export const broken: Sample[] = files("tests/config/broken/*.yaml");

/** Flow files as people and programs write them: many styles of YAML, many shapes of flows. */

import fc from "fast-check";

interface Style {
  newline: string;
  step: number;
  dash: number;
  quote: "'" | '"';
  hasBom: boolean;
  hasEnd: boolean;
}

const styles: fc.Arbitrary<Style> = fc.record({
  newline: fc.constantFrom("\n", "\n", "\n", "\r\n"),
  step: fc.constantFrom(2, 2, 4),
  dash: fc.constantFrom(0, 2, 2, 4),
  quote: fc.constantFrom("'", '"') as fc.Arbitrary<"'" | '"'>,
  hasBom: fc.nat(9).map((each) => each === 0),
  hasEnd: fc.nat(4).map((each) => each > 0),
});

type Lines = string[];

const words = fc.constantFrom("body", "vars.id", "a b", "größer", "x-1", "😀", "8080", "10s");
const expressions = fc.constantFrom('body.a == "b"', "vars.x > 1", '"it is " + body.name', "has(body.c) && true");
const comments = fc.constantFrom("", "", "", "# why", "#", "# - not: a block");

function leaf(style: Style, depth: number): fc.Arbitrary<Lines> {
  const at = " ".repeat(depth);
  const quoted = (text: string) => (style.quote === "'" ? `'${text}'` : JSON.stringify(text));
  const inner = " ".repeat(depth + style.step);
  return fc.oneof(
    expressions.map((text) => [`${at}- type: set-payload`, `${at}  value: ${quoted(text)}`]),
    fc
      .tuple(words, expressions, comments)
      .map(([name, text, comment]) => [
        `${at}- type: set-variable${comment && ` ${comment}`}`,
        `${at}  settings:`,
        `${at}  ${" ".repeat(style.step)}name: ${quoted(name)}`,
        `${at}  ${" ".repeat(style.step)}value: |`,
        `${inner}${" ".repeat(2 + style.step)}${text}`,
        `${inner}${" ".repeat(2 + style.step)}  + 1`,
      ]),
    words.map((text) => [`${at}- {type: log, message: '"${text}"', fields: {a: body, b: [1, two, "3"]}}`]),
    fc.constant<Lines>([`${at}- type: log`, `${at}  message: >-`, `${inner}  "folded`, `${inner}  over lines"`, ""]),
    fc.constant<Lines>([`${at}-   name: unknown`, `${at}    type: no-such-type`, `${at}    deep: {a: {b: [c]}}`]),
    fc.constant<Lines>([
      `${at}- type: rest`,
      `${at}  connector: web`,
      `${at}  headers: {`,
      `${inner}    X-A: a, # one`,
      `${inner}    X-B: b`,
      `${at}  }`,
    ]),
  );
}

function block(style: Style, depth: number, levels: number): fc.Arbitrary<Lines> {
  const simple = leaf(style, depth);
  if (levels === 0) return simple;
  const at = " ".repeat(depth);
  const chain = (column: number) =>
    fc.array(block(style, column, levels - 1), { minLength: 1, maxLength: 2 }).map((each) => each.flat());
  const below = depth + 2 + style.dash;
  const deeper = depth + 2 + style.step + style.dash;
  const composite = fc.oneof(
    fc
      .tuple(expressions, chain(deeper), fc.boolean())
      .map(([when, inside, hasElse]) => [
        `${at}- type: if`,
        `${at}  condition: ${style.quote === "'" ? `'${when}'` : JSON.stringify(when)}`,
        `${at}  then:`,
        `${at}  ${" ".repeat(style.step)}process:`,
        ...inside,
        ...(hasElse ? [`${at}  else: {process: [{type: log}, {type: log}]}`] : []),
      ]),
    chain(below).map((inside) => [`${at}- type: retry`, `${at}  process:`, ...inside, `${at}  maxAttempts: 3`]),
    fc
      .tuple(chain(below + 2 + style.dash), chain(below))
      .map(([inside, fallback]) => [
        `${at}- type: switch`,
        `${at}  name: choose`,
        `${at}  cases:`,
        `${" ".repeat(below)}- when: "true"`,
        `${" ".repeat(below)}  process:`,
        ...inside,
        `${" ".repeat(below)}- {when: "false", process: []}`,
        `${at}  default:`,
        ...fallback,
      ]),
  );
  return fc.oneof(simple, composite);
}

function flow(style: Style): fc.Arbitrary<Lines> {
  const at = " ".repeat(style.dash);
  const inside = fc.array(fc.tuple(comments, block(style, style.dash + 2 + style.dash, 2), fc.boolean()), {
    maxLength: 4,
  });
  return fc.tuple(fc.uuid(), inside, comments, fc.nat(3)).map(([id, blocks, comment, kind]) => {
    const lines = blocks.flatMap(([above, each, isSpaced]) => [
      ...(above ? [`${" ".repeat(style.dash + 2 + style.dash)}${above}`] : []),
      ...each,
      ...(isSpaced ? [""] : []),
    ]);
    const process =
      lines.length > 0
        ? [`${at}  process:`, ...lines]
        : ([[`${at}  process: []`], [`${at}  process:`], []][kind % 3] as Lines);
    return [...(comment ? [`${at}${comment}`] : []), `${at}- name: ${id.slice(0, 8)}x`, ...process];
  });
}

/** A flow file. Names of flows are nearly always different. */
export const flowFiles: fc.Arbitrary<string> = styles.chain((style) =>
  fc
    .tuple(fc.array(flow(style), { minLength: 1, maxLength: 4 }), comments, fc.boolean())
    .map(([flows, comment, hasHead]) => {
      const head = hasHead
        ? [
            "service:",
            `${" ".repeat(style.step)}name: generated  # here`,
            "",
            "connectors:",
            `${" ".repeat(style.dash)}- {name: web, type: http-client}`,
            "",
          ]
        : [];
      const lines = [comment, ...head, "flows:", ...flows.flat()].filter((each, index) => index > 0 || each !== "");
      const text = lines.join(style.newline) + (style.hasEnd ? style.newline : "");
      return (style.hasBom ? "\uFEFF" : "") + text;
    }),
);

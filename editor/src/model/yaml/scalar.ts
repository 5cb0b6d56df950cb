/** The meaning of a bare word: the rules of `octo.expr.scalars`, which are those of YAML 1.2 with Go's additions. */

import type { Scalar } from "./node";

export type Plain = string | number | boolean | null;

const WORDS = new Map<string, Plain>([
  ...["", "~", "null", "Null", "NULL"].map((each): [string, Plain] => [each, null]),
  ...["true", "True", "TRUE"].map((each): [string, Plain] => [each, true]),
  ...["false", "False", "FALSE"].map((each): [string, Plain] => [each, false]),
  ...[".nan", ".NaN", ".NAN"].map((each): [string, Plain] => [each, Number.NaN]),
  ...[".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"].map((each): [string, Plain] => [
    each,
    Number.POSITIVE_INFINITY,
  ]),
  ...["-.inf", "-.Inf", "-.INF"].map((each): [string, Plain] => [each, Number.NEGATIVE_INFINITY]),
]);

const INT = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const TIMESTAMP =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[Tt ](\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,9}))?(Z|[-+]\d{2}:\d{2})?)?$/;
const MOST_DIGITS = 400;

/** The value of an unquoted scalar. Numbers that JavaScript cannot hold are rounded; their text is not. */
export function resolve(text: string): Plain {
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  if (!/^[0-9+.-]/.test(text) || text.length > MOST_DIGITS) return text;
  return numberOf(text.replaceAll("_", "")) ?? timestampOf(text) ?? text;
}

/** The value of a scalar. Of the tags only `!!str` counts here. */
export function meaning(scalar: Scalar): Plain {
  if (scalar.style !== "plain" || scalar.tag === "!!str" || scalar.tag === "!") return scalar.text;
  return resolve(scalar.text);
}

function numberOf(text: string): number | undefined {
  const found = INT.exec(text);
  if (found) {
    const [, sign, hex, binary, octal, decimal] = found;
    const value =
      hex !== undefined
        ? Number.parseInt(hex, 16)
        : binary !== undefined
          ? Number.parseInt(binary, 2)
          : octal !== undefined
            ? Number.parseInt(octal, 8)
            : Number(decimal);
    return sign === "-" ? -value : value;
  }
  return FLOAT.test(text) ? Number(text) : undefined;
}

function timestampOf(text: string): string | undefined {
  const found = TIMESTAMP.exec(text);
  if (!found) return undefined;
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map((each) => Number(each ?? 0)) as Six;
  const moment = new Date(0);
  moment.setUTCFullYear(year, month - 1, day);
  moment.setUTCHours(hour, minute, second);
  const parts = [moment.getUTCFullYear(), moment.getUTCMonth() + 1, moment.getUTCDate()];
  const times = [moment.getUTCHours(), moment.getUTCMinutes(), moment.getUTCSeconds()];
  const isReal = [...parts, ...times].every((each, index) => each === [year, month, day, hour, minute, second][index]);
  if (!isReal || year === 0) return undefined;
  const fraction = (found[7] ?? "").replace(/0+$/, "");
  return `${moment.toISOString().slice(0, 19)}${fraction ? `.${fraction}` : ""}${found[8] ?? "Z"}`;
}

type Six = [number, number, number, number, number, number];

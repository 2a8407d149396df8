/** The beginning of a string, or a whole number, in JSON outside of strings. */
const STRING_OR_NUMBER = /"|-?\d[\d.eE+-]*/g;

/** The place after the closing quote of a string whose content begins at `start`. */
function stringEnd(json: string, start: number): number {
  for (let from = start; ; ) {
    const quote = json.indexOf('"', from);
    let backslashes = 0;
    while (json[quote - 1 - backslashes] === "\\") backslashes += 1;
    if (backslashes % 2 === 0) return quote + 1;
    from = quote + 1;
  }
}

/**
 * Parses JSON. A number that JavaScript would write otherwise than it stands there, such as 9007199254740993, 1.10 or 100.0, comes as
 * a string of its characters; every other number as a number.
 *
 * @throws SyntaxError as `JSON.parse` does.
 */
export function parseKeepingDigits(json: string): unknown {
  const value: unknown = JSON.parse(json);
  const pieces: string[] = [];
  let copied = 0;
  STRING_OR_NUMBER.lastIndex = 0;
  for (let match = STRING_OR_NUMBER.exec(json); match !== null; match = STRING_OR_NUMBER.exec(json)) {
    const [written] = match;
    if (written === '"') {
      STRING_OR_NUMBER.lastIndex = stringEnd(json, match.index + 1);
    } else if (String(Number(written)) !== written) {
      pieces.push(json.slice(copied, match.index), '"', written, '"');
      copied = match.index + written.length;
    }
  }
  return pieces.length === 0 ? value : JSON.parse(pieces.join("") + json.slice(copied));
}

/** A number, in JSON outside of strings. */
const NUMBER = /-?\d[\d.eE+-]*/y;
const [MINUS, ZERO, NINE] = [0x2d, 0x30, 0x39];

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
  for (let at = 0; at < json.length; ) {
    const quote = json.indexOf('"', at);
    const stringStart = quote === -1 ? json.length : quote;
    while (at < stringStart) {
      const code = json.charCodeAt(at);
      if (code !== MINUS && (code < ZERO || code > NINE)) {
        at += 1;
        continue;
      }
      NUMBER.lastIndex = at;
      const written = NUMBER.exec(json)?.[0] ?? "";
      if (String(Number(written)) !== written) {
        pieces.push(json.slice(copied, at), '"', written, '"');
        copied = at + written.length;
      }
      at += written.length;
    }
    at = quote === -1 ? json.length : stringEnd(json, quote + 1);
  }
  return pieces.length === 0 ? value : JSON.parse(pieces.join("") + json.slice(copied));
}

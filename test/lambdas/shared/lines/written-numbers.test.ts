import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../../emulation/stubs/bedrock/seeded-random.ts";
import { parseKeepingDigits } from "../../../../lambdas/shared/lines/written-numbers.ts";
import { rounds } from "../../rounds.ts";

describe("parseKeepingDigits", () => {
  it("keeps the digits that JavaScript would change, and leaves other numbers alone", () => {
    const json =
      '{"title":"Ball bearing","ean":9007199254740993,"order":1306415010221662247,"version":1.10,"price":100.0,"year":1990,"share":-0.5,"large":1e400,"list":[7,1E2,-0]}';
    expect(parseKeepingDigits(json)).toEqual({
      title: "Ball bearing",
      ean: "9007199254740993",
      order: "1306415010221662247",
      version: "1.10",
      price: "100.0",
      year: 1990,
      share: -0.5,
      large: "1e400",
      list: [7, "1E2", "-0"],
    });
  });

  it("leaves digits inside strings alone, whatever stands before their quotes", () => {
    for (const text of ["1.10", 'a "1.10" b', "\\", '\\"', "1.10\\", '\\\\"1.10']) {
      const value = { [text]: text, list: [text] };
      expect(parseKeepingDigits(JSON.stringify(value))).toEqual(value);
    }
  });

  it("takes strings of several megabytes", () => {
    const value = { text: 'x\\"1.10'.repeat(1_000_000) };
    expect(parseKeepingDigits(JSON.stringify(value))).toEqual(value);
  });

  it.each(["", "{", '{"a":01}', '{"a":1.}', '{"a":"1.10}'])("refuses %s as JSON.parse does", (json) => {
    expect(() => parseKeepingDigits(json)).toThrow(SyntaxError);
  });

  it("gives what JSON.parse gives where numbers are whole and safe", () => {
    const random = seededRandom("written numbers");
    const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)] as Item;
    const value = (depth: number): unknown => {
      const kind = Math.floor(random() * (depth > 3 ? 4 : 6));
      if (kind === 0) return Math.floor((random() - 0.5) * 2 ** 53);
      if (kind === 1) return pick([true, false, null]);
      if (kind < 4)
        return Array.from({ length: 5 }, () => pick(['"', "\\", "1.10", "é", "\n", "{", ",", "\u2028"])).join("");
      if (kind === 4) return Array.from({ length: 3 }, () => value(depth + 1));
      return Object.fromEntries(
        Array.from({ length: 3 }, () => [`${pick(['"1.0', "\\", "a"])}${random()}`, value(depth + 1)]),
      );
    };
    for (let n = 0; n < rounds(5000); n += 1) {
      const made = value(0);
      expect(parseKeepingDigits(JSON.stringify(made, null, pick([0, 2])))).toEqual(made);
    }
  });
});

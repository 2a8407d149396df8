import { describe, expect, it } from "vitest";
import {
  type Measurement,
  MeasurementError,
  parseMeasurement,
  ratioToBaseline,
  renderMeasurements,
} from "../../../bench/scale/measurement.ts";

function measurement(values: Partial<Measurement>): Measurement {
  const some = { stage: "mining", variant: "ours", documents: 1000, seconds: 2, items: 1000, unit: "documents" };
  return { ...some, peak_mib: 100, ...values };
}

describe("measurements", () => {
  it("are read from a line of JSON", () => {
    const written = measurement({ note: "equal" });
    expect(parseMeasurement(JSON.stringify(written))).toEqual(written);
  });

  it.each(["loading the model ...", "{}", JSON.stringify(measurement({ variant: "theirs" }))])(
    "are not made of %s",
    (line) => {
      expect(() => parseMeasurement(line)).toThrow(MeasurementError);
      expect(() => parseMeasurement(line)).toThrow(line);
    },
  );

  it("are compared by their rates with the baseline of the same stage, size and unit", () => {
    const ours = measurement({ items: 4000 });
    const others = [
      measurement({ variant: "baseline", stage: "scoring", seconds: 1 }),
      measurement({ variant: "baseline", documents: 9, seconds: 1 }),
      measurement({ variant: "baseline", network: "region", seconds: 1 }),
      measurement({ variant: "baseline", unit: "tokens", seconds: 1 }),
    ];
    expect(ratioToBaseline(ours, others)).toBeUndefined();
    const baseline = measurement({ variant: "baseline", seconds: 4, cpu_seconds: 3 });
    expect(ratioToBaseline(ours, [...others, baseline])).toBeCloseTo(8);
    expect(ratioToBaseline(ours, [baseline], "cpu_seconds")).toBeUndefined();
    expect(ratioToBaseline({ ...ours, cpu_seconds: 2 }, [baseline], "cpu_seconds")).toBeCloseTo(6);
    expect(ratioToBaseline(baseline, [baseline])).toBeUndefined();
    expect(renderMeasurements([baseline, ours])).toMatch(
      /\| mining +\| +\| +1,000 \| ours +\|.*2,000 documents\/s.*8\.00x/,
    );
  });
});

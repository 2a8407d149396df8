import { z } from "zod";
import { table } from "../emulation/results.ts";

/**
 * What a benchmark prints: one JSON object a line on its standard output. `baseline` is the straightforward way, `ours` the
 * pipeline's code; both on the same input in processes alike. A further variant of either is named after it: `ours, gzip`.
 */
export const Measurement = z.object({
  stage: z.string().min(1),
  variant: z.string().regex(/^(ours|baseline)(, .+)?$/),
  /** Documents of the corpus. */
  documents: z.number().int().positive(),
  /** Of the measured work alone, without starting the process or making its input. */
  seconds: z.number().positive(),
  /** What was worked through, and what it is counted in: documents, pairs, tokens, ... */
  items: z.number().positive(),
  unit: z.string().min(1),
  /** Of the process, on all cores; unlike `seconds` it says the same on a busy machine. */
  cpu_seconds: z.number().positive().optional(),
  /** Most memory the process had resident, in MiB. */
  peak_mib: z.number().positive(),
  /** What else was found, in words: whether the results are equal, who was busy. */
  note: z.string().optional(),
});
export type Measurement = z.infer<typeof Measurement>;

/** A line of a benchmark's output is no measurement. */
export class MeasurementError extends Error {
  override readonly name = "MeasurementError";
}

/** @throws MeasurementError quoting the line. */
export function parseMeasurement(line: string): Measurement {
  try {
    return Measurement.parse(JSON.parse(line));
  } catch (cause) {
    throw new MeasurementError(
      `A benchmark printed something else than a measurement on its standard output: ${line}`,
      {
        cause,
      },
    );
  }
}

/** How many times the items a second of the baseline with the same stage, size and unit; undefined for a baseline or without one. */
export function ratioToBaseline(measurement: Measurement, all: readonly Measurement[]): number | undefined {
  if (!measurement.variant.startsWith("ours")) return undefined;
  const baseline = all.find(
    ({ stage, variant, documents, unit }) =>
      variant === "baseline" &&
      stage === measurement.stage &&
      documents === measurement.documents &&
      unit === measurement.unit,
  );
  if (baseline === undefined) return undefined;
  return measurement.items / measurement.seconds / (baseline.items / baseline.seconds);
}

function rate(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en-US") : value.toPrecision(3);
}

/** The measurements as a table, in the order in which they were made. */
export function renderMeasurements(measurements: readonly Measurement[]): string {
  const rows = measurements.map((measurement) => {
    const { stage, variant, documents, seconds, items, unit, peak_mib, cpu_seconds, note } = measurement;
    const ratio = ratioToBaseline(measurement, measurements);
    return [
      stage,
      documents.toLocaleString("en-US"),
      variant,
      seconds.toFixed(2),
      cpu_seconds?.toFixed(2) ?? "",
      `${rate(items / seconds)} ${unit}/s`,
      Math.round(peak_mib).toLocaleString("en-US"),
      ratio === undefined ? "" : `${ratio.toFixed(2)}x`,
      note ?? "",
    ];
  });
  const header = ["stage", "documents", "variant", "seconds", "CPU s", "throughput", "peak MiB", "ratio", "note"];
  return table(header, rows, [1, 3, 4, 5, 6, 7]).join("\n");
}

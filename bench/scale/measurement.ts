import { markdownTable } from "markdown-table";
import { z } from "zod";
import { NETWORKS, type NetworkName } from "./network.ts";

/**
 * What a benchmark prints: one JSON object a line on its standard output. `baseline` is the straightforward way, `ours` the
 * pipeline's code; both on the same input in processes alike.
 */
export const Measurement = z.object({
  stage: z.string().min(1),
  variant: z.string().regex(/^(ours|baseline)(, .+)?$/),
  /** What lies between the process and the services it calls; see {@link NETWORKS}. Absent where it calls none. */
  network: z.enum(Object.keys(NETWORKS) as [NetworkName, ...NetworkName[]]).optional(),
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

/** What a measured process reports of its work. */
export const Report = Measurement.omit({ stage: true, variant: true, documents: true, network: true });
export type Report = z.infer<typeof Report>;

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

/**
 * The baseline's cost of an item by ours, for the baseline with the same stage, network, size and unit; undefined for a baseline
 * or without one.
 *
 * @param cost what an item costs.
 */
export function ratioToBaseline(
  measurement: Measurement,
  all: readonly Measurement[],
  cost: "seconds" | "cpu_seconds" = "seconds",
): number | undefined {
  if (!measurement.variant.startsWith("ours")) return undefined;
  const baseline = all.find(
    ({ stage, network, variant, documents, unit }) =>
      variant === "baseline" &&
      stage === measurement.stage &&
      network === measurement.network &&
      documents === measurement.documents &&
      unit === measurement.unit,
  );
  const [ours, theirs] = [measurement[cost], baseline?.[cost]];
  if (baseline === undefined || ours === undefined || theirs === undefined) return undefined;
  return theirs / baseline.items / (ours / measurement.items);
}

function times(ratio: number | undefined): string {
  return ratio === undefined ? "" : `${ratio.toFixed(2)}x`;
}

function rate(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en-US") : value.toPrecision(3);
}

/** The measurements as a table, in the order in which they were made. */
export function renderMeasurements(measurements: readonly Measurement[]): string {
  const rows = measurements.map((measurement) => {
    const { stage, network, variant, documents, seconds, items, unit, peak_mib, cpu_seconds, note } = measurement;
    return [
      stage,
      network ?? "",
      documents.toLocaleString("en-US"),
      variant,
      seconds.toFixed(2),
      cpu_seconds?.toFixed(2) ?? "",
      `${rate(items / seconds)} ${unit}/s`,
      Math.round(peak_mib).toLocaleString("en-US"),
      times(ratioToBaseline(measurement, measurements)),
      times(ratioToBaseline(measurement, measurements, "cpu_seconds")),
      note ?? "",
    ];
  });
  const numbers = ["seconds", "CPU s", "throughput", "peak MiB", "ratio", "CPU ratio"];
  const header = ["stage", "network", "documents", "variant", ...numbers, "note"];
  return markdownTable([header, ...rows], { align: ["l", "l", "r", "l", ...numbers.map(() => "r"), "l"] });
}

export interface MetricDefinition {
  readonly Name: string;
  readonly Regex: string;
}

export interface FinalMetric {
  readonly MetricName: string;
  readonly Value: number;
  /** Seconds since 1970. */
  readonly Timestamp: number;
}

/** Keeps, for each metric definition, the last value that its regular expression found in the log. */
export class MetricExtraction {
  readonly #definitions: readonly { name: string; regex: RegExp }[];
  readonly #values = new Map<string, FinalMetric>();

  constructor(definitions: readonly MetricDefinition[]) {
    this.#definitions = definitions.map(({ Name, Regex }) => ({ name: Name, regex: new RegExp(Regex) }));
  }

  consume(lines: readonly string[], seen: Date): void {
    for (const line of lines) {
      for (const { name, regex } of this.#definitions) {
        const value = Number(regex.exec(line)?.[1] ?? Number.NaN);
        if (Number.isFinite(value)) {
          this.#values.set(name, { MetricName: name, Value: value, Timestamp: seen.getTime() / 1000 });
        }
      }
    }
  }

  /** FinalMetricDataList of DescribeTrainingJob. */
  get final(): FinalMetric[] {
    return [...this.#values.values()];
  }
}

import type { Progress } from "../progress.ts";

/** What the training scripts print about how far they are; each pattern's groups are what is done and how much there is. */
const PROGRESS_LINES: readonly { readonly pattern: RegExp; readonly unit: string }[] = [
  { pattern: /^loss=\S+ step=(?<done>\d+) of=(?<total>\d+) /, unit: "steps" },
  { pattern: /^\S+: shard (?<done>\d+) of (?<total>\d+), (?<rate>\d+ pairs\/s)/, unit: "shards" },
  { pattern: /^(?:Embedded|Encoded) (?<done>\d+) of (?<total>\d+) documents$/, unit: "documents" },
  { pattern: /^Chose the negatives of (?<done>\d+) of (?<total>\d+) queries$/, unit: "queries" },
  { pattern: /^Judged (?<done>\d+) of (?<total>\d+) queries$/, unit: "queries" },
];

/** How far a line of a training job's log says that the job is; undefined when it says something else. */
export function progressOf(line: string): Progress | undefined {
  for (const { pattern, unit } of PROGRESS_LINES) {
    const said = pattern.exec(line)?.groups;
    if (said === undefined) continue;
    return { done: Number(said.done), total: Number(said.total), unit: said.rate ? `${unit} at ${said.rate}` : unit };
  }
  return undefined;
}

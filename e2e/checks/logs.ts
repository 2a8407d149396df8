import {
  type CloudWatchLogsClient,
  paginateDescribeLogGroups,
  paginateFilterLogEvents,
  ResourceNotFoundException,
} from "@aws-sdk/client-cloudwatch-logs";
import { type Check, Checks } from "./check.ts";

/** Words in a row that are a passage's own: fewer may be a coincidence, such as an error's wording. */
const RUN_OF_WORDS = 8;

/** The events of a log group, oldest first; none when there is no such group. */
export async function logMessages(client: CloudWatchLogsClient, logGroupName: string): Promise<string[]> {
  const messages: string[] = [];
  try {
    for await (const page of paginateFilterLogEvents({ client }, { logGroupName })) {
      messages.push(...(page.events ?? []).flatMap(({ message }) => message ?? []));
    }
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
  }
  return messages;
}

/** What the functions logged, by log group. */
export async function functionLogs(client: CloudWatchLogsClient, deployment: string): Promise<Map<string, string[]>> {
  const groups = new Map<string, string[]>();
  const request = { logGroupNamePrefix: `/aws/lambda/${deployment}-` };
  for await (const page of paginateDescribeLogGroups({ client }, request)) {
    for (const { logGroupName } of page.logGroups ?? []) {
      if (logGroupName !== undefined) groups.set(logGroupName, await logMessages(client, logGroupName));
    }
  }
  return groups;
}

/** Every function left logs, and none holds a text of the corpus, whatever the level. */
export function verifyLogs(groups: ReadonlyMap<string, readonly string[]>, passages: Iterable<string>): Check[] {
  const checks = new Checks("logs");
  const silent = [...groups].filter(([, messages]) => messages.length === 0).map(([group]) => group);
  const events = [...groups.values()].reduce((sum, { length }) => sum + length, 0);
  checks.expect(
    "functions log",
    events > 0 && silent.length < groups.size / 2,
    `${events} events of ${groups.size - silent.length} of ${groups.size} functions`,
  );
  const corpus = new PassageText(passages);
  const leaks = [...groups].flatMap(([group, messages]) =>
    messages.flatMap((message) => {
      const leaked = corpus.quotedIn(message);
      return leaked === undefined ? [] : [`${group}: "${leaked}"`];
    }),
  );
  checks.expectNone("no text of a document in the logs", leaks, `${events} events`);
  return checks.results;
}

/** Finds a corpus's own words in other text, however that is quoted and escaped. */
export class PassageText {
  readonly #runs = new Set<string>();

  constructor(passages: Iterable<string>) {
    for (const passage of passages) for (const run of runsOfWords(passage)) this.#runs.add(run);
  }

  /** The first words in a row that a passage has too. */
  quotedIn(text: string): string | undefined {
    return runsOfWords(text).find((run) => this.#runs.has(run));
  }
}

function runsOfWords(text: string): string[] {
  const words =
    text
      .replaceAll(/\\[nrtbf"\\]|\\u[0-9a-f]{4}/g, " ")
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.slice(RUN_OF_WORDS - 1).map((_, start) => words.slice(start, start + RUN_OF_WORDS).join(" "));
}

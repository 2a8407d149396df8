import { readFile } from "node:fs/promises";
import { EvaluationReport, GateDecision } from "../../pipeline/artifacts.ts";
import { type Check, Checks } from "./check.ts";
import { ArtifactError, type RunArtifacts } from "./run-artifacts.ts";

const FOLDER = "evaluation/";

/** Tags that make a browser fetch something, or that could: elements, or attributes of any. */
const LOADING_TAG = /<(script|link|img|iframe|object|embed|base)\b|\s(src|srcset|href|data|action|poster)\s*=/i;
const LOADING_STYLE = /url\(|@import/i;

/** An evaluation as the state machine's job left it. */
export interface VerifiedEvaluation {
  readonly report: EvaluationReport;
  readonly checks: readonly Check[];
}

/**
 * Reads the evaluation's files, keeps its page, and verifies that the page stands alone and says what the report says.
 *
 * @param pageFile where the page is kept.
 * @throws ArtifactError when a file is absent or has not the contract's shape.
 */
export async function verifyEvaluation(artifacts: RunArtifacts, pageFile: string): Promise<VerifiedEvaluation> {
  const file = (name: string) => artifacts.find(FOLDER, `/output/model/${name}`);
  const report = await artifacts.json(await file("report.json"), EvaluationReport);
  const decision = await artifacts.json(await file("decision.json"), GateDecision);
  await artifacts.download(await file("report.html"), pageFile);
  return { report, checks: pageChecks(await readFile(pageFile, "utf8"), report, decision) };
}

/** The set of this name. */
export function evaluationSet(report: EvaluationReport, name: string): EvaluationReport["sets"][number] {
  const set = report.sets.find((candidate) => candidate.name === name);
  if (set === undefined) throw new ArtifactError(`report.json has no set named ${name}`);
  return set;
}

/** Checks of the page against the report it was made from. */
export function pageChecks(page: string, report: EvaluationReport, decision: GateDecision): Check[] {
  const checks = new Checks("evaluation");
  const tags = page.match(/<[^>]*>/g) ?? [];
  const styles = page.match(/<style>.*?<\/style>/gs) ?? [];
  checks.expectNone(
    "the page loads nothing",
    [...tags.filter((tag) => LOADING_TAG.test(tag)), ...styles.filter((style) => LOADING_STYLE.test(style))],
    `${(page.length / 1024).toFixed(0)} KiB`,
  );
  const expected = [
    decision.reason,
    report.base_model_id,
    ...report.sets
      .flatMap(({ rankers }) => Object.values(rankers).flatMap((metrics) => Object.values(metrics)))
      .map((value) => value.toFixed(3)),
    ...report.sets.flatMap((set) => set.styles.map(({ style }) => style)),
    ...report.sets.flatMap((set) => [...set.gained, ...set.lost].map(({ query }) => query)),
  ];
  checks.expectNone(
    "the page says what the report says",
    expected.filter((text) => !page.includes(escaped(text))),
    `${expected.length} figures and texts`,
  );
  return checks.results;
}

/** As the page's template escapes text. */
function escaped(text: string): string {
  return text
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
    .replace(/"/g, "&#34;")
    .replace(/'/g, "&#39;");
}

import { markdownTable } from "markdown-table";
import type { RoleSession } from "../../emulation/recording/role-call.ts";
import { type AccessReview, nameOf, type StatementReview } from "./access-review.ts";
import type { DeployedAccess } from "./deployed-access.ts";

export interface AccessReportInput {
  readonly review: AccessReview;
  readonly access: DeployedAccess;
  readonly sessions: readonly RoleSession[];
  /** What was not understood. */
  readonly unknown: readonly string[];
}

/** The review as a page of Markdown: what was wrong, then each role with its statements, then what each statement is missed for. */
export function renderAccessReport({ review, access, sessions, unknown }: AccessReportInput): string {
  const lines = [
    "# What the roles asked for, and what they may do",
    "",
    `${review.calls} calls (${review.distinctCalls} distinct), held against ${review.statements.length} statements of the deployed policies.`,
    "Calls are *recorded* (seen on their way, or told by an execution's history), *implied* (what AWS documents that a service does",
    "out of sight because of a recorded call) or *configured* (what an alarm or a rule is set up to do).",
    "",
    ...section(
      "Wrong decisions",
      review.wrong.map(({ call, problem }) => `${call} ${problem}`),
    ),
    ...section("Requests that were not understood", unknown),
    ...section("Permissions that no call used and nobody justified", review.unused),
    ...section("Statements that nothing misses", review.unmissed),
    ...section("Justifications of permissions that are not there", review.stale),
  ];
  lines.push(...justifiedSection(review.statements));
  const owners = [...new Set(review.statements.map(({ principal }) => principal))];
  for (const owner of owners) {
    const statements = review.statements.filter(({ principal }) => principal === owner);
    const arn = statements[0]?.owner ?? "";
    const services = new Set(sessions.filter(({ role }) => role === arn).map(({ service }) => service));
    lines.push(`## ${owner}`, "");
    if (access.principals.has(arn)) {
      lines.push(`${arn}, taken by ${services.size === 0 ? "nobody in this run" : [...services].join(", ")}`, "");
    }
    lines.push(permissionsTable(statements), "");
  }
  lines.push("## What is missed without each statement", "");
  const missed = review.statements.map((statement) => [nameOf(statement), withoutIt(statement)]);
  lines.push(markdownTable([["statement", "without it"], ...missed]));
  return `${lines.join("\n")}\n`;
}

function section(title: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : [`## ${title}`, "", ...items.map((item) => `- ${item}`), ""];
}

/** Permissions that no call used, by the reason for which they stay. */
function justifiedSection(statements: readonly StatementReview[]): string[] {
  const byReason = new Map<string, { actions: Set<string>; statements: Set<string> }>();
  for (const statement of statements) {
    for (const { action, justification } of statement.permissions) {
      if (justification === undefined) continue;
      const unused = byReason.get(justification) ?? { actions: new Set(), statements: new Set() };
      unused.actions.add(action);
      unused.statements.add(nameOf(statement));
      byReason.set(justification, unused);
    }
  }
  return section(
    "Permissions that no call used, and why they stay",
    [...byReason].map(
      ([reason, unused]) => `${[...unused.actions].join(", ")} (${[...unused.statements].join(", ")}): ${reason}`,
    ),
  );
}

function permissionsTable(statements: readonly StatementReview[]): string {
  const rows = statements.flatMap(({ sid, permissions }) =>
    permissions
      .filter(({ justification }) => justification === undefined)
      .map(({ action, calls, evidence, example }) => [
        sid,
        action,
        String(calls),
        evidence.join(", "),
        example ?? "**unused**",
      ]),
  );
  if (rows.length === 0) return "";
  const header = ["statement", "action", "calls", "known as", "for example"];
  return markdownTable([header, ...rows], { align: ["l", "l", "r", "l", "l"] });
}

function withoutIt({ withoutIt: missing, permissions }: StatementReview): string {
  if (missing !== undefined) return missing;
  return permissions[0]?.justification ?? "**nothing**";
}

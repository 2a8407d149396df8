import { describe, expect, it } from "vitest";
import { resolveParameters } from "../../../lambdas/resolve-parameters/resolve.ts";
import { checkedParameters } from "../../../modules/parameters/checks.ts";
import type { FineTuningPipelineProps } from "../../../modules/parameters/props.ts";
import { holds, type KnownValues, parametersOf } from "../../../pipeline/parameters/conditions.ts";
import { CROSS_FIELD_RULES, conditionOf, crossFieldMessage } from "../../../pipeline/parameters/cross-field-rules.ts";
import {
  EXECUTION_PARAMETER_NAMES,
  PARAMETER_NAMES,
  type ParameterName,
  parameter,
  propName,
} from "../../../pipeline/parameters/table.ts";
import { inPropNames, message } from "../../../pipeline/parameters/values.ts";
import { BASE, CASES, type Case, CROSS_FIELD_CASES, RULED } from "./cases.ts";

const IMAGES = {
  training_gpu: "",
  training_cpu: "",
  serving_gpu: "",
  serving_cpu: "",
  sparse_serving_gpu: "",
  sparse_serving_cpu: "",
};
const CODE_URIS = { mining: "", scoring: "", training: "", evaluation: "" };
const DEFAULTS = Object.fromEntries(PARAMETER_NAMES.map((name) => [name, parameter(name).default]));

function messageOf(attempt: () => unknown): string {
  try {
    attempt();
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

/** What the construct says of a case, and what an execution says whose deployment has the case's fixed values. */
function propsRefusal({ values }: Case): string {
  const props = Object.entries({ ...BASE, ...values }).map(([name, value]) => [propName(name), value]);
  return messageOf(() => checkedParameters(Object.fromEntries(props) as unknown as FineTuningPipelineProps));
}

function executionRefusal({ values }: Case): string {
  const all = Object.entries({ ...DEFAULTS, ...BASE, ...values });
  const of = (wanted: (name: ParameterName) => boolean) =>
    Object.fromEntries(all.filter(([name]) => wanted(name as ParameterName)));
  const isGiven = (name: ParameterName) => EXECUTION_PARAMETER_NAMES.includes(name);
  const defaults = of(isGiven) as Record<string, string | number | boolean>;
  const input = of((name) => isGiven(name) && parameter(name).scope === "execution");
  return messageOf(() => resolveParameters({ input, defaults, images: IMAGES, code_uris: CODE_URIS }));
}

/** The sentences that may refuse a case at the parameter that it blames. */
function sentences(name: ParameterName): string[] {
  return [message(name), ...CROSS_FIELD_RULES.filter(({ blame }) => blame === name).map(crossFieldMessage)];
}

const isAboutExecutions = (one: Case) =>
  Object.keys(one.values).every((name) => EXECUTION_PARAMETER_NAMES.includes(name as ParameterName));
const isAboutProps = (one: Case) => !("region" in one.values);
const named = (cases: readonly Case[]) => cases.map((one) => [JSON.stringify(one), one] as const);

describe("props, plan and execution refuse the same values with the same words", () => {
  it.each(named(CASES.filter(isAboutProps)))("props: %s", (_name, one) => {
    const refusal = propsRefusal(one);
    if (one.refusedAt === undefined) expect(refusal).toBe("");
    else
      expect(
        sentences(one.refusedAt)
          .map(inPropNames)
          .filter((text) => refusal.includes(text)),
      ).toHaveLength(1);
  });

  it.each(named(CASES.filter(isAboutExecutions)))("execution: %s", (_name, one) => {
    const refusal = executionRefusal(one);
    if (one.refusedAt === undefined) expect(refusal).toBe("");
    else expect(sentences(one.refusedAt).filter((text) => refusal.includes(text))).toHaveLength(1);
  });

  it("has cases for both sides of every rule between parameters", () => {
    for (const rule of CROSS_FIELD_RULES) {
      const names = parametersOf(conditionOf(rule));
      const about = CROSS_FIELD_CASES.filter(({ values }) => names.some((name) => name in values));
      const outcomes = about.map(({ values }) =>
        holds(conditionOf(rule), { ...DEFAULTS, ...BASE, ...values } as KnownValues),
      );
      expect(new Set(outcomes), crossFieldMessage(rule)).toEqual(new Set([true, false]));
    }
  });

  it("says in every message what to write instead", () => {
    for (const text of [...RULED.map(message), ...CROSS_FIELD_RULES.map(crossFieldMessage)]) {
      expect(text).toMatch(/^[a-z0-9_]+ must .+; write .+\.$/);
    }
  });

  it("names parameters as the caller wrote them", () => {
    expect(propsRefusal({ values: { model_name: "-a" } })).toMatch(/^modelName must be 1 to 40 letters/);
    expect(propsRefusal({ values: { register_connector: true, deploy_endpoint: false } })).toContain(
      "registerConnector must be false when deployEndpoint is false",
    );
  });
});

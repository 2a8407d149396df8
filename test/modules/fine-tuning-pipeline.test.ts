import { App } from "cdktf";
import { afterAll, describe, expect, it } from "vitest";
import { FineTuningPipeline, type FineTuningPipelineProps } from "../../modules/fine-tuning-pipeline.ts";
import { checkedParameters, InvalidPropsError } from "../../modules/parameters/checks.ts";
import { propName } from "../../modules/parameters/document.ts";
import { CleanIdStack } from "../../modules/terraform/clean-id-stack.ts";
import { PARAMETER_NAMES, parameter } from "../../pipeline/parameters/table.ts";
import { temporaryDirectory, writeSources } from "./stack-fixture.ts";

describe("FineTuningPipeline", () => {
  const work = temporaryDirectory();
  afterAll(() => work.remove());

  it("refuses props that break rules before it makes anything, all at once", () => {
    const stack = new CleanIdStack(new App({ outdir: work.path }), "stack");
    const props: FineTuningPipelineProps = { modelName: "-", maxSteps: 2000, queriesPerDocument: 2.5 };
    const build = () => new FineTuningPipeline(stack, "pipeline", props, writeSources(work.path));
    expect(build).toThrow(InvalidPropsError);
    expect(() => checkedParameters(props)).toThrow(
      [
        "model_name must be 1 to 40 letters, digits and hyphens, with no hyphen at either end; write for example products-retriever.",
        "queries_per_document must be a whole number from 1 to 10; write for example 5.",
        "max_steps must be a whole number from -1 to 1000; write for example 500.",
      ].join("\n"),
    );
  });

  it("takes the parameters' defaults", () => {
    const parameters: Record<string, unknown> = { ...checkedParameters({ modelName: "products" }) };
    for (const name of PARAMETER_NAMES.filter((one) => one !== "model_name")) {
      expect(parameters[propName(name)], name).toEqual(parameter(name).default);
    }
  });
});

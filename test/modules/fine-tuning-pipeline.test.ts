import { App } from "cdktf";
import { afterAll, describe, expect, it } from "vitest";
import { FineTuningPipeline, type FineTuningPipelineProps } from "../../modules/fine-tuning-pipeline.ts";
import { checkedParameters, InvalidPropsError } from "../../modules/parameters/checks.ts";
import { CleanIdStack } from "../../modules/terraform/clean-id-stack.ts";
import { PARAMETER_NAMES, parameter, propName } from "../../pipeline/parameters/table.ts";
import { temporaryDirectory, writeSources } from "./stack-fixture.ts";

const REQUIRED: FineTuningPipelineProps = {
  modelName: "products",
  s3CorpusPath: "s3://corpora/products.jsonl",
  registerConnector: false,
};

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
        "modelName must be 1 to 40 letters, digits and hyphens, with no hyphen at either end; write for example products-retriever.",
        "queriesPerDocument must be a whole number from 1 to 10; write for example 5.",
        "maxSteps must be a whole number from -1 to 1000; write for example 500.",
        "opensearchEndpoint must be given when registerConnector is true; write the domain's URL, or registerConnector = false.",
        's3CorpusPath must be given when inputType is s3; write the corpus\'s S3 URI, or inputType = "opensearch".',
      ].join("\n"),
    );
  });

  it("takes the parameters' defaults", () => {
    const parameters: Record<string, unknown> = { ...checkedParameters(REQUIRED) };
    for (const name of PARAMETER_NAMES.filter((one) => one !== "region" && !(propName(one) in REQUIRED))) {
      expect(parameters[propName(name)], name).toEqual(parameter(name).default);
    }
  });
});

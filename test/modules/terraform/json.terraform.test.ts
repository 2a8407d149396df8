import path from "node:path";
import { App, LocalBackend, TerraformOutput, TerraformStack, TerraformVariable } from "cdktf";
import { afterAll, describe, expect, it } from "vitest";
import { encodeJson } from "../../../modules/terraform/json.ts";
import { temporaryDirectory, terraform } from "../stack-fixture.ts";

describe("encodeJson", () => {
  const work = temporaryDirectory();
  afterAll(() => work.remove());

  it("is read by Terraform as the document it was, with expressions evaluated", async () => {
    const document = {
      quote: 'say "no"',
      backslash: "a\\.b\\\\c",
      path: "$.a",
      context: "$$.Execution.Name",
      template: "${not_an_expression}",
      numbers: [1, 0.000005, -1],
      nothing: null,
      yes: true,
      "key.$": "States.Format('{}', $.a)",
    };
    const app = new App({ outdir: work.path, skipValidation: true });
    const stack = new TerraformStack(app, "stack");
    new LocalBackend(stack, { path: "terraform.tfstate" });
    const variable = new TerraformVariable(stack, "name", { type: "string", default: 'va"lue' });
    const text = encodeJson({ ...document, value: variable.value, inside: `<${variable.stringValue}>` });
    new TerraformOutput(stack, "json", { value: text });
    app.synth();
    const directory = path.join(work.path, "stacks", "stack");
    await terraform(directory, ["init", "-input=false"]);
    await terraform(directory, ["apply", "-auto-approve", "-input=false"]);
    const output = JSON.parse(await terraform(directory, ["output", "-json", "json"]));
    expect(JSON.parse(output)).toEqual({ ...document, value: 'va"lue', inside: '<va"lue>' });
  });
});

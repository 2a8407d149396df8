import { TerraformLocal, Testing } from "cdktf";
import { Construct } from "constructs";
import { describe, expect, it } from "vitest";
import { AddressClashError, CleanIdStack } from "../../../modules/terraform/clean-id-stack.ts";

const app = () => Testing.stubVersion(Testing.app());

describe("CleanIdStack", () => {
  it("addresses by the constructs' ids alone", () => {
    const stack = new CleanIdStack(app(), "stack");
    const outer = new Construct(stack, "outer");
    new TerraformLocal(new Construct(outer, "Default"), "value", 1);
    expect(JSON.parse(Testing.synth(stack)).locals).toEqual({ outer_value: 1 });
  });

  it("refuses two elements of one address", () => {
    const stack = new CleanIdStack(app(), "stack");
    new TerraformLocal(new Construct(stack, "a"), "b_c", 1);
    new TerraformLocal(new Construct(stack, "a_b"), "c", 2);
    expect(() => Testing.synth(stack)).toThrow(AddressClashError);
    expect(() => Testing.synth(stack)).toThrow("stack/a_b/c");
  });
});

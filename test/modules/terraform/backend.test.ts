import { describe, expect, it } from "vitest";
import { BackendSettingsError, backendSettings, type S3BackendSettings } from "../../../modules/terraform/backend.ts";

const S3: S3BackendSettings = { bucket: "states", region: "us-east-1" };

describe("the backend's settings", () => {
  it("are none unless something is set", () => {
    expect(backendSettings(undefined, { TF_BACKEND_BUCKET: "" })).toBeUndefined();
  });

  it("come from the context, and the environment overrides them one by one", () => {
    expect(backendSettings(S3, {})).toEqual(S3);
    const environment = { TF_BACKEND_KEY: "a/b.tfstate", TF_BACKEND_REGION: "eu-west-1" };
    expect(backendSettings(S3, environment)).toEqual({ bucket: "states", region: "eu-west-1", key: "a/b.tfstate" });
    expect(backendSettings(undefined, { TF_BACKEND_BUCKET: "states", TF_BACKEND_REGION: "us-east-1" })).toEqual(S3);
  });

  it.each([{ context: { bucket: "states" } }, { context: { ...S3, dynamodb_table: "locks" } }, { context: "s3" }])(
    "are refused when they are incomplete or unknown: $context",
    ({ context }) => {
      expect(() => backendSettings(context, {})).toThrow(BackendSettingsError);
      expect(() => backendSettings(context, {})).toThrow("TF_BACKEND_BUCKET");
    },
  );
});

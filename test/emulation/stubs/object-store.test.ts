import { describe, expect, it } from "vitest";
import { joinS3Uri, ObjectStoreError, parseS3Uri, pathBelowPrefix } from "../../../emulation/stubs/object-store.ts";

describe("S3 locations", () => {
  it("are parsed and joined", () => {
    expect(parseS3Uri("s3://bucket/a/b.json")).toEqual({ bucket: "bucket", key: "a/b.json" });
    expect(parseS3Uri("s3://bucket")).toEqual({ bucket: "bucket", key: "" });
    expect(() => parseS3Uri("/bucket/a")).toThrow(ObjectStoreError);
    expect(joinS3Uri("s3://bucket/a/", "b", "c")).toBe("s3://bucket/a/b/c");
  });

  it("lay out a channel as SageMaker does", () => {
    expect(pathBelowPrefix("runs/corpus/part-0", "runs/corpus/")).toBe("part-0");
    expect(pathBelowPrefix("runs/corpus/part-0", "runs/corpus")).toBe("part-0");
    expect(pathBelowPrefix("models/model.tar.gz", "models/model.tar.gz")).toBe("model.tar.gz");
    expect(pathBelowPrefix("runs/corpus-2/part-0", "runs/corpus")).toBe("corpus-2/part-0");
    expect(pathBelowPrefix("a/b", "")).toBe("a/b");
  });
});

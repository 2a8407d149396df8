import { describe, expect, it } from "vitest";
import { handler } from "../../../lambdas/resolve-parameters/index.ts";
import { type ResolveRequest, resolveParameters } from "../../../lambdas/resolve-parameters/resolve.ts";
import { EXECUTION_PARAMETER_NAMES, parameter } from "../../../pipeline/parameters/table.ts";
import { DEFAULT_BASE_MODELS } from "../../../pipeline/parameters/training.ts";

const defaults = {
  ...Object.fromEntries(EXECUTION_PARAMETER_NAMES.map((name) => [name, parameter(name).default ?? null])),
  model_name: "products",
  s3_corpus_path: "s3://bucket/corpus.jsonl",
  register_connector: false,
  inference_instance_type: "ml.m5.xlarge",
} as ResolveRequest["defaults"];
const code_uris = {
  mining: "s3://b/code/mining.tar.gz",
  scoring: "s3://b/code/scoring.tar.gz",
  training: "s3://b/code/training.tar.gz",
  evaluation: "s3://b/code/evaluation.tar.gz",
};
const images = {
  training_gpu: "train:gpu",
  training_cpu: "train:cpu",
  serving_gpu: "serve:gpu",
  serving_cpu: "serve:cpu",
  sparse_serving_gpu: "serve-sparse:gpu",
  sparse_serving_cpu: "serve-sparse:cpu",
};

function resolve(input: unknown, deployment: ResolveRequest["defaults"] = {}) {
  return resolveParameters({ input, defaults: { ...defaults, ...deployment }, images, code_uris });
}

function violations(input: unknown, deployment?: ResolveRequest["defaults"]): string[] {
  try {
    resolve(input, deployment);
  } catch (error) {
    expect((error as Error).name).toBe("InvalidParametersError");
    return (error as Error).message.split("\n- ").slice(1);
  }
  return [];
}

describe("resolveParameters", () => {
  it("lays the input over the defaults, in the parameters' types", () => {
    const { parameters } = resolve({ deploy_endpoint: "false", max_steps: "20" });
    expect(parameters).toEqual({
      ...defaults,
      base_model_id: DEFAULT_BASE_MODELS.dense,
      deploy_endpoint: false,
      max_steps: 20,
    });
  });

  it("writes arguments that Python parses, without exponents", () => {
    const written = (value: number) => resolve({ learning_rate: value }).hyperparameters.training["learning-rate"];
    expect([5e-6, 2.5e-8, 1e-7, 0.01].map(written)).toEqual(["0.000005", "0.000000025", "0.0000001", "0.01"]);
    expect(resolve({}).hyperparameters.evaluation["force-deploy"]).toBe("false");
    expect(resolve({ max_steps: -1 }).hyperparameters.training["max-steps"]).toBe("-1");
  });

  it("takes the image that fits each job's instance type", () => {
    expect(resolve({}).images).toEqual({
      mining: "train:cpu",
      scoring: "train:gpu",
      training: "train:gpu",
      evaluation: "train:gpu",
      serving: "serve:cpu",
    });
  });

  it("lists everything that is wrong at once", () => {
    const refused = violations(
      { max_step: 5, max_steps: 1.5, learning_rate: "fast", deploy_endpoint: "yes", input_type: "file" },
      { model_name: null },
    );
    expect(new Set(refused.map((line) => line.split(/: |;/)[0]))).toEqual(
      new Set([
        "max_step is not a parameter",
        "model_name is required",
        'input_type is "file"',
        'deploy_endpoint is "yes"',
        "max_steps is 1.5",
        'learning_rate is "fast"',
      ]),
    );
    expect(refused[0]).toBe("max_step is not a parameter; did you mean max_steps?");
    expect(refused).toContain(
      "max_steps is 1.5: max_steps must be a whole number from -1 to 1000; write for example 500.",
    );
  });

  it("lets an execution add a suffix to the model's name and nothing else", () => {
    const accepted = ["products", "products-de", `products-${"x".repeat(31)}`];
    for (const name of accepted) expect(resolve({ model_name: name }).parameters.model_name).toBe(name);
    for (const name of ["product", "productsde"]) {
      expect(violations({ model_name: name })).toEqual([
        `model_name is "${name}": model_name must be products, or start with it and a hyphen, because the deployment's roles reach those names only; write for example products-v2.`,
      ]);
    }
    for (const name of ["products-", `products-${"x".repeat(32)}`]) {
      expect(violations({ model_name: name })[0]).toContain("model_name must be 1 to 40 letters");
    }
  });

  it("refuses another value than the deployment's where permissions were granted for that one", () => {
    expect(
      violations({ bedrock_model_id: "amazon.nova-pro-v1:0" }, { bedrock_model_id: "amazon.nova-lite-v1:0" }),
    ).toEqual([
      "bedrock_model_id is \"amazon.nova-pro-v1:0\": bedrock_model_id must be the deployment's, amazon.nova-lite-v1:0, because the deployment's roles may call this model only; leave it out, or deploy with another bedrock_model_id.",
    ]);
    const same = { bedrock_model_id: "amazon.nova-lite-v1:0" };
    expect(violations(same, same)).toEqual([]);
  });

  it("gives each job its program, its code and its own arguments, never an empty one", () => {
    const { mining, scoring, evaluation } = resolve({}).hyperparameters;
    expect(scoring).toEqual({
      sagemaker_program: "score.py",
      sagemaker_submit_directory: "s3://b/code/scoring.tar.gz",
      "teacher-model-id": "BAAI/bge-reranker-v2.5-gemma2-lightweight",
      "teacher-revision": "main",
      "scoring-max-negatives": "4",
      "max-seq-length": "512",
    });
    expect(mining).toMatchObject({ "num-hard-negatives": "20", "base-model-id": DEFAULT_BASE_MODELS.dense });
    expect(evaluation).not.toHaveProperty("judge-model-id");
    expect(resolve({ judge_model_id: "a/judge" }).hyperparameters.evaluation["judge-model-id"]).toBe("a/judge");
  });

  describe("of sparse encoders", () => {
    const pinned = { base_model_revision: "v1" };
    const base = (input: object, deployment: ResolveRequest["defaults"] = {}) => {
      const { parameters } = resolve(input, { ...pinned, ...deployment });
      return [parameters.base_model_id, parameters.base_model_revision];
    };

    it("takes the default of the model's type, but never for a model that was chosen", () => {
      expect(base({})).toEqual([DEFAULT_BASE_MODELS.dense, "v1"]);
      expect(base({ model_type: "sparse" })).toEqual([DEFAULT_BASE_MODELS.sparse, "main"]);
      expect(base({}, { model_type: "sparse" })).toEqual([DEFAULT_BASE_MODELS.sparse, "v1"]);
      expect(base({ model_type: "sparse" }, { base_model_id: "team/splade" })).toEqual(["team/splade", "v1"]);
      expect(base({ model_type: "sparse", base_model_id: "team/splade" })).toEqual(["team/splade", "main"]);
      expect(base({ model_type: "sparse", base_model_revision: "v2" })).toEqual([DEFAULT_BASE_MODELS.sparse, "v2"]);
      expect(base({ model_type: "dense" }, { model_type: "sparse" })).toEqual([DEFAULT_BASE_MODELS.dense, "main"]);
    });

    it("takes the image that can serve them", () => {
      expect(resolve({ model_type: "sparse" }).images.serving).toBe("serve-sparse:cpu");
      const gpu = { model_type: "sparse", inference_instance_type: "ml.g5.xlarge" };
      expect(resolve(gpu).images.serving).toBe("serve-sparse:gpu");
    });
  });

  describe("with revisions of models", () => {
    const COMMIT = "5617a9f61b028005a4858fdac845db406aefb181";
    const deployment = (trust: boolean): ResolveRequest["defaults"] => ({
      base_model_id: "team/base",
      base_model_revision: COMMIT,
      teacher_model_id: "team/teacher",
      teacher_revision: "v1",
      trust_remote_code: trust,
    });

    it("keeps the deployment's revision for the deployment's model only", () => {
      const revisions = (input: object) => {
        const { parameters } = resolve(input, deployment(false));
        return [parameters.base_model_revision, parameters.teacher_revision];
      };
      expect(revisions({})).toEqual([COMMIT, "v1"]);
      expect(revisions({ base_model_id: "team/base" })).toEqual([COMMIT, "v1"]);
      expect(revisions({ base_model_id: "team/other" })).toEqual(["main", "v1"]);
      expect(revisions({ teacher_model_id: "other", teacher_revision: "v2" })).toEqual([COMMIT, "v2"]);
    });

    it("lets no execution run a model's code that the deployment does not trust, or that can be moved", () => {
      expect(violations({ trust_remote_code: true }, deployment(false))).toEqual([
        expect.stringContaining(
          "trust_remote_code must be the deployment's, false, because it decides whose code runs",
        ),
      ]);
      expect(resolve({}, deployment(true)).parameters.trust_remote_code).toBe(true);
      for (const input of [{ base_model_id: "team/other" }, { base_model_revision: "v1" }]) {
        expect(violations(input, deployment(true))).toEqual([
          expect.stringContaining("base_model_revision must be a commit when trust_remote_code is true"),
        ]);
      }
    });
  });

  it("refuses an input that is not an object", () => {
    expect(() => resolve(["model_name"])).toThrow(/must be a JSON object/);
  });
});

describe("handler", () => {
  it("names an event it does not take", async () => {
    const context = { awsRequestId: "1", getRemainingTimeInMillis: () => 1000 };
    await expect(handler({ input: {} }, context)).rejects.toMatchObject({ name: "InvalidEventError" });
  });
});

import { describe, expect, it } from "vitest";
import { handler } from "../../../lambdas/resolve-parameters/index.ts";
import { type ResolveRequest, resolveParameters } from "../../../lambdas/resolve-parameters/resolve.ts";
import { DEFAULT_BASE_MODELS } from "../../../pipeline/parameters/table.ts";

const rules: ResolveRequest["rules"] = {
  model_name: { type: "string", pattern: "^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,39}$", message: "letters, digits and hyphens" },
  input_type: { type: "string", one_of: ["s3", "opensearch"], message: "write s3 or opensearch" },
  s3_corpus_path: { type: "string", pattern: "^(s3://.+)?$", message: "write s3://bucket/key" },
  opensearch_endpoint: { type: "string", message: "an address" },
  opensearch_index_name: { type: "string", message: "an index" },
  deploy_endpoint: { type: "bool", message: "write true or false" },
  register_connector: { type: "bool", message: "write true or false" },
  max_steps: { type: "number", integer: true, min: -1, max: 1000, message: "a whole number from -1 to 1000" },
  learning_rate: { type: "number", min: 0, message: "a positive number" },
  processing_instance_type: { type: "string", pattern: "^ml\\.", message: "a SageMaker instance type" },
  scoring_instance_type: { type: "string", pattern: "^ml\\.", message: "a SageMaker instance type" },
  training_instance_type: { type: "string", pattern: "^ml\\.", message: "a SageMaker instance type" },
  inference_instance_type: { type: "string", pattern: "^ml\\.", message: "a SageMaker instance type" },
};
const defaults: ResolveRequest["defaults"] = {
  model_name: null,
  input_type: "s3",
  s3_corpus_path: "s3://bucket/corpus.jsonl",
  opensearch_endpoint: "",
  opensearch_index_name: "",
  deploy_endpoint: true,
  register_connector: false,
  max_steps: 500,
  learning_rate: 5e-6,
  processing_instance_type: "ml.c5.4xlarge",
  scoring_instance_type: "ml.g5.2xlarge",
  training_instance_type: "ml.p4d.24xlarge",
  inference_instance_type: "ml.m5.xlarge",
};
const images = {
  training_gpu: "train:gpu",
  training_cpu: "train:cpu",
  serving_gpu: "serve:gpu",
  serving_cpu: "serve:cpu",
  sparse_serving_gpu: "serve-sparse:gpu",
  sparse_serving_cpu: "serve-sparse:cpu",
};

function resolve(input: unknown) {
  return resolveParameters({ input, defaults, rules, images });
}

function violations(input: unknown): string[] {
  try {
    resolve(input);
  } catch (error) {
    expect((error as Error).name).toBe("InvalidParametersError");
    return (error as Error).message.split("\n- ").slice(1);
  }
  return [];
}

describe("resolveParameters", () => {
  it("lays the input over the defaults, in the parameters' types", () => {
    const { parameters } = resolve({ model_name: "m", deploy_endpoint: "false", max_steps: "20" });
    expect(parameters).toEqual({ ...defaults, model_name: "m", deploy_endpoint: false, max_steps: 20 });
  });

  it("writes arguments that Python parses, without exponents", () => {
    expect(resolve({ model_name: "m" }).arguments).toMatchObject({
      learning_rate: "0.000005",
      max_steps: "500",
      deploy_endpoint: "true",
    });
    const written = (value: number) => resolve({ model_name: "m", learning_rate: value }).arguments.learning_rate;
    expect([2.5e-8, 1e-7, 0.1, 1e21, 1.5e22].map(written)).toEqual([
      "0.000000025",
      "0.0000001",
      "0.1",
      "1000000000000000000000",
      "15000000000000000000000",
    ]);
  });

  it("takes the image that fits each job's instance type", () => {
    expect(resolve({ model_name: "m" }).images).toEqual({
      processing: "train:cpu",
      scoring: "train:gpu",
      training: "train:gpu",
      evaluation: "train:gpu",
      serving: "serve:cpu",
    });
  });

  it("lists everything that is wrong at once", () => {
    expect(
      violations({ max_step: 5, max_steps: 1.5, learning_rate: "fast", deploy_endpoint: "yes", input_type: "file" }),
    ).toEqual([
      "max_step is not a parameter; did you mean max_steps?",
      "model_name is required: letters, digits and hyphens",
      'input_type is "file": write s3 or opensearch',
      'deploy_endpoint is "yes": write true or false',
      "max_steps is 1.5: a whole number from -1 to 1000",
      'learning_rate is "fast": a positive number',
    ]);
    expect(violations({ model_name: "-bad-", max_steps: 1001, learning_rate: -1 })).toEqual([
      'model_name is "-bad-": letters, digits and hyphens',
      "max_steps is 1001: a whole number from -1 to 1000",
      "learning_rate is -1: a positive number",
    ]);
  });

  it("wants what the chosen way of running needs", () => {
    expect(violations({ model_name: "m", input_type: "opensearch" })).toEqual([
      "opensearch_endpoint is required when input_type is opensearch.",
      "opensearch_index_name is required when input_type is opensearch.",
    ]);
    expect(violations({ model_name: "m", s3_corpus_path: "" })).toEqual([
      "s3_corpus_path is required when input_type is s3.",
    ]);
    expect(violations({ model_name: "m", register_connector: true, deploy_endpoint: false })).toEqual([
      "opensearch_endpoint is required when register_connector is true: the model is registered there.",
      "deploy_endpoint must be true when register_connector is true: the connector calls the endpoint.",
    ]);
  });

  it("compares numbers that depend on one another", () => {
    const number = { type: "number", message: "a number" } as const;
    const names = [
      "num_hard_negatives",
      "scoring_max_negatives",
      "num_negatives",
      "train_batch_size",
      "total_batch_size",
    ];
    const request: ResolveRequest = {
      input: { model_name: "m", scoring_max_negatives: 30, num_negatives: 31, train_batch_size: 129 },
      defaults: { ...defaults, num_hard_negatives: 20, total_batch_size: 128 },
      rules: { ...rules, ...Object.fromEntries(names.map((name) => [name, number])) },
      images,
    };
    expect(() => resolveParameters(request)).toThrow(
      [
        "- scoring_max_negatives (30) must be at most num_hard_negatives (20): there are no more negatives to score.",
        "- num_negatives (31) must be at most scoring_max_negatives (30): no more negatives have a score.",
        "- train_batch_size (129) must be at most total_batch_size (128): it is a part of it.",
      ].join("\n"),
    );
  });

  it("lets an endpoint scale from the number of instances it begins with", () => {
    const count = { type: "number", message: "a count" } as const;
    const request = (most: number): ResolveRequest => ({
      input: { model_name: "m", max_instance_count: most },
      defaults: { ...defaults, initial_instance_count: 2 },
      rules: { ...rules, initial_instance_count: count, max_instance_count: count },
      images,
    });
    expect(() => resolveParameters(request(1))).toThrow(
      "- max_instance_count (1) must be 0 or at least initial_instance_count (2): the endpoint never scales below it.",
    );
    for (const most of [0, 2, 3]) expect(resolveParameters(request(most)).parameters.max_instance_count).toBe(most);
  });

  it("refuses the teacher as judge", () => {
    const model = { type: "string", message: "a model" } as const;
    const request = (judge: string): ResolveRequest => ({
      input: { model_name: "m", judge_model_id: judge },
      defaults: { ...defaults, teacher_model_id: "some/teacher" },
      rules: { ...rules, judge_model_id: model, teacher_model_id: model },
      images,
    });
    expect(() => resolveParameters(request("some/teacher"))).toThrow(
      "- judge_model_id (some/teacher) must not be the teacher: a student resembles its teacher.",
    );
    expect(resolveParameters(request("")).arguments.judge_model_id).toBe("");
  });

  describe("of sparse encoders", () => {
    const text = { type: "string", message: "a text" } as const;
    const request = (input: object, deployment: object = {}): ResolveRequest => ({
      input: { model_name: "m", ...input },
      defaults: {
        ...defaults,
        model_type: "dense",
        base_model_id: DEFAULT_BASE_MODELS.dense,
        base_model_revision: "v1",
        ...deployment,
      },
      rules: { ...rules, model_type: text, base_model_id: text, base_model_revision: text },
      images,
    });
    const base = (input: object, deployment?: object) => {
      const { parameters } = resolveParameters(request(input, deployment));
      return [parameters.base_model_id, parameters.base_model_revision];
    };

    it("takes a sparse encoder for the dense default, but never for a model that was chosen", () => {
      expect(base({})).toEqual([DEFAULT_BASE_MODELS.dense, "v1"]);
      expect(base({ model_type: "sparse" })).toEqual([DEFAULT_BASE_MODELS.sparse, "main"]);
      expect(base({}, { model_type: "sparse" })).toEqual([DEFAULT_BASE_MODELS.sparse, "main"]);
      expect(base({ model_type: "sparse" }, { base_model_id: "team/splade" })).toEqual(["team/splade", "v1"]);
      expect(base({ model_type: "sparse", base_model_id: "team/splade" })).toEqual(["team/splade", "main"]);
      expect(base({ model_type: "sparse", base_model_revision: "v2" })).toEqual([DEFAULT_BASE_MODELS.sparse, "v2"]);
      expect(base({ model_type: "dense" }, { model_type: "sparse" })).toEqual([DEFAULT_BASE_MODELS.dense, "v1"]);
    });

    it("refuses the dense default as a sparse base when it is asked for, and says what to write", () => {
      expect(() =>
        resolveParameters(request({ model_type: "sparse", base_model_id: DEFAULT_BASE_MODELS.dense })),
      ).toThrow(`is none: leave it out, or write for example ${DEFAULT_BASE_MODELS.sparse}.`);
    });

    it("takes the image that can serve them", () => {
      expect(resolveParameters(request({ model_type: "sparse" })).images.serving).toBe("serve-sparse:cpu");
      const gpu = { model_type: "sparse", inference_instance_type: "ml.g5.xlarge" };
      expect(resolveParameters(request(gpu)).images.serving).toBe("serve-sparse:gpu");
    });
  });

  describe("with revisions of models", () => {
    const COMMIT = "5617a9f61b028005a4858fdac845db406aefb181";
    const text = { type: "string", message: "a text" } as const;
    const request = (input: object, trust: boolean): ResolveRequest => ({
      input: { model_name: "m", ...input },
      defaults: {
        ...defaults,
        base_model_id: "team/base",
        base_model_revision: COMMIT,
        teacher_model_id: "team/teacher",
        teacher_revision: "v1",
        trust_remote_code: trust,
      },
      rules: {
        ...rules,
        base_model_id: text,
        base_model_revision: text,
        teacher_model_id: text,
        teacher_revision: text,
        trust_remote_code: { type: "bool", one_of: [trust], message: "what the deployment says" },
      },
      images,
    });

    it("keeps the deployment's revision for the deployment's model only", () => {
      const revisions = (input: object) => {
        const { parameters } = resolveParameters(request(input, false));
        return [parameters.base_model_revision, parameters.teacher_revision];
      };
      expect(revisions({})).toEqual([COMMIT, "v1"]);
      expect(revisions({ base_model_id: "team/base" })).toEqual([COMMIT, "v1"]);
      expect(revisions({ base_model_id: "team/other" })).toEqual(["main", "v1"]);
      expect(revisions({ teacher_model_id: "other", teacher_revision: "v2" })).toEqual([COMMIT, "v2"]);
    });

    it("lets no execution run a model's code that the deployment does not trust, or that can be moved", () => {
      expect(() => resolveParameters(request({ trust_remote_code: true }, false))).toThrow(
        /trust_remote_code is true: what the deployment says/,
      );
      expect(resolveParameters(request({}, true)).parameters.trust_remote_code).toBe(true);
      for (const input of [{ base_model_id: "team/other" }, { base_model_revision: "v1" }]) {
        expect(() => resolveParameters(request(input, true))).toThrow(/base_model_revision must be a commit/);
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

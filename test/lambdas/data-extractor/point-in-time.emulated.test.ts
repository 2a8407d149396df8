import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { PointInTime } from "../../../lambdas/data-extractor/point-in-time.ts";
import { LAMBDA_RETRY } from "../../../modules/workflow/states.ts";
import { type AnsweringSearch, startAnsweringSearch } from "./answering-search.ts";

let search: AnsweringSearch;

beforeAll(async () => {
  search = await startAnsweringSearch();
});
afterAll(() => search.stop());
beforeEach(() => {
  search.asked.length = 0;
  search.answers = [];
});

const NO_HITS = { total: { value: 0 }, hits: [] };

describe("PointInTime", () => {
  it("is taken of every shard, or not at all", async () => {
    search.answers = [JSON.stringify({ pit_id: "p", _shards: { total: 2, successful: 2, skipped: 0, failed: 0 } })];
    const { shards } = await PointInTime.open(search.openSearch, "articles");
    expect(shards).toBe(2);
    expect(search.asked).toEqual([
      "POST /articles/_search/point_in_time?keep_alive=5m&allow_partial_pit_creation=false",
    ]);
  });

  it("is given back and refused when a shard is missing, although none failed", async () => {
    search.answers = [JSON.stringify({ pit_id: "p", _shards: { total: 2, successful: 1, skipped: 0, failed: 0 } })];
    const error = (await PointInTime.open(search.openSearch, "articles").catch((thrown: Error) => thrown)) as Error;
    expect(error.message).toContain("only 1 of 2 shards answered");
    expect(error.message).toContain("opensearch_index_name");
    expect(search.asked[1]).toBe("DELETE /_search/point_in_time");
    expect(LAMBDA_RETRY.flatMap(({ ErrorEquals }) => ErrorEquals)).toContain(error.name);
  });

  it.each([
    ["failed", { total: 3, successful: 2, skipped: 0, failed: 1 }],
    ["are missing", { total: 3, successful: 2, skipped: 0, failed: 0 }],
  ])("refuses counts, extents and pages of which shards %s", async (_, _shards) => {
    const pointInTime = PointInTime.resume(search.openSearch, "p");
    const answer = JSON.stringify({ _shards, hits: NO_HITS });
    search.answers = [answer, answer, answer];
    const page = () => pointInTime.page({}, { fields: null, size: 5, searchAfter: null });
    for (const ask of [() => pointInTime.count({}), () => pointInTime.extent({}), page]) {
      await expect(ask()).rejects.toMatchObject({ name: "OpenSearchUnavailableError" });
    }
  });

  it.each([
    ["count as successful", { total: 3, successful: 3, skipped: 2, failed: 0 }],
    ["do not count as successful", { total: 3, successful: 1, skipped: 2, failed: 0 }],
  ])("takes answers in which skipped shards %s", async (_, _shards) => {
    search.answers = [JSON.stringify({ _shards, hits: { total: { value: 7 } } })];
    expect(await PointInTime.resume(search.openSearch, "p").count({})).toBe(7);
  });

  it("says what to change when a count has no total", async () => {
    search.answers = [JSON.stringify({ _shards: { total: 1, successful: 1 }, hits: { hits: [] } })];
    await expect(PointInTime.resume(search.openSearch, "p").count({})).rejects.toMatchObject({
      name: "UnexpectedAnswerError",
      message: expect.stringContaining("Set opensearch_endpoint"),
    });
  });
});

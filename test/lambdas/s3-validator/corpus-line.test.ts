import { describe, expect, it } from "vitest";
import { BadLine, parseCorpusLine } from "../../../lambdas/s3-validator/corpus-line.ts";

describe("parseCorpusLine", () => {
  it.each([
    ["a document", '{"id":"a","text":"b"}', "a", "b"],
    ["no id", '{"text":"b"}', null, "b"],
    ["a null id", '{"id":null,"text":"b"}', null, "b"],
    ["an empty id", '{"id":"","text":"b"}', null, "b"],
    ["a null text", '{"id":"a","text":null}', "a", ""],
    ["an empty text", '{"id":"a","text":""}', "a", ""],
    ["zero-width characters alone", '{"id":"a","text":"\\u200b\\ufeff"}', "a", ""],
    ["a combining character alone", '{"id":"a","text":" \\u0301"}', "a", ""],
    ["control characters alone", '{"id":"a","text":"\\u0000\\u0007"}', "a", ""],
    ["a number", '{"id":7,"text":"b"}', "7", "b"],
    ["a number beyond 2^53", '{"id":9007199254740993,"text":"b"}', "9007199254740993", "b"],
    ["a number of 20 digits", '{"text":"b","id":12345678901234567890}', "12345678901234567890", "b"],
    ["a number with a zero at its end", '{"id":1.10,"text":"1.10"}', "1.10", "1.10"],
    ["a number that is too large for JavaScript", '{"id":1e400,"text":"b"}', "1e400", "b"],
    ["a line separator inside", '{"id":"a","text":"b\u2028c"}', "a", "b\u2028c"],
    ["fields that are not used", '{"id":"a","text":"b","title":"c","metadata":{"text":"d"}}', "a", "b"],
    ["BEIR", '{"_id":"p-17","title":"Fog lamps","text":"They may."}', "p-17", "Fog lamps\nThey may."],
    ["BEIR with a number for an id", '{"_id":17,"title":"Fog lamps","text":"They may."}', "17", "Fog lamps\nThey may."],
    ["BEIR without a title", '{"_id":"p-17","text":"They may."}', "p-17", "They may."],
    ["BEIR with an empty title", '{"_id":"p-17","title":"","text":"They may.","metadata":{}}', "p-17", "They may."],
    ["BEIR with a title alone", '{"_id":"p-19","title":"Warning triangle","text":""}', "p-19", "Warning triangle"],
    ["BEIR with a title and null", '{"_id":"p-19","title":"Warning triangle","text":null}', "p-19", "Warning triangle"],
    ["BEIR without any text", '{"_id":"p-20","title":" ","text":""}', "p-20", ""],
    ["both kinds of id", '{"_id":"x","id":"a","title":"c","text":"b"}', "a", "b"],
    ["BEIR with a null for the other kind", '{"_id":"x","id":null,"title":"c","text":"b"}', "x", "c\nb"],
    ["an object id of a database's export", '{"_id":{"$oid":"65"},"title":"c","text":"b"}', null, "b"],
  ])("takes %s", (_, line, id, text) => {
    expect(parseCorpusLine(line)).toEqual({ id, text });
  });

  it.each([
    ['{"text":"cut', /^not valid JSON/],
    ["[]", /^an array, not a JSON object$/],
    ["null", /^null, not a JSON object$/],
    ['{"id":"a"}', /^no "text" field$/],
    ['{"_id":"a","title":"b"}', /^no "text" field$/],
    ['{"text":5}', /^"text" is a number, not a string$/],
    ['{"text":9007199254740993}', /^"text" is a number, not a string$/],
    ['{"text":["a"]}', /^"text" is an array, not a string$/],
    ['{"id":true,"text":"a"}', /^"id" is a boolean, not a string or a number$/],
  ])("refuses %s", (line, reason) => {
    const bad = parseCorpusLine(line);
    expect(bad).toBeInstanceOf(BadLine);
    expect((bad as BadLine).reason).toMatch(reason);
  });
});

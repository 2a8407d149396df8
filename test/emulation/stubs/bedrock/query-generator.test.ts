import { describe, expect, it } from "vitest";
import { MessagesRequest } from "../../../../emulation/stubs/bedrock/anthropic-messages.ts";
import { DocumentFrequency } from "../../../../emulation/stubs/bedrock/document-frequency.ts";
import { complete, parsePrompt } from "../../../../emulation/stubs/bedrock/language-model.ts";
import { analysePassage, wordsOf } from "../../../../emulation/stubs/bedrock/passage.ts";
import { generateQueries } from "../../../../emulation/stubs/bedrock/query-generator.ts";
import { queryPrompt } from "../../../../lambdas/bedrock-orchestrator/prompt.ts";
import type { QueryStyle } from "../../../../pipeline/artifacts.ts";

const PASSAGE =
  "Overriding templates In your project, you might want to override a template in another Django application, whether it be a third-party application or a contrib application such as django.contrib.admin. You can put template overrides in your project's templates directory. The DIRS option lists the directories of the template engine. A custom loader must define the get_template_sources() method.";
const STYLES: QueryStyle[] = ["question", "keywords", "title", "claim", "question"];

describe("passage analysis", () => {
  it("separates the heading that stands in front of the text", () => {
    expect(analysePassage(PASSAGE).heading).toBe("Overriding templates");
    expect(analysePassage("GEOIP_PATH A string or pathlib.Path with the directory of the data files.").heading).toBe(
      "GEOIP_PATH",
    );
    expect(analysePassage("Why is Django called a framework? Because it calls your code.").heading).toBe(
      "Why is Django called a framework?",
    );
    expect(analysePassage("Middleware\n\nMiddleware is a framework of hooks.").heading).toBe("Middleware");
    expect(analysePassage("the flow past a flat plate is studied. the results are given.").heading).toBe("");
  });

  it("finds noun phrases without articles, and what is done to what", () => {
    const { nounPhrases, actions, statements } = analysePassage(PASSAGE);
    expect(nounPhrases.map(({ text }) => text)).toEqual(
      expect.arrayContaining(["templates", "project's templates directory", "DIRS option", "custom loader"]),
    );
    expect(actions).toContainEqual(expect.objectContaining({ verb: "override", object: "templates", inHeading: true }));
    expect(actions).toContainEqual(
      expect.objectContaining({ verb: "override", object: "template", article: "a", tail: "in django application" }),
    );
    expect(statements).toContainEqual(
      expect.objectContaining({
        subject: "custom loader",
        modal: "must",
        verb: "define",
        object: "get_template_sources() method",
      }),
    );
  });

  it("leaves code and markup out", () => {
    const { nounPhrases } = analysePassage(
      "Use the :class:`~django.db.models.Field` class. For example: entries = Entry.objects.filter(pub_date__year=2020)[:5] if a > b & c else {'x': 1} . The `name` argument is needed here.",
    );
    const texts = nounPhrases.map(({ text }) => text).join(" ");
    expect(texts).toContain("django.db.models.Field");
    expect(texts).not.toMatch(/[=:`[\]{}]/);
  });
});

describe("query generation", () => {
  it("writes one query for each style, in order, the same ones each time", () => {
    const queries = generateQueries(PASSAGE, STYLES);
    expect(queries.map(({ style }) => style)).toEqual(STYLES);
    expect(new Set(queries.map(({ text }) => text)).size).toBe(STYLES.length);
    expect(generateQueries(PASSAGE, STYLES)).toEqual(queries);
  });

  it("takes its words from the passage and never copies a sentence", () => {
    const sentences = PASSAGE.toLowerCase().split(/[.?] /);
    const passageWords = new Set(wordsOf(PASSAGE));
    const grammar = new Set(
      "how do does i to can what is are work used in when should use with the you a an and need using overriding putting listing defining part of must".split(
        " ",
      ),
    );
    for (const { text } of generateQueries(PASSAGE, [...STYLES, ...STYLES, ...STYLES])) {
      expect(sentences).not.toContain(text.toLowerCase().replace(/\?$/, ""));
      const words = wordsOf(text);
      expect(words.length).toBeLessThanOrEqual(14);
      const strange = words.filter((word) => !passageWords.has(word) && !grammar.has(word));
      // Only forms of the passage's verbs are new.
      expect(
        strange.filter((word) => ![...passageWords].some((known) => known.slice(0, 3) === word.slice(0, 3))),
      ).toEqual([]);
    }
  });

  it("prefers words that are rare among the passages", () => {
    const frequency = new DocumentFrequency();
    for (let index = 0; index < 200; index += 1)
      frequency.add(["template", "templates", "application", "django", `word${index}`]);
    const common = generateQueries(
      "Notes The template uses a template. The bloom filter stores hashed keys. The bloom filter has a template.",
      ["keywords"],
      frequency,
    );
    expect(common[0]?.text).toMatch(/bloom filter|hashed keys/);
  });

  it("writes nothing for a passage without language", () => {
    expect(generateQueries("{} [] ==", STYLES)).toEqual([]);
  });
});

describe("the language model's answers", () => {
  const request = (text: string, styles: readonly QueryStyle[], maxTokens = 1024) => {
    const { system, user } = queryPrompt(text, styles, ["how are sessions stored"]);
    return MessagesRequest.parse({
      anthropic_version: "bedrock-2023-05-31",
      max_tokens: maxTokens,
      system,
      messages: [{ role: "user", content: [{ type: "text", text: user }] }],
    });
  };
  const plain = { fencedShare: 0, prefacedShare: 0, brokenShare: 0 };
  const model = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
  const frequency = new DocumentFrequency();
  const answer = (habits: typeof plain) =>
    complete(request(PASSAGE, STYLES), model, habits, frequency).content[0]?.text ?? "";

  it("reads the pipeline's own prompt", () => {
    const { user } = queryPrompt(PASSAGE, STYLES, ["how are sessions stored"]);
    expect(parsePrompt(user)).toEqual({ passage: PASSAGE, styles: STYLES });
  });

  it("answers with the queries as JSON, and with the habits of models as often as it is told", () => {
    const queries = generateQueries(PASSAGE, STYLES);
    expect(JSON.parse(answer(plain))).toEqual({ queries });
    expect(answer({ ...plain, fencedShare: 1 })).toMatch(/^```json\n\{[\s\S]*\}\n```$/);
    expect(answer({ ...plain, prefacedShare: 1 })).toMatch(/^Here are .*:\n\n\{/);
    expect(() => JSON.parse(answer({ ...plain, brokenShare: 1 }))).toThrow();
  });

  it("stops at max_tokens and counts tokens", () => {
    const cut = complete(request(PASSAGE, STYLES, 10), model, plain, frequency);
    expect(cut).toMatchObject({ stop_reason: "max_tokens", usage: { output_tokens: 10 } });
    expect(cut.model).toBe("claude-haiku-4-5-20251001");
  });

  it("says what is missing in a prompt without a passage", () => {
    const messages = [{ role: "user" as const, content: "hello" }];
    const asked = MessagesRequest.parse({ anthropic_version: "bedrock-2023-05-31", max_tokens: 10, messages });
    expect(complete(asked, model, plain, frequency).content[0]?.text).toContain("I do not see a passage");
  });
});

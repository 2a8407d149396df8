import type { QueryPrompt } from "./prompt.ts";

/** A model whose request format is not known here. */
export class UnsupportedModelError extends Error {
  override readonly name = "UnsupportedModelError";
}

/** Makes the body of a request to the model. */
export type ModelInputFormat = (prompt: QueryPrompt, maxTokens: number) => Record<string, unknown>;

/** Enough variety that the queries of one passage differ, not so much that they leave it. */
const TEMPERATURE = 0.7;

/** Messages API of Anthropic's models on Bedrock. */
const anthropic: ModelInputFormat = ({ system, user }, maxTokens) => ({
  anthropic_version: "bedrock-2023-05-31",
  max_tokens: maxTokens,
  temperature: TEMPERATURE,
  system,
  messages: [{ role: "user", content: [{ type: "text", text: user }] }],
});

/** Request schema of Amazon's Nova models. */
const nova: ModelInputFormat = ({ system, user }, maxTokens) => ({
  schemaVersion: "messages-v1",
  system: [{ text: system }],
  messages: [{ role: "user", content: [{ text: user }] }],
  inferenceConfig: { maxTokens, temperature: TEMPERATURE },
});

/**
 * The request format of a Bedrock model, by its id or the id or ARN of an inference profile.
 *
 * @throws UnsupportedModelError
 */
export function modelInputFormat(modelId: string): ModelInputFormat {
  if (modelId.includes("anthropic.claude")) return anthropic;
  if (modelId.includes("amazon.nova")) return nova;
  throw new UnsupportedModelError(
    `bedrock_model_id "${modelId}" is not supported. Use an Anthropic Claude or Amazon Nova model, or an inference profile of one whose id names the model, e.g. us.anthropic.claude-haiku-4-5-20251001-v1:0 or us.amazon.nova-lite-v1:0.`,
  );
}

/** Output tokens for an answer of so many queries: some 60 each with the JSON around it, and room for a preamble. */
export function maxOutputTokens(queries: number): number {
  return 400 + 120 * queries;
}

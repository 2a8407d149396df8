import { QueryStyle } from "../../../pipeline/artifacts.ts";
import { type MessagesRequest, type MessagesResponse, messagesResponse, userText } from "./anthropic-messages.ts";
import type { DocumentFrequency } from "./document-frequency.ts";
import { generateQueries } from "./query-generator.ts";
import { fractionOf } from "./seeded-random.ts";

/** How often the model does not answer with the JSON alone; each share is in 0..1 and chosen by the prompt's text. */
export interface AnswerHabits {
  /** The JSON stands in a fenced code block. */
  readonly fencedShare: number;
  /** A sentence stands before the JSON. */
  readonly prefacedShare: number;
  /** The JSON breaks off. */
  readonly brokenShare: number;
}

const PASSAGE = /<passage>\s*(?<passage>[\s\S]*?)\s*<\/passage>/;
const STYLES = /<styles>(?<styles>[\s\S]*?)<\/styles>/;
const STYLE_LINE = /^\s*\d+[.)]\s*(?<style>[a-z]+)/gim;

/** What the prompt asks for: the passage between `<passage>` tags, the styles in a numbered list between `<styles>` tags. */
export function parsePrompt(prompt: string): { passage: string; styles: QueryStyle[] } | undefined {
  const passage = PASSAGE.exec(prompt)?.groups?.passage;
  const listed = STYLES.exec(prompt)?.groups?.styles;
  if (passage === undefined || listed === undefined) return undefined;
  const styles = [...listed.matchAll(STYLE_LINE)].map(
    ({ groups }) => QueryStyle.safeParse(groups?.style?.toLowerCase()).data,
  );
  return { passage, styles: styles.filter((style) => style !== undefined) };
}

/**
 * Stands in for the language model: writes the queries that the prompt asks for and answers the way such models do. The
 * same prompt has the same answer, whichever way and with whatever other prompts it comes.
 */
export function complete(
  request: MessagesRequest,
  modelId: string,
  habits: AnswerHabits,
  frequency: DocumentFrequency,
): MessagesResponse {
  const prompt = userText(request);
  const asked = parsePrompt(prompt);
  if (asked === undefined) {
    const text = "I do not see a passage and a list of styles. Please put them between <passage> and <styles> tags.";
    return messagesResponse(request, modelId, text);
  }
  const json = JSON.stringify({ queries: generateQueries(asked.passage, asked.styles, frequency) }, undefined, 2);
  return messagesResponse(request, modelId, habitual(json, habits, fractionOf(`habits:${prompt}`)));
}

function habitual(json: string, { fencedShare, prefacedShare, brokenShare }: AnswerHabits, fraction: number): string {
  if (fraction < brokenShare) return json.slice(0, Math.floor(json.length * 0.7));
  if (fraction < brokenShare + fencedShare) return `\`\`\`json\n${json}\n\`\`\``;
  if (fraction < brokenShare + fencedShare + prefacedShare) {
    return `Here are the search queries for the passage:\n\n${json}`;
  }
  return json;
}

import { createHash } from "node:crypto";
import { z } from "zod";

const Content = z.union([
  z.string().min(1),
  z.array(z.discriminatedUnion("type", [z.object({ type: z.literal("text"), text: z.string().min(1) })])).min(1),
]);

/** A request in Anthropic's messages format, as Bedrock's InvokeModel takes it. */
export const MessagesRequest = z.looseObject({
  anthropic_version: z.literal("bedrock-2023-05-31"),
  max_tokens: z.number().int().min(1),
  system: Content.optional(),
  messages: z.array(z.object({ role: z.enum(["user", "assistant"]), content: Content })).min(1),
  temperature: z.number().min(0).max(1).optional(),
  top_p: z.number().min(0).max(1).optional(),
  top_k: z.number().int().min(0).optional(),
  stop_sequences: z.array(z.string()).optional(),
});
export type MessagesRequest = z.infer<typeof MessagesRequest>;

export interface MessagesResponse {
  readonly model: string;
  readonly id: string;
  readonly type: "message";
  readonly role: "assistant";
  readonly content: readonly { readonly type: "text"; readonly text: string }[];
  readonly stop_reason: "end_turn" | "max_tokens";
  readonly stop_sequence: null;
  readonly usage: { readonly input_tokens: number; readonly output_tokens: number };
}

/** About what English text comes to. */
const CHARACTERS_PER_TOKEN = 4;

function tokens(text: string): number {
  return Math.max(1, Math.ceil(text.length / CHARACTERS_PER_TOKEN));
}

function textOf(content: z.infer<typeof Content>): string {
  return typeof content === "string" ? content : content.map(({ text }) => text).join("\n");
}

/** What the user asked for last. */
export function userText({ messages }: MessagesRequest): string {
  const asked = messages.filter(({ role }) => role === "user").at(-1);
  return asked === undefined ? "" : textOf(asked.content);
}

/** Wraps the model's text; text beyond `max_tokens` is cut off, as a model would stop there. */
export function messagesResponse(request: MessagesRequest, modelId: string, text: string): MessagesResponse {
  const limit = request.max_tokens * CHARACTERS_PER_TOKEN;
  const cut = text.length > limit;
  const answer = cut ? text.slice(0, limit) : text;
  const asked = [request.system ?? "", ...request.messages.map(({ content }) => content)].map(textOf).join("\n");
  return {
    model: modelId.replace(/^.*?(?:anthropic\.)/, "").replace(/-v\d+:\d+$/, ""),
    id: `msg_bdrk_${createHash("sha256").update(`${asked}${text}`).digest("hex").slice(0, 24)}`,
    type: "message",
    role: "assistant",
    content: [{ type: "text", text: answer }],
    stop_reason: cut ? "max_tokens" : "end_turn",
    stop_sequence: null,
    usage: { input_tokens: tokens(asked), output_tokens: tokens(answer) },
  };
}

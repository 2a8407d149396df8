import type { QueryStyle } from "../../../lambdas/shared/contract.ts";
import { DocumentFrequency } from "./document-frequency.ts";
import {
  type Action,
  analysePassage,
  gerundOf,
  type NounPhrase,
  type PassageAnalysis,
  thirdPersonOf,
} from "./passage.ts";
import { seededRandom } from "./seeded-random.ts";

export interface GeneratedQuery {
  readonly style: QueryStyle;
  readonly text: string;
}

const MAX_WORDS = 14;
/** Phrases from which the parts of a query are drawn; the best are drawn more often. */
const PHRASE_POOL = 8;
const ACTION_POOL = 6;

interface Candidate {
  readonly text: string;
  readonly score: number;
}

type Random = () => number;

/** The material of one passage, ranked, with the choices that a seed makes. */
class QueryMaterial {
  readonly analysis: PassageAnalysis;
  readonly phrases: readonly NounPhrase[];
  readonly actions: readonly Action[];
  /** The phrase that says best what the passage is about. */
  readonly topic: string;
  readonly random: Random;
  readonly #frequency: DocumentFrequency;

  constructor(analysis: PassageAnalysis, frequency: DocumentFrequency, random: Random) {
    this.analysis = analysis;
    this.random = random;
    this.#frequency = frequency;
    this.phrases = [...analysis.nounPhrases]
      .sort((a, b) => this.phraseScore(b) - this.phraseScore(a))
      .slice(0, PHRASE_POOL);
    this.actions = distinct(analysis.actions, ({ verb, object }) => `${verb} ${object}`)
      .sort((a, b) => this.actionScore(b) - this.actionScore(a))
      .slice(0, ACTION_POOL);
    this.topic = (this.phrases.find(({ inHeading }) => inHeading) ?? this.phrases[0])?.text ?? "";
  }

  weight(text: string): number {
    const words = text.split(" ");
    return words.reduce((sum, word) => sum + this.#frequency.inverse(word), 0) / Math.sqrt(words.length);
  }

  phraseScore({ text, count, inHeading }: NounPhrase): number {
    return (1 + Math.log(count)) * this.weight(text) * (inHeading ? 1.3 : 1);
  }

  actionScore({ verb, object, tail }: Action): number {
    return this.weight(`${verb} ${object}`) + (tail === "" ? 0 : 0.3 * this.weight(tail));
  }

  /** One of the items, the earlier the likelier. */
  pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.random() ** 1.6 * items.length)];
  }

  /** A phrase that shares no word with the text so far. */
  otherPhrase(than: string): string | undefined {
    const taken = new Set(than.toLowerCase().split(" "));
    return this.pick(this.phrases.filter(({ words }) => words.every((word) => !taken.has(word.toLowerCase()))))?.text;
  }
}

function distinct<T>(items: readonly T[], key: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [key(item), item])).values()];
}

function withTail({ tail }: Action, random: Random): string {
  return tail !== "" && random() < 0.5 ? ` ${tail}` : "";
}

function isIdentifier(text: string): boolean {
  return /[_.()]|[a-z][A-Z]|^\p{Lu}{2}/u.test(text);
}

function questions(material: QueryMaterial): string[] {
  const { random, actions, phrases, topic, analysis } = material;
  const asked: string[] = [];
  const action = material.pick(actions);
  if (action !== undefined) {
    const what = `${action.verb} ${action.object}`;
    const context = withTail(action, random) || (random() < 0.35 && !what.includes(topic) ? ` for ${topic}` : "");
    asked.push(`how do I ${what}${context}?`, `how to ${what}${context}`, `how can I ${what}${context}?`);
    if (action.modal === "can" || action.modal === "may")
      asked.push(`is it possible to ${what}${context}?`, `can I ${what}${context}?`);
    if (action.modal === "must" || action.modal === "should")
      asked.push(`when should I ${what}?`, `do I have to ${what}?`);
    asked.push(`what happens when I ${what}?`);
  }
  const phrase = material.pick(phrases)?.text;
  if (phrase !== undefined) {
    const other = material.otherPhrase(phrase);
    asked.push(isIdentifier(phrase) ? `what does ${phrase} do?` : `what is ${phrase}?`);
    if (other !== undefined) {
      asked.push(
        `how does ${phrase} work with ${other}?`,
        `how do ${phrase} and ${other} relate?`,
        `what does ${phrase} mean for ${other}?`,
      );
      if (/\b(?:instead of|rather than|unlike|whereas|compared)\b/.test([...analysis.sentences].join(" "))) {
        asked.push(`what is the difference between ${phrase} and ${other}?`);
      }
    }
  }
  const error = phrases.find(({ text }) => /(?:Error|Exception|Warning|Configured|DoesNotExist)\b/.test(text));
  if (error !== undefined) {
    asked.push(
      action === undefined
        ? `why do I get ${error.text}?`
        : `why do I get ${error.text} when ${gerundOf(action.verb)} ${action.object}?`,
    );
  }
  return asked;
}

function titles(material: QueryMaterial): string[] {
  const { random, actions, topic } = material;
  const named: string[] = [];
  const action = material.pick(actions);
  if (action !== undefined) {
    const what = `${action.object}${withTail(action, random)}`;
    named.push(`${gerundOf(action.verb)} ${what}`, `how to ${action.verb} ${what}`);
  }
  const phrase = material.pick(material.phrases)?.text;
  if (phrase !== undefined) {
    const other = material.otherPhrase(phrase);
    if (phrase.includes(" ")) named.push(phrase, `the ${phrase}`);
    if (other !== undefined)
      named.push(
        `${phrase} and ${other}`,
        `${phrase} for ${other}`,
        `${other} in ${phrase}`,
        `using ${phrase} with ${other}`,
      );
    if (topic !== "" && !phrase.includes(topic) && !topic.includes(phrase))
      named.push(`${topic}: ${phrase}`, `${phrase} in ${topic}`);
    if (isIdentifier(phrase)) named.push(`the ${phrase} reference`);
  }
  return named;
}

function keywords(material: QueryMaterial): string[] {
  const { actions, phrases, random } = material;
  const terms: string[] = [];
  const first = material.pick(phrases)?.text;
  if (first !== undefined) {
    const second = material.otherPhrase(first);
    terms.push(first);
    if (second !== undefined) {
      terms.push(second);
      const third = random() < 0.5 ? material.otherPhrase(`${first} ${second}`) : undefined;
      if (third !== undefined) terms.push(third);
    }
  }
  const action = material.pick(actions);
  const searched = [terms.join(" ")];
  if (action !== undefined) {
    searched.push(
      `${action.verb} ${action.object}${terms[0] === undefined || action.object.includes(terms[0]) ? "" : ` ${terms[0]}`}`,
    );
  }
  return searched.map((text) => [...new Set(text.split(" "))].join(" "));
}

function claims(material: QueryMaterial): string[] {
  const { random, analysis, actions, phrases } = material;
  const claimed: string[] = [];
  const statement = material.pick(
    [...analysis.statements].sort((a, b) => material.actionScore(b) - material.actionScore(a)).slice(0, ACTION_POOL),
  );
  if (statement !== undefined) {
    const { subject, subjectPlural, verb, object, modal } = statement;
    const predicate = modal !== "" ? `${modal} ${verb}` : subjectPlural ? verb : thirdPersonOf(verb);
    claimed.push(`${subject} ${predicate} ${object}${withTail(statement, random)}`);
  }
  const action = material.pick(actions);
  const phrase = action === undefined ? undefined : material.otherPhrase(`${action.verb} ${action.object}`);
  if (action !== undefined && phrase !== undefined) {
    const what = `${action.verb} ${action.object}`;
    claimed.push(
      `${phrase} can be used to ${what}`,
      `you ${action.modal || "can"} ${what} with ${phrase}`,
      `${gerundOf(action.verb)} ${action.object} requires ${phrase}`,
    );
  }
  const first = material.pick(phrases)?.text;
  const second = first === undefined ? undefined : material.otherPhrase(first);
  if (first !== undefined && second !== undefined) claimed.push(`${first} depends on ${second}`);
  return claimed;
}

const WRITERS: Readonly<Record<QueryStyle, (material: QueryMaterial) => string[]>> = {
  question: questions,
  title: titles,
  keywords,
  claim: claims,
};

/** Attempts at a query that differs from the others of its passage before one is left out. */
const ATTEMPTS = 12;

/**
 * Writes search queries for a passage as people and language models do: from its noun phrases and actions, rare words
 * preferred, never a sentence of the passage. The same passage, styles and frequencies give the same queries.
 *
 * @param styles the styles asked for, one query each
 * @param frequency how common words are among the passages of the job
 * @returns the queries in the order of `styles`; fewer when the passage does not hold enough material
 */
export function generateQueries(
  passage: string,
  styles: readonly QueryStyle[],
  frequency: DocumentFrequency = new DocumentFrequency(),
): GeneratedQuery[] {
  const analysis = analysePassage(passage);
  const material = new QueryMaterial(analysis, frequency, seededRandom(passage));
  const queries: GeneratedQuery[] = [];
  const written = new Set<string>();
  for (const style of styles) {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const candidates: Candidate[] = WRITERS[style](material)
        .filter((text) => acceptable(text, analysis, written))
        .map((text) => ({ text, score: material.random() }));
      const best = candidates.sort((a, b) => b.score - a.score)[0];
      if (best === undefined) continue;
      written.add(comparable(best.text));
      queries.push({ style, text: best.text });
      break;
    }
  }
  return queries;
}

function comparable(text: string): string {
  return text.toLowerCase().replace(/[?.]+$/, "");
}

function acceptable(text: string, { sentences }: PassageAnalysis, written: ReadonlySet<string>): boolean {
  const words = text.split(/\s+/);
  const compared = comparable(text);
  return words.length >= 2 && words.length <= MAX_WORDS && !written.has(compared) && !sentences.has(compared);
}

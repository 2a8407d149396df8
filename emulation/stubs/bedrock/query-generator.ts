import type { QueryStyle } from "../../../pipeline/artifacts.ts";
import { DocumentFrequency } from "./document-frequency.ts";
import {
  type Action,
  analysePassage,
  gerundOf,
  type NounPhrase,
  type PassageAnalysis,
  type Statement,
  thirdPersonOf,
  wordsOf,
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
  /** How often it is chosen, relative to the others. */
  readonly weight: number;
}

const HEADING_BONUS = 1.4;
const PASSING_MALUS = 0.5;
const PICK_BIAS = 1.6;
/** How strongly queries that say more are preferred; 0 would be not at all. */
const SPECIFICITY = 2;

type Random = () => number;

/** Whether two phrases share a word. */
function overlaps(a: string, b: string): boolean {
  const words = new Set(a.toLowerCase().split(" "));
  return (
    b === "" ||
    b
      .toLowerCase()
      .split(" ")
      .some((word) => words.has(word))
  );
}

/** The material of one passage, ranked, with the choices that a seed makes. */
class QueryMaterial {
  readonly analysis: PassageAnalysis;
  /** The best first. */
  readonly phrases: readonly NounPhrase[];
  /** The phrase that says best what the passage is about; "" when there is none. */
  readonly topic: string;
  readonly random: Random;
  readonly #frequency: DocumentFrequency;
  readonly #actions: readonly Action[];
  readonly #statements: readonly Statement[];
  readonly #linked: readonly string[];
  /** Words of the passage's phrases and actions. */
  readonly #content: ReadonlySet<string>;

  constructor(analysis: PassageAnalysis, frequency: DocumentFrequency, random: Random) {
    this.analysis = analysis;
    this.random = random;
    this.#frequency = frequency;
    this.phrases = best(analysis.nounPhrases, PHRASE_POOL, (phrase) => this.#phraseScore(phrase));
    this.#content = new Set(
      [...analysis.nounPhrases.map(({ text }) => text), ...analysis.actions.map(({ verb }) => verb)].flatMap(wordsOf),
    );
    this.topic = (this.phrases.find(({ inHeading }) => inHeading) ?? this.phrases[0])?.text ?? "";
    const actions = distinct(analysis.actions, ({ verb, object }) => `${verb} ${object}`);
    this.#actions = best(actions, ACTION_POOL, (action) => this.#actionScore(action));
    this.#statements = best(
      analysis.statements,
      ACTION_POOL,
      (statement) => this.#actionScore(statement) + this.#weight(statement.subject),
    );
    const linked = distinct(analysis.linkedPhrases, ({ text }) => text);
    this.#linked = best(
      linked,
      ACTION_POOL,
      ({ text, inHeading }) => this.#weight(text) * (inHeading ? HEADING_BONUS : 1),
    ).map(({ text }) => text);
  }

  phrase(): string | undefined {
    return this.#pick(this.phrases)?.text;
  }

  action(): Action | undefined {
    return this.#pick(this.#actions);
  }

  statement(): Statement | undefined {
    return this.#pick(this.#statements);
  }

  linkedPhrase(): string | undefined {
    return this.#pick(this.#linked);
  }

  /** A phrase that shares no word with the text. */
  otherPhrase(than: string): string | undefined {
    return this.#pick(this.phrases.filter(({ text }) => !overlaps(than, text)))?.text;
  }

  /** The candidates with less weight for those that say less than the best of them about what is looked for. */
  bySpecificity(candidates: readonly Candidate[]): Candidate[] {
    const information = candidates.map(({ text }) => this.#information(text));
    const most = Math.max(...information, Number.EPSILON);
    return candidates.map(({ text, weight }, index) => ({
      text,
      weight: weight * ((information[index] ?? 0) / most) ** SPECIFICITY,
    }));
  }

  /** How much the passage's own words in a query tell, each once. */
  #information(text: string): number {
    const words = new Set(wordsOf(text).filter((word) => this.#content.has(word)));
    return [...words].reduce((sum, word) => sum + this.#frequency.inverse(word), 0);
  }

  #weight(text: string): number {
    const words = text.split(" ");
    return words.reduce((sum, word) => sum + this.#frequency.inverse(word), 0) / Math.sqrt(words.length);
  }

  #phraseScore({ text, words, count, inHeading }: NounPhrase): number {
    // A single word that is used once is seldom what a passage is about, rare as it may be.
    const passing = words.length === 1 && count === 1 && !inHeading && !isIdentifier(text);
    return (1 + Math.log(count)) * this.#weight(text) * (inHeading ? HEADING_BONUS : 1) * (passing ? PASSING_MALUS : 1);
  }

  #actionScore({ verb, object, tail, inHeading }: Action): number {
    return (this.#weight(`${verb} ${object}`) + 0.3 * this.#weight(tail)) * (inHeading ? HEADING_BONUS : 1);
  }

  /** One of the items, the earlier the likelier. */
  #pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.random() ** PICK_BIAS * items.length)];
  }
}

function best<T>(items: readonly T[], count: number, score: (item: T) => number): T[] {
  return [...items].sort((a, b) => score(b) - score(a)).slice(0, count);
}

/** One of the candidates by their weights. */
function choose(candidates: readonly Candidate[], random: Random): Candidate | undefined {
  let rest = random() * candidates.reduce((sum, { weight }) => sum + weight, 0);
  return candidates.find(({ weight }) => {
    rest -= weight;
    return rest < 0;
  });
}

function distinct<T>(items: readonly T[], key: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [key(item), item])).values()];
}

/** The object as people put it into a search box: the article is left out as often as not. */
function objectOf({ object, article }: Action, random: Random): string {
  return article !== "" && random() < 0.5 ? `${article} ${object}` : object;
}

function withTail({ tail }: Action, random: Random): string {
  return tail !== "" && random() < 0.5 ? ` ${tail}` : "";
}

/** Names of code: `ModelAdmin.list_display`, `ALLOWED_HOSTS`, `save()`. */
function isIdentifier(text: string): boolean {
  return !text.includes(" ") && /[_.()]|[a-z][A-Z]|^\p{Lu}{2}/u.test(text);
}

function beOf(phrase: string): string {
  return /[^s]s$/.test(phrase) && !isIdentifier(phrase) ? "are" : "is";
}

function questions(material: QueryMaterial): Candidate[] {
  const { random, phrases, topic, analysis } = material;
  const asked: Candidate[] = [];
  const action = material.action();
  if (action !== undefined) {
    const what = `${action.verb} ${objectOf(action, random)}`;
    const context = withTail(action, random) || (random() < 0.7 && !overlaps(what, topic) ? ` in ${topic}` : "");
    asked.push(
      { text: `how do I ${what}${context}?`, weight: 4 },
      { text: `how to ${what}${context}`, weight: 4 },
      { text: `how can I ${what}${context}?`, weight: 3 },
      { text: `can I ${what}${context}?`, weight: action.modal === "can" || action.modal === "may" ? 2 : 0.5 },
      { text: `do I need to ${what}?`, weight: action.modal === "must" || action.modal === "should" ? 3 : 0.3 },
    );
  }
  const phrase = material.phrase();
  if (phrase !== undefined) {
    asked.push(
      isIdentifier(phrase)
        ? { text: `what does ${phrase} do?`, weight: 3 }
        : { text: `what ${beOf(phrase)} ${phrase}?`, weight: phrase.includes(" ") ? 1.5 : 0.5 },
      { text: `how does ${phrase} work?`, weight: beOf(phrase) === "is" ? 1 : 0 },
      { text: `how do ${phrase} work?`, weight: beOf(phrase) === "are" ? 1 : 0 },
    );
    if (!overlaps(phrase, topic)) {
      asked.push(
        { text: `how ${beOf(phrase)} ${phrase} used in ${topic}?`, weight: 1.5 },
        { text: `when should I use ${phrase} with ${topic}?`, weight: 1 },
      );
    }
    const other = material.otherPhrase(phrase);
    if (
      other !== undefined &&
      /\b(?:instead of|rather than|unlike|whereas|compared|difference)\b/.test([...analysis.sentences].join(" "))
    ) {
      asked.push({ text: `what is the difference between ${phrase} and ${other}?`, weight: 2 });
    }
  }
  const error = phrases.find(({ text }) => /(?:Error|Exception|Warning|Configured|DoesNotExist)$/.test(text));
  if (error !== undefined) {
    const cause = action === undefined ? "" : ` when ${gerundOf(action.verb)} ${action.object}`;
    asked.push({ text: `why do I get ${error.text}${cause}?`, weight: 3 });
  }
  return asked;
}

function titles(material: QueryMaterial): Candidate[] {
  const { random, topic, analysis } = material;
  const named: Candidate[] = [];
  // What one would head the passage with is, more often than not, close to how its author did.
  const heading = analysis.heading.replace(/^(?:the|an?)\s+/i, "").replace(/[.:]$/, "");
  if (heading !== "") {
    const phrase = material.otherPhrase(heading);
    named.push({ text: heading, weight: 3 });
    if (phrase !== undefined) named.push({ text: `${heading} ${phrase}`, weight: 2 });
  }
  const action = material.action();
  if (action !== undefined) {
    const what = `${action.object}${withTail(action, random)}`;
    named.push(
      { text: `${gerundOf(action.verb)} ${what}`, weight: 4 },
      { text: `how to ${action.verb} ${what}`, weight: 2 },
    );
  }
  const linked = material.linkedPhrase();
  if (linked !== undefined) named.push({ text: linked, weight: 3 });
  const phrase = material.phrase();
  if (phrase !== undefined) {
    named.push({ text: phrase, weight: 3 }, { text: `the ${phrase}`, weight: 1 });
    const other = material.otherPhrase(phrase);
    if (other !== undefined) named.push({ text: `${phrase} and ${other}`, weight: 2 });
    if (!overlaps(phrase, topic))
      named.push({ text: `${phrase} in ${topic}`, weight: 1.5 }, { text: `${topic} ${phrase}`, weight: 1 });
    if (isIdentifier(phrase)) named.push({ text: `using ${phrase}`, weight: 2 });
  }
  return named;
}

function keywords(material: QueryMaterial): Candidate[] {
  const { random, topic } = material;
  const first = random() < 0.4 && topic !== "" ? topic : material.phrase();
  const action = material.action();
  const terms = first === undefined ? [] : [first];
  const second = first === undefined ? undefined : material.otherPhrase(first);
  if (second !== undefined) terms.push(second);
  if (terms.join(" ").split(" ").length < 4 && second !== undefined) {
    const third = material.otherPhrase(terms.join(" "));
    if (third !== undefined && random() < 0.6) terms.push(third);
  }
  const searched: Candidate[] = [{ text: terms.join(" "), weight: 3 }];
  if (action !== undefined) {
    const context = first === undefined || overlaps(action.object, first) ? "" : ` ${first}`;
    searched.push({ text: `${action.verb} ${action.object}${context}`, weight: 2 });
  }
  return searched.map(({ text, weight }) => ({ text: [...new Set(text.split(" "))].join(" "), weight }));
}

function claims(material: QueryMaterial): Candidate[] {
  const { random, topic } = material;
  const claimed: Candidate[] = [];
  const statement = material.statement();
  if (statement !== undefined) {
    const { subject, subjectPlural, verb, modal } = statement;
    const predicate =
      modal !== "" ? `${modal} ${verb}` : subjectPlural ? (verb === "be" ? "are" : verb) : thirdPersonOf(verb);
    claimed.push({
      text: `${subject} ${predicate} ${objectOf(statement, random)}${withTail(statement, random)}`,
      weight: 6,
    });
  }
  const action = material.action();
  if (action !== undefined) {
    const what = `${action.verb} ${objectOf(action, random)}${withTail(action, random)}`;
    const modal = ["can", "must", "should", "may"].includes(action.modal) ? action.modal : "can";
    claimed.push({ text: `you ${modal} ${what}`, weight: 2 });
    if (!overlaps(what, topic)) claimed.push({ text: `you ${modal} ${what} with ${topic}`, weight: 1 });
  }
  const phrase = material.phrase();
  if (claimed.length === 0 && phrase !== undefined && !overlaps(phrase, topic)) {
    claimed.push({ text: `${phrase} ${beOf(phrase)} part of ${topic}`, weight: 1 });
  }
  return claimed;
}

const WRITERS: Readonly<Record<QueryStyle, (material: QueryMaterial) => Candidate[]>> = {
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
 * @param frequency how common words are among the passages of the corpus
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
      const candidates = WRITERS[style](material).filter(({ text }) => acceptable(text, analysis, written));
      const chosen = choose(material.bySpecificity(candidates), material.random);
      if (chosen === undefined) continue;
      written.add(comparable(chosen.text));
      queries.push({ style, text: chosen.text });
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

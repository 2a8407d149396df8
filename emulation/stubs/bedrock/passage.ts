import nlp from "compromise";
import { z } from "zod";

/** A noun phrase without its determiner: "admin templates", "`ALLOWED_HOSTS` setting". */
export interface NounPhrase {
  readonly text: string;
  readonly words: readonly string[];
  readonly count: number;
  /** Whether it stands in the passage's heading. */
  readonly inHeading: boolean;
}

/** Two noun phrases that stand together in the text: "list of installed apps". */
export interface LinkedPhrase {
  readonly text: string;
  readonly inHeading: boolean;
}

/** Something that is done to something: "override" + "admin templates" + "in the templates directory". */
export interface Action {
  /** Infinitive. */
  readonly verb: string;
  readonly object: string;
  /** "a", "an" or "the" where the text has one before the object, or "". */
  readonly article: string;
  /** Prepositional phrase after the object, or "". */
  readonly tail: string;
  /** The modal before the verb ("can", "must"), or "". */
  readonly modal: string;
  readonly inHeading: boolean;
}

/** Who or what does something: a subject with an action in the third person. */
export interface Statement extends Action {
  readonly subject: string;
  readonly subjectPlural: boolean;
}

/** What a reader takes from a passage, as material for queries. */
export interface PassageAnalysis {
  /** The words that head the passage, or "" when none were recognised. */
  readonly heading: string;
  readonly nounPhrases: readonly NounPhrase[];
  readonly linkedPhrases: readonly LinkedPhrase[];
  readonly actions: readonly Action[];
  readonly statements: readonly Statement[];
  /** The passage's sentences, lower case, without closing punctuation. */
  readonly sentences: ReadonlySet<string>;
}

const MAX_SENTENCES = 40;
const MAX_HEADING_WORDS = 10;
const MAX_PHRASE_WORDS = 4;
/** More of a sentence's characters than this being code means that it is code. */
const MAX_SYMBOL_SHARE = 0.06;

/** Words that open a sentence; one of them in upper case inside the first words of a text ends its heading. */
const SENTENCE_OPENERS = new Set(
  "a an the this these those that it its if when while where once you your we our they there here in on at by for from with as to since some each every most many all both use using like unlike because after before during although though however what which who how why note see let let's one two no not any although given besides returns creates sets default type example first once sometimes available deprecated optional required defaults specifies".split(
    " ",
  ),
);
const EMPTY_NOUNS = new Set(
  "thing things way ways example examples case cases time times lot section page following information detail details note fact reason people something anything everything nothing someone anyone kind sort type types number part parts place point bit use need order addition result results paper author authors study studies one ones others rest end above below case first second version versions chapter topic instance e.g i.e etc mind turn manner latter former possibility advantage couple discretion effect behaviour behavior custom sense purpose question answer idea issue problem problems amount level set group line lines word words phrase rest half reader order respect contrast instances situation situations circumstances care hand moment day days help variant usage place start end today lot lots bit everyone anybody nobody none default course practice regard benefit concern instead others whatever".split(
    " ",
  ),
);
const EMPTY_ADJECTIVES = new Set(
  "same different other such following own new many several certain various more most much few first second third last next previous above main whole entire particular possible available general usual common good better best simple easy sure likely able only single current existing given necessary important useful similar specific additional further full all any both each every built either neither no some enough else extra least less overall various couple respective appropriate relevant actual real whatever".split(
    " ",
  ),
);
const EMPTY_VERBS = new Set(
  "be have do see note say mean seem let make look go come take give happen exist need want know think get keep try appear become remain show tell suppose assume consider like wish start begin include contain follow depend follows read work works matter".split(
    " ",
  ),
);
const TAIL_PREPOSITIONS = new Set(["in", "with", "for", "from", "to", "on", "of", "into", "without", "using"]);

const Term = z.object({ text: z.string(), pre: z.string(), post: z.string(), tags: z.array(z.string()) });
const Sentences = z.array(z.object({ terms: z.array(Term) }));
type Term = z.infer<typeof Term>;

/** Removes what is markup and not language: roles and literals of reStructuredText, code fences, prompts, directives. */
export function plainText(text: string): string {
  return text
    .replace(/```[\s\S]*?```/g, " ")
    .replace(/:[a-zA-Z:+-]+:`~?!?\.?([^`<]+?)\s*(?:<[^`>]*>)?`/g, "$1")
    .replace(/^\s*(?:\.\. [\w-]+::.*|:[\w-]+:.*|>>> .*|\.\.\. .*)$/gm, " ")
    .replace(/[`*_]{2,}|`/g, "")
    .replace(/\[([^\]]+)\]\([^)]*\)/g, "$1")
    .replace(/https?:\/\/\S+/g, " ");
}

/** The words of a text, lower case. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}][\p{L}\p{N}_.'-]*/gu) ?? [];
}

/** The heading of a text that may have its title in front without any mark. */
function headingOf(text: string): string {
  const [firstLine = "", ...more] = text.split("\n");
  if (
    more.length > 0 &&
    firstLine.trim() !== "" &&
    wordsOf(firstLine).length <= MAX_HEADING_WORDS &&
    !/[.:;]\s*$/.test(firstLine)
  ) {
    return firstLine.trim();
  }
  const words = text.trim().split(/\s+/, MAX_HEADING_WORDS + 2);
  const [first = "", second = ""] = words;
  if (/^(?:[\p{Ll}_]\S*|\S*[_.(]\S*|\p{Lu}\S*\p{Lu}\S*)$/u.test(first) && /^\p{Lu}\p{Ll}*:?$/u.test(second))
    return first;
  for (let index = 1; index < words.length; index += 1) {
    const [previous = "", word = ""] = [words[index - 1], words[index]];
    if (/[.!:;,]$/.test(previous)) return "";
    if (/\?$/.test(previous) || /^[*.]/.test(word)) return words.slice(0, index).join(" ");
    if (/^\p{Lu}/u.test(word) && SENTENCE_OPENERS.has(word.toLowerCase().replace(/,$/, ""))) {
      return words.slice(0, index).join(" ");
    }
  }
  return "";
}

function isProse(sentence: string): boolean {
  const words = wordsOf(sentence);
  const symbols = sentence.match(/[=<>{}[\]()#$%&|\\/+*~^@"]/g)?.length ?? 0;
  return words.length >= 4 && words.length <= 45 && symbols / sentence.length <= MAX_SYMBOL_SHARE;
}

function has(term: Term, tag: string): boolean {
  return term.tags.includes(tag);
}

/** Identifiers and names keep their letters; all else is lower case. */
function spelled(term: Term): string {
  const text = term.text
    .replace(/^[^\p{L}\p{N}_]+|[^\p{L}\p{N}_)]+$/gu, "")
    .replace(/\)$/, (end) => (term.text.includes("(") ? end : ""));
  const isName = /[a-z][A-Z]|_|\.|\p{Lu}{2}/u.test(text.slice(0, 40)) || has(term, "Acronym");
  const called = term.post.startsWith("()") ? "()" : "";
  return `${isName ? text : text.toLowerCase()}${called}`;
}

function isNominal(term: Term): boolean {
  if (has(term, "Pronoun") || has(term, "QuestionWord") || has(term, "Value") || has(term, "Expression")) return false;
  if (has(term, "Verb")) return false;
  return (has(term, "Noun") || has(term, "Adjective")) && /^[\p{L}_][\p{L}\p{N}_.'-]*(?:\(\))?$/u.test(spelled(term));
}

/** Whether punctuation follows; the parentheses of `save()` are none. */
function endsPhrase(term: Term): boolean {
  return /[,;:.()?!]/.test(term.post.replace("()", ""));
}

/** The tagger takes the gerund in front of a short heading ("Overriding templates") for an adjective. */
function withHeadingGerund(terms: readonly Term[]): Term[] {
  const [first, ...rest] = terms;
  if (first === undefined || !/^\p{L}{3,}ing$/u.test(first.text)) return [...terms];
  return [{ ...first, tags: ["Verb", "PresentTense", "Gerund"] }, ...rest];
}

interface Run {
  readonly article: string;
  readonly words: readonly string[];
  readonly plural: boolean;
  /** Index of the term after the run. */
  readonly end: number;
}

/** The noun phrase that starts at a term, with an optional determiner in front. */
function nounRun(terms: readonly Term[], start: number): Run | undefined {
  let index = start;
  const first = terms[index];
  if (first !== undefined && (has(first, "Determiner") || (has(first, "Possessive") && has(first, "Pronoun"))))
    index += 1;
  const from = index;
  for (let term = terms[index]; term !== undefined && isNominal(term); term = terms[index]) {
    if (index > from && term.pre.includes("(")) break;
    index += 1;
    if (endsPhrase(term)) break;
  }
  let run = terms.slice(from, index);
  while (run.length > 0 && !has(run.at(-1) as Term, "Noun")) run = run.slice(0, -1);
  const last = run.at(-1);
  if (last === undefined) return undefined;
  const end = from + run.length;
  let words = run.map(spelled).filter((word) => word !== "");
  while (words.length > 1 && EMPTY_ADJECTIVES.has(words[0] ?? "")) words = words.slice(1);
  words = words.slice(-MAX_PHRASE_WORDS);
  const head = words.at(-1) ?? "";
  if (words.length === 0 || (words.length === 1 && (EMPTY_NOUNS.has(head) || head.length < 3))) return undefined;
  const determiner = from > start ? (first?.text.toLowerCase() ?? "") : "";
  const indefinite = /^[aeiou]/i.test(words[0] ?? "") ? "an" : "a";
  const article = determiner === "the" ? "the" : determiner === "a" || determiner === "an" ? indefinite : "";
  return { article, words, plural: has(last, "Plural"), end };
}

/** "in the admin's templates directory" after an object, as far as it is one phrase. */
function tailAt(terms: readonly Term[], start: number): string {
  const preposition = terms[start];
  const before = terms[start - 1];
  if (preposition === undefined || before === undefined || endsPhrase(before)) return "";
  const word = preposition.text.toLowerCase();
  if (!TAIL_PREPOSITIONS.has(word) || has(terms[start + 1] ?? preposition, "Verb")) return "";
  const run = nounRun(terms, start + 1);
  return run === undefined ? "" : `${word} ${run.words.join(" ")}`;
}

const Conjugations = z.array(z.object({ Infinitive: z.string(), Gerund: z.string() }).partial());

function conjugations(verb: string): z.infer<typeof Conjugations> {
  const tagged = nlp(verb);
  tagged.tag("Verb");
  return Conjugations.parse(tagged.verbs().conjugate());
}

const infinitives = new Map<string, string>();

/** The infinitive of a verb form. */
function infinitiveOf(verb: string): string {
  const known = infinitives.get(verb);
  if (known !== undefined) return known;
  const [forms] = conjugations(verb);
  const infinitive = forms?.Infinitive ?? verb;
  infinitives.set(verb, infinitive);
  return infinitive;
}

const LICENSING_WORDS = new Set([
  "to",
  "you",
  "we",
  "they",
  "i",
  "and",
  "or",
  "then",
  "let",
  "let's",
  "please",
  "also",
  "just",
  "simply",
  "do",
]);

/** Whether a verb stands where one can do something: the tagger takes many a noun for a verb elsewhere. */
function isLicensed(terms: readonly Term[], index: number): boolean {
  const before = terms[index - 1];
  if (before === undefined || has(terms[index] as Term, "Gerund")) return true;
  return has(before, "Modal") || LICENSING_WORDS.has(before.text.toLowerCase()) || /[,;:]/.test(before.post);
}

function actionsOf(terms: readonly Term[], inHeading: boolean): { action: Action; subject: Run | undefined }[] {
  const found: { action: Action; subject: Run | undefined }[] = [];
  let subject: Run | undefined;
  let subjectEnd = -1;
  for (let index = 0; index < terms.length; index += 1) {
    const term = terms[index] as Term;
    const run = nounRun(terms, index);
    if (run !== undefined) {
      subject = run;
      subjectEnd = run.end;
      index = run.end - 1;
      continue;
    }
    const usable =
      has(term, "Verb") &&
      !has(term, "Auxiliary") &&
      !has(term, "Copula") &&
      !has(term, "Passive") &&
      !has(term, "PastTense");
    if (!usable || endsPhrase(term)) continue;
    const text = term.text.toLowerCase();
    if (!/^[a-z-]{3,}$/.test(text)) continue;
    const verb = infinitiveOf(text);
    const object = nounRun(terms, index + 1);
    if (EMPTY_VERBS.has(verb) || object === undefined) continue;
    const before = terms[index - 1];
    const modal = before !== undefined && has(before, "Modal") ? before.text.toLowerCase() : "";
    const negated = before !== undefined && has(before, "Negative");
    if (negated) continue;
    const directSubject =
      subjectEnd === index - (modal === "" ? 0 : 1) && has(term, "PresentTense") && !has(term, "Gerund");
    if (!directSubject && !isLicensed(terms, index)) continue;
    found.push({
      action: {
        verb,
        object: object.words.join(" "),
        article: object.article,
        tail: tailAt(terms, object.end),
        modal,
        inHeading,
      },
      subject: directSubject ? subject : undefined,
    });
    index = object.end - 1;
  }
  return found;
}

/** Analyses a passage with a part-of-speech tagger; code in it is left out. */
export function analysePassage(passage: string): PassageAnalysis {
  const text = plainText(passage);
  const heading = headingOf(text);
  const body = text.slice(text.indexOf(heading) + heading.length);
  const sentences = body
    .replace(/\s+/g, " ")
    .split(/(?<=[.?!:])(?<!\b(?:e\.g|i\.e|vs|etc|cf|fig|al)\.)\s+/i)
    .map((sentence) => sentence.trim())
    .filter(isProse)
    .slice(0, MAX_SENTENCES);
  const counts = new Map<string, { count: number; words: readonly string[]; inHeading: boolean }>();
  const linkedPhrases: LinkedPhrase[] = [];
  const actions: Action[] = [];
  const statements: Statement[] = [];
  const material = heading === "" ? sentences : [heading, ...sentences];
  for (const [position, sentence] of material.entries()) {
    const inHeading = heading !== "" && position === 0;
    for (const { terms: tagged } of Sentences.parse(nlp(sentence).json())) {
      const terms = inHeading ? withHeadingGerund(tagged) : tagged;
      for (let index = 0; index < terms.length; index += 1) {
        const run = nounRun(terms, index);
        if (run === undefined) continue;
        const phrase = run.words.join(" ");
        const known = counts.get(phrase);
        counts.set(phrase, {
          count: (known?.count ?? 0) + 1,
          words: run.words,
          inHeading: (known?.inHeading ?? false) || inHeading,
        });
        const tail = tailAt(terms, run.end);
        if (tail !== "") linkedPhrases.push({ text: `${phrase} ${tail}`, inHeading });
        index = run.end - 1;
      }
      for (const { action, subject } of actionsOf(terms, inHeading)) {
        if (action.verb !== "be") actions.push(action);
        if (subject !== undefined)
          statements.push({ ...action, subject: subject.words.join(" "), subjectPlural: subject.plural });
      }
    }
  }
  return {
    heading,
    nounPhrases: [...counts].map(([phrase, { count, words, inHeading }]) => ({
      text: phrase,
      count,
      words,
      inHeading,
    })),
    linkedPhrases,
    actions,
    statements,
    sentences: new Set(sentences.map((sentence) => sentence.toLowerCase().replace(/[.?!:]+$/, ""))),
  };
}

const gerunds = new Map<string, string>();

/** "overriding" for "override". */
export function gerundOf(verb: string): string {
  const known = gerunds.get(verb);
  if (known !== undefined) return known;
  const [forms] = conjugations(verb);
  const gerund = forms?.Gerund ?? `${verb}ing`;
  gerunds.set(verb, gerund);
  return gerund;
}

/** "overrides" for "override". */
export function thirdPersonOf(verb: string): string {
  if (verb === "be") return "is";
  if (/[^aeiou]y$/.test(verb)) return `${verb.slice(0, -1)}ies`;
  return /(?:s|x|z|ch|sh|o)$/.test(verb) ? `${verb}es` : `${verb}s`;
}

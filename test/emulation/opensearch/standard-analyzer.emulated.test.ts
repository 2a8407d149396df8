import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "@opensearch-project/opensearch";
import { afterAll, beforeAll, expect, it } from "vitest";
import { OpenSearchNode, type StartedOpenSearchNode } from "../../../emulation/opensearch/node.ts";

/**
 * What the training scripts' words are held against (test/training-script/ranking/test_words.py), as a node said it.
 * `npx vitest run -u` on this file writes it anew.
 */
const RECORDED = fileURLToPath(new URL("../../training-script/ranking/standard-analyzer.jsonl", import.meta.url));

const TEXTS: Readonly<Record<string, string>> = {
  "Latin, English": "The quick Brown-Fox can't jump; O’Neill's e.g. 3.14, 1,000 x_y foo.bar a:b",
  "Latin with diacritics": "Größe der Straße, naïve Ångström, l’été aujourd'hui, Tiếng Việt có dấu",
  "Latin, Turkish": "İstanbul'da ILIK ılık ağaç",
  "combining marks": "cafe\u0301 n\u0303 ö\u0323",
  Greek: "Ἡ γλῶσσα: ΟΔΟΣ, οδός της Ελλάδας",
  Cyrillic: "Съешь ещё этих мягких булок; підʼїзд",
  Armenian: "Հայերեն լեզու՝ Երևան։",
  Georgian: "ქართული ენა, საქართველო",
  Hebrew: "שלום עולם, צה\"ל ג'ירפה שָׁלוֹם",
  Arabic: "السلام عليكم، كيف حالُكَ؟ ٣٫٥",
  Persian: "می‌خواهم کتاب‌ها را ببینم",
  Devanagari: "हिन्दी में परीक्षण, क्षेत्र १२३।",
  Bengali: "বাংলা ভাষা",
  Tamil: "தமிழ் மொழி, எழுத்து",
  Telugu: "తెలుగు భాష",
  Sinhala: "සිංහල භාෂාව",
  Ethiopic: "አማርኛ ቋንቋ።",
  Tibetan: "བོད་སྐད་",
  Mongolian: "ᠮᠣᠩᠭᠣᠯ ᠬᠡᠯᠡ",
  Thai: "ภาษาไทยไม่มีช่องว่าง ครับ ๑๒",
  Lao: "ພາສາລາວ",
  Khmer: "ភាសាខ្មែរ",
  Burmese: "မြန်မာဘာသာ",
  Chinese: "在图书馆丢的雨伞，去哪里领？ABC123 𠮷野家",
  Japanese: "東京都の図書館で傘を受け取る。カタカナとデータベース・サーバー",
  Korean: "도서관에서 잃어버린 우산을 찾는 곳, ABC도서관",
  emoji: "ok 😀👍🏽 👩‍👩‍👧 🇩🇪🇫🇷 1️⃣ ☃ ❤️ © a©b",
  signs: "C++ C# -5 5 .NET node.js a@b.com http://x.org/y?z=1 50% $5 #tag __init__ ___",
  "compatibility forms": "ﾃﾞｰﾀﾍﾞｰｽ ＡＢＣ１２ ﬁne x² ™",
};

let workDirectory: string;
let node: StartedOpenSearchNode;

beforeAll(async () => {
  workDirectory = await mkdtemp(path.join(tmpdir(), "standard-analyzer-"));
  node = await new OpenSearchNode().withHeapMb(256).withWorkDirectory(workDirectory).start();
}, 300_000);

afterAll(async () => {
  await node?.stop();
  await rm(workDirectory, { recursive: true, force: true });
});

it("makes of every script the words on record", async () => {
  const client = new Client({ node: node.url });
  const lines: string[] = [];
  for (const [script, text] of Object.entries(TEXTS)) {
    const { body } = await client.indices.analyze({ body: { analyzer: "standard", text } });
    lines.push(JSON.stringify({ script, text, tokens: body.tokens?.map(({ token }) => token) }));
  }
  await client.close();
  await expect(`${lines.join("\n")}\n`).toMatchFileSnapshot(RECORDED);
});

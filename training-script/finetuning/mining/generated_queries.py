"""Reads what the query-generating model answered, as leniently as its habits demand.

No answer ends the stage: what cannot be read is skipped and counted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import json_repair

from ..artifacts.records import QueryRecord, QueryStyle

_STYLES = get_args(QueryStyle)
_TEXT_KEYS = ("text", "query", "question")
_LIST_KEYS = ("queries", "questions", "items")

LATEST_BRACKETS = 256
"""Brackets of an answer, counted from its end, at which a value is looked for; an answer has some twenty."""

LATEST_REPAIRS = 8
"""Of these, from the end, those at which what is no JSON is repaired: it takes longer."""

DEEPEST_LEVEL = 6
"""Levels of a value at which queries are looked for."""

_QUOTES = "\"'“”\u2018\u2019„«"
_BEGINS_VALUE = re.compile(rf"\{{\s*[{_QUOTES}]|\[\s*[{_QUOTES}{{]")
_THINKING = re.compile(r"<(think\w*|reasoning|scratchpad)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_INNER_QUOTE = re.compile(r'(?<=[^\s\[{,:"\\])(\s*)"(?=\s*[^\s,:}\]"]|"\s*[,}\]])')
"""A quotation mark within a text: before it no value can begin, and after it none can end."""

_TRAILING_COMMA = re.compile(r",\s*([\]}])")
_BETWEEN_ITEMS = re.compile(r"[\s,]*")

_PLACEHOLDER = re.compile(
    rf"[<\[{{(].*[>\]}})]|\W+|n/?a|none|null|nil|todo|tbd|string|text|query|{'|'.join(_STYLES)}"
    r"|(your |the )?(query|question)( text)?( here| goes here| \d)?",
    re.IGNORECASE | re.DOTALL,
)
_APOLOGY = r"((i am|i['\u2019]m) sorry|sorry|unfortunately|as an ai|i (cannot|could not|(can|could|won)['\u2019]?t)"
_REFUSED = r"(write|generate|create|produce|provide|formulate|make|help with (that|this)|assist|comply|fulfil\w*)"
_REFUSAL = re.compile(
    rf"\W*{_APOLOGY}|(i am|i['\u2019]m) (not able|unable))\b.*\b{_REFUSED}\b.*", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True)
class GeneratedQuery:
    """One query as the model wrote it; `style` is empty when the model did not say."""

    text: str
    style: str


@dataclass(frozen=True)
class BatchAnswer:
    """One line of a `.jsonl.out` file: the model's text, or None where Bedrock reports an error."""

    record_id: str
    text: str | None


@dataclass(frozen=True)
class UnreadableLine:
    """A line of a `.jsonl.out` file that is no record of a Bedrock batch: cut off, garbled, or without recordId."""

    place: str
    """File and line."""
    reason: str


def read_answers(folder: Path) -> Iterator[BatchAnswer | UnreadableLine]:
    """Streams the lines of every `*.jsonl.out` file below a folder, in the order of their paths."""
    for path in sorted(folder.rglob("*.jsonl.out")):
        if path.name == "manifest.json.out":
            continue
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _answer(line, f"{path}:{number}")


def _answer(line: bytes, place: str) -> BatchAnswer | UnreadableLine:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        return UnreadableLine(place, f"not JSON in UTF-8: {error}")
    if not isinstance(record, dict) or not isinstance(record.get("recordId"), str):
        return UnreadableLine(place, "recordId is missing")
    return BatchAnswer(record["recordId"], message_text(record.get("modelOutput")))


def message_text(model_output: object) -> str | None:
    """The text of a model's answer in any of the shapes that Bedrock batches return, or None when there is none.

    Known shapes: Anthropic messages (`content[].text`), and Nova and Converse (`output.message.content[].text`).
    """
    if not isinstance(model_output, dict):
        return None
    output = model_output.get("output")
    message = output.get("message") if isinstance(output, dict) else model_output
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        return None
    texts = [block["text"] for block in content if isinstance(block, dict) and isinstance(block.get("text"), str)]
    return "".join(texts) if texts else None


def parse_queries(answer: str, expected: int | None = None) -> list[GeneratedQuery]:
    """The queries in a model's answer, placeholders and refusals among them; empty when nothing in it reads as queries.

    An answer may hold drafts, templates and lists of the passage before the queries: the last value counts, of those
    that have as many usable queries as were asked for, or else of those that have any. Accepts what json-repair does,
    JSON Lines, objects keyed by style, quotation marks within a text, and of a list that was cut off the texts that are
    complete.

    Args:
        expected: queries asked for, where that is known.
    """
    found = _candidates(_THINKING.sub(" ", answer)) or _candidates(answer)
    if not found:
        return []
    _, best = max(enumerate(found), key=lambda numbered: (*numbered[1].rank(expected), numbered[0]))
    return best.queries


def unusable_text(text: str) -> str | None:
    """Why a text is no query, whatever its passage: `placeholder` or `refusal`; None when it may be one."""
    if _PLACEHOLDER.fullmatch(text.strip()):
        return "placeholder"
    return "refusal" if _REFUSAL.fullmatch(text.strip()) else None


def style_of(query: GeneratedQuery, position: int, record: QueryRecord) -> str:
    """The style of a query: what the model said, else the style asked for at its position, else `unknown`."""
    if query.style in _STYLES:
        return query.style
    return record.styles[position] if position < len(record.styles) else "unknown"


@dataclass(frozen=True)
class _Candidate:
    """Queries that some value in an answer holds; `keyed` when it says that they are queries."""

    queries: list[GeneratedQuery]
    keyed: bool

    def rank(self, expected: int | None) -> tuple[bool, bool, bool]:
        usable = sum(bool(query.text.strip()) and unusable_text(query.text) is None for query in self.queries)
        return usable > 0, expected is None or usable == expected, self.keyed


def _candidates(answer: str) -> list[_Candidate]:
    """What holds queries in an answer, in its order."""
    text = _INNER_QUOTE.sub(r'\1\\"', _joined_surrogates(answer))
    found: list[_Candidate] = []
    items: list[GeneratedQuery] = []
    position = items_end = 0
    starts = [match.start() for match in re.finditer(r"[{\[]", text)][-LATEST_BRACKETS:]
    repairable = {match.start() for match in [*_BEGINS_VALUE.finditer(text)][-LATEST_REPAIRS:]}
    for start in starts:
        if start < position:
            continue
        value, end = _decoded(text, start)
        if end is not None:
            position = end
        elif start in repairable:
            value = _repaired(text[start:])
        if end is not None and isinstance(value, dict) and (item := _item(value)) is not None:
            # JSON Lines, or what is left of a list that is none.
            items = [*items, item] if _BETWEEN_ITEMS.fullmatch(text, items_end, start) else [item]
            items_end = end
            found.append(_Candidate(items, keyed=True))
        else:
            found += _queries_in(value)
    return found


def _decoded(text: str, start: int) -> tuple[object, int | None]:
    """The JSON value that begins there and where it ends; None and None when none does."""
    decoder = json.JSONDecoder(strict=False)
    try:
        return decoder.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None, None


def _repaired(text: str) -> object:
    """What json-repair makes of a value that is no JSON, without the text in which it was cut off."""
    body = _TRAILING_COMMA.sub(r"\1", text)
    open_string = _open_string(body)
    try:
        return json_repair.loads(body if open_string is None else body[:open_string])
    except Exception:  # whatever the library stumbles over, the answer is one that cannot be read
        return None


def _open_string(text: str) -> int | None:
    """Where the string begins in which a text ends, None when it ends in none."""
    start = None
    for mark in re.finditer(r'\\.|"', text, re.DOTALL):
        if mark.group() == '"':
            start = mark.start() if start is None else None
    return start


def _queries_in(value: object, level: int = 0) -> list[_Candidate]:
    """The lists of queries in a value, in their order."""
    if level > DEEPEST_LEVEL:
        return []
    if isinstance(value, list):
        queries = [query for entry in value if (query := _item(entry)) is not None]
        if queries:
            return [_Candidate(queries, keyed=any(isinstance(entry, dict) for entry in value))]
        return [found for entry in value for found in _queries_in(entry, level + 1)]
    if not isinstance(value, dict):
        return []
    record = cast("dict[str, Any]", value)
    by_style = _by_style(record)
    if by_style:
        return [_Candidate(by_style, keyed=True)]
    found = []
    for key, entry in record.items():
        inner = _queries_in(entry, level + 1)
        found += [_Candidate(each.queries, keyed=True) for each in inner] if key in _LIST_KEYS else inner
    if not found and (item := _item(record)) is not None:
        return [_Candidate([item], keyed=True)]
    return found


def _by_style(record: dict[str, Any]) -> list[GeneratedQuery]:
    """The queries of an object whose keys are styles; empty for another object."""
    if not record or not all(key.lower() in _STYLES for key in record):
        return []
    return [
        GeneratedQuery(text, style.lower())
        for style, entry in record.items()
        for text in (entry if isinstance(entry, list) else [entry])
        if isinstance(text, str)
    ]


def _item(entry: object) -> GeneratedQuery | None:
    if isinstance(entry, str):
        return GeneratedQuery(entry, "")
    if not isinstance(entry, dict):
        return None
    record = cast("dict[str, Any]", entry)
    by_style = _by_style(record)
    if len(by_style) == 1:
        return by_style[0]
    text = next((record[key] for key in _TEXT_KEYS if isinstance(record.get(key), str)), None)
    style = record.get("style")
    return None if text is None else GeneratedQuery(text, style if isinstance(style, str) else "")


def _joined_surrogates(text: str) -> str:
    """Half a surrogate pair, which no file can hold, becomes the replacement character, escaped or not."""
    escaped = re.sub(
        r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}",
        lambda match: match.group() if len(match.group()) > 6 else "\ufffd",
        text,
    )
    return escaped.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

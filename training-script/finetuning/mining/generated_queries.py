"""Reads what the query-generating model answered, as leniently as its habits demand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

from ..artifacts.jsonl import ContractError
from ..artifacts.records import QueryRecord, QueryStyle

_FENCE = re.compile(r"```[a-zA-Z]*\s*\n?(.*?)```", re.DOTALL)
_TRAILING_COMMA = re.compile(r",\s*([\]}])")
_COMPLETE_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_STYLE_BEFORE = re.compile(r'"style"\s*:\s*"([^"]*)"[^{}]*$')
_TEXT_KEYS = ("text", "query", "question")
_LIST_KEYS = ("queries", "questions", "items")


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


def read_answers(folder: Path) -> Iterator[BatchAnswer]:
    """Streams the answers of every `*.jsonl.out` file below a folder, in the order of their paths.

    Raises:
        ContractError: naming the file and line that is no record of a Bedrock batch.
    """
    for path in sorted(folder.rglob("*.jsonl.out")):
        if path.name == "manifest.json.out":
            continue
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                try:
                    record = json.loads(line)
                except ValueError as error:
                    raise ContractError(f"{path}:{number}: not JSON in UTF-8: {error}") from error
                if not isinstance(record, dict) or not isinstance(record.get("recordId"), str):
                    raise ContractError(f"{path}:{number}: recordId is missing")
                yield BatchAnswer(record["recordId"], message_text(record.get("modelOutput")))


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


def parse_queries(answer: str) -> list[GeneratedQuery]:
    """The queries in a model's answer; an empty list when nothing in it reads as queries.

    Accepts bare JSON, fenced JSON, JSON with text around it, trailing commas, and a list cut short by the token limit
    (of which the complete strings are kept); an object with a `queries` list or the list itself; strings or
    `{style, text}` objects.
    """
    fenced = _FENCE.search(answer)
    candidates = [fenced.group(1), answer] if fenced else [answer]
    for candidate in candidates:
        value = _decoded(candidate)
        queries = _queries_of(value)
        if queries is not None:
            return queries
    return _complete_strings(answer)


def style_of(query: GeneratedQuery, position: int, record: QueryRecord) -> str:
    """The style of a query: what the model said, else the style asked for at its position, else `unknown`."""
    if query.style in get_args(QueryStyle):
        return query.style
    return record.styles[position] if position < len(record.styles) else "unknown"


def _decoded(text: str) -> object:
    """The first JSON object or array in the text that holds queries, trailing commas forgiven; None without any."""
    decoder = json.JSONDecoder(strict=False)
    forgiving = _TRAILING_COMMA.sub(r"\1", text)
    for version in (text, forgiving):
        for match in re.finditer(r"[{\[]", version):
            try:
                value, _ = decoder.raw_decode(version, match.start())
            except ValueError:
                continue
            if _queries_of(value) is not None:
                return value
    return None


def _queries_of(value: object) -> list[GeneratedQuery] | None:
    if isinstance(value, dict):
        record = cast("dict[str, Any]", value)
        value = next((record[key] for key in _LIST_KEYS if isinstance(record.get(key), list)), None)
    if not isinstance(value, list):
        return None
    queries = [query for item in value if (query := _query_of(item)) is not None]
    return queries or None


def _query_of(item: object) -> GeneratedQuery | None:
    if isinstance(item, str):
        return GeneratedQuery(item, "")
    if not isinstance(item, dict):
        return None
    text = next((item[key] for key in _TEXT_KEYS if isinstance(item.get(key), str)), None)
    style = item.get("style")
    return None if text is None else GeneratedQuery(text, style if isinstance(style, str) else "")


def _complete_strings(answer: str) -> list[GeneratedQuery]:
    """What a list that was cut short still holds: its complete strings, or the text of its complete pairs."""
    start = re.search(rf'"(?:{"|".join(_LIST_KEYS)})"\s*:\s*\[|\[', answer)
    if start is None:
        return []
    body = answer[start.end() :]
    keyed = list(re.finditer(rf'"(?:{"|".join(_TEXT_KEYS)})"\s*:\s*{_COMPLETE_STRING.pattern}', body))
    if keyed:
        return [GeneratedQuery(_unescaped(match.group(1)), _style_before(body, match.start())) for match in keyed]
    if body.lstrip()[:1] != '"':
        return []
    return [GeneratedQuery(_unescaped(match.group(1)), "") for match in _COMPLETE_STRING.finditer(body)]


def _style_before(body: str, position: int) -> str:
    style = _STYLE_BEFORE.search(body[:position])
    return style.group(1) if style else ""


def _unescaped(text: str) -> str:
    try:
        return json.loads(f'"{text}"', strict=False)
    except ValueError:
        return text

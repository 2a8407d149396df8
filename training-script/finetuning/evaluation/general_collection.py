"""A judged collection of another kind than the corpus, in BEIR's format, on which a tuned model must not be worse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from ..artifacts.contract import ContractError, CorpusDocument, write_jsonl
from ..artifacts.documents import DocumentStore
from ..artifacts.environment import channel_file


def general_store(folder: Path, temporary: Path) -> DocumentStore:
    """The collection's documents, from its corpus.jsonl rewritten in the contract's format in `temporary`.

    A document's text is its title and text, as BEIR's own evaluation joins them; documents without any are left out.

    Raises:
        ContractError: naming the file and line of a malformed record.
    """
    path = temporary / "general.jsonl"
    write_jsonl(path, _documents(channel_file(folder, "corpus.jsonl")))
    return DocumentStore([path])


def _documents(path: Path) -> Iterator[CorpusDocument]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                identifier, parts = record["_id"], (record.get("title", ""), record["text"])
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise ContractError(
                    f"{path}:{number}: each line must be an object with _id and text ({error!r})"
                ) from error
            if not isinstance(identifier, str) or not all(isinstance(part, str) for part in parts):
                raise ContractError(f"{path}:{number}: _id, title and text must be strings")
            text = " ".join(part for part in parts if part.strip())
            if text:
                yield CorpusDocument(identifier, text)

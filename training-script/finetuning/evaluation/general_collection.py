"""A judged collection of another kind than the corpus, in BEIR's format, on which a tuned model must not be worse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from ..artifacts.documents import DocumentStore
from ..artifacts.environment import channel_file
from ..artifacts.jsonl import read_jsonl, write_jsonl
from ..artifacts.records import CorpusDocument


class BeirDocument(msgspec.Struct, frozen=True):
    """A line of BEIR's corpus.jsonl."""

    id: str = msgspec.field(name="_id")
    text: str
    title: str = ""


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
    for document in read_jsonl(path, BeirDocument):
        text = " ".join(part for part in (document.title, document.text) if part.strip())
        if text:
            yield CorpusDocument(id=document.id, text=text)

"""Random access to the documents of JSONL files without holding their text in memory."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np

from .environment import JobError
from .jsonl import ContractError, parse_record
from .records import CorpusDocument


class DocumentStore:
    """The documents of one or more JSONL files, addressed by row number (0-based, in file order) or by id.

    In memory is only an index of some 30 bytes a document: file, offset, and 64-bit hashes of the id and of the text.
    Lookups by id re-read the line to rule out a hash collision.
    """

    def __init__(self, paths: Sequence[Path], *, max_documents: int | None = None) -> None:
        """Indexes the files in one pass that validates every line.

        Args:
            paths: JSONL files of CorpusDocument.
            max_documents: documents after the first so many are left out.

        Raises:
            ContractError: naming file and line of a bad document, or an id that occurs twice.
        """
        self._paths = list(paths)
        self._files: dict[int, BinaryIO] = {}
        parts, offsets = array("H"), array("q")
        id_digests, text_digests = bytearray(), bytearray()
        for part, path in enumerate(self._paths):
            for offset, id_, text in _documents_with_offsets(path):
                if max_documents is not None and len(offsets) >= max_documents:
                    break
                parts.append(part)
                offsets.append(offset)
                id_digests += _digest(id_)
                text_digests += _digest(text)
        self._parts = np.frombuffer(parts, dtype=np.uint16) if parts else np.empty(0, np.uint16)
        self._offsets = np.frombuffer(offsets, dtype=np.int64) if offsets else np.empty(0, np.int64)
        hashes = np.frombuffer(id_digests, dtype="<u8")
        self._rows_by_hash = np.argsort(hashes, kind="stable")
        self._sorted_hashes = hashes[self._rows_by_hash]
        self.text_hashes = np.frombuffer(text_digests, dtype="<u8")
        """Hash of each row's text: equal hashes mean equal texts."""
        self._check_unique_ids()

    @classmethod
    def of_folder(cls, folder: Path, *, max_documents: int | None = None) -> DocumentStore:
        """Indexes every `*.jsonl` file of a folder, in the order of their names.

        Raises:
            JobError: when the folder holds no document.
        """
        store = cls(sorted(folder.glob("*.jsonl")), max_documents=max_documents)
        if len(store) == 0:
            raise JobError(f"No document in {folder}: it must hold the corpus as *.jsonl files that are not empty.")
        return store

    def __len__(self) -> int:
        return len(self._offsets)

    def document(self, row: int) -> CorpusDocument:
        """Reads one document from its file."""
        part = int(self._parts[row])
        file = self._files.get(part)
        if file is None:
            file = self._files[part] = self._paths[part].open("rb")
        file.seek(int(self._offsets[row]))
        return parse_record(file.readline(), CorpusDocument, str(self._paths[part]))

    def text(self, row: int) -> str:
        """The text of one document."""
        return self.document(row).text

    def row(self, document_id: str) -> int | None:
        """The row of the document with this id, or None."""
        wanted = np.uint64(text_hash(document_id))
        start = int(np.searchsorted(self._sorted_hashes, wanted, side="left"))
        while start < len(self) and self._sorted_hashes[start] == wanted:
            row = int(self._rows_by_hash[start])
            if self.document(row).id == document_id:
                return row
            start += 1
        return None

    def required_row(self, document_id: str) -> int:
        """The row of the document with this id. Raises ContractError when there is none."""
        row = self.row(document_id)
        if row is None:
            raise ContractError(f"document {document_id!r} is not in {', '.join(map(str, self._paths))}")
        return row

    def texts(self) -> Iterator[str]:
        """Streams the texts of all rows, in order."""
        everything = (text for path in self._paths for _, _, text in _documents_with_offsets(path))
        return islice(everything, len(self))

    @cached_property
    def places(self) -> np.ndarray:
        """Each row's place (int64) by the hash of its id.

        Unlike the rows, it does not depend on the order in which the documents were written: what an extraction reads
        in parallel comes in another order each time.
        """
        places = np.empty(len(self), dtype=np.int64)
        places[self._rows_by_hash] = np.arange(len(self))
        return places

    def row_at(self, place: int) -> int:
        """The row at a place by the hash of the id."""
        return int(self._rows_by_hash[place])

    def close(self) -> None:
        """Closes the files; they are opened again when needed."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    def __getstate__(self) -> dict[str, object]:
        """Open files do not travel to worker processes; each opens its own."""
        return {**self.__dict__, "_files": {}}

    def _check_unique_ids(self) -> None:
        repeated = np.flatnonzero(self._sorted_hashes[1:] == self._sorted_hashes[:-1])
        for position in repeated:
            first, second = (self.document(int(self._rows_by_hash[p])) for p in (position, position + 1))
            if first.id == second.id:
                raise ContractError(f"document id {first.id!r} occurs twice in {', '.join(map(str, self._paths))}")


def text_hash(text: str) -> int:
    """A 64-bit hash that is the same in every process (Python's own `hash` is not)."""
    return int.from_bytes(_digest(text), "little")


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest()


def _documents_with_offsets(path: Path) -> Iterator[tuple[int, str, str]]:
    """Offset, id and text of each document of a file, validated."""
    offset = 0
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                document = parse_record(line, CorpusDocument, f"{path}:{number}")
                yield offset, document.id, document.text
            offset += len(line)

"""The scoring stage's output files: of one instance, or of several whose output folders were put into one."""

from __future__ import annotations

from pathlib import Path

from .environment import Host, JobError


def score_file_name(split: str, host: Host) -> str:
    """The file of an instance's scored queries of a split."""
    return f"{split}{_suffix(host)}.jsonl"


def manifest_name(host: Host) -> str:
    """The file in which an instance says what it scored."""
    return f"manifest{_suffix(host)}.json"


def score_files(folder: Path, split: str) -> list[Path]:
    """The files of a split's scored queries, of every instance, in the order of the queries.

    Raises:
        JobError: when there is none, or that of an instance is missing.
    """
    whole = folder / score_file_name(split, Host(0, 1))
    if whole.is_file():
        return [whole]
    parts = sorted(folder.glob(f"{split}-*-of-*.jsonl"))
    count = int(parts[0].stem.rsplit("-", 1)[1]) if parts else 1
    expected = [folder / score_file_name(split, Host(rank, count)) for rank in range(count)]
    missing = next((path for path in expected if not path.is_file()), None)
    if missing is not None:
        raise JobError(f"{missing} is missing: the channel must point at the output of the scoring stage.")
    return expected


def _suffix(host: Host) -> str:
    return "" if host.count == 1 else f"-{host.rank}-of-{host.count}"

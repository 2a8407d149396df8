"""Stage 4: scores each mined query's documents with the teacher, in shards that a restarted job keeps."""

from __future__ import annotations

import hashlib
import math
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch.multiprocessing.spawn import spawn

from ..artifacts.arguments import ScoringArguments
from ..artifacts.documents import DocumentStore
from ..artifacts.environment import ONLY_HOST, Host, JobError, channel_file
from ..artifacts.jsonl import jsonl_writer, read_jsonl, write_json, write_jsonl
from ..artifacts.records import CorpusDocument, MinedQuery, ScoredQuery, ScoringManifest
from ..artifacts.score_files import manifest_name, score_file_name
from ..models.loading import ModelSource
from .teachers.base import Pair, ScoringLimits, Teacher
from .teachers.registry import load_teacher

TOKENS_PER_BATCH = 16_384
"""Padded tokens of one forward pass: what a GPU of 24 GB holds of the default teacher."""

QUERIES_PER_SHARD = 512
"""Lost at most, for each device, when a job is interrupted."""

_SPLITS = ("train", "dev")


@dataclass(frozen=True)
class Shard:
    """A run of consecutive queries of one split, scored as a unit."""

    split: str
    number: int
    first_query: int

    def file(self, folder: Path) -> Path:
        """Where its scores lie once finished."""
        return folder / f"{self.split}-{self.number:05d}.jsonl"


def scoring_devices() -> list[str]:
    """Every GPU of the machine, else the CPU."""
    return [f"cuda:{index}" for index in range(torch.cuda.device_count())] or ["cpu"]


def score(
    training_data: Path,
    output: Path,
    checkpoints: Path,
    arguments: ScoringArguments,
    *,
    devices: list[str],
    tokens_per_batch: int = TOKENS_PER_BATCH,
    queries_per_shard: int = QUERIES_PER_SHARD,
    host: Host = ONLY_HOST,
) -> ScoringManifest:
    """Writes train.jsonl, dev.jsonl (ScoredQuery), documents.jsonl and manifest.json to `output`.

    A query's documents are its source and `spread_negatives`; a query without a negative is left out.

    With several instances each scores its share of the shards, and its rank is in the names of its files, as SageMaker
    puts the output folders of all instances into one; documents.jsonl comes from the first. See `score_files`.

    Args:
        training_data: output folder of the mining stage.
        checkpoints: finished shards are kept below it, under a fingerprint of the arguments and of the input files.
        devices: one process a device.
        tokens_per_batch: padded tokens of one forward pass.
        host: this instance among those of the job.
    """
    start = time.monotonic()
    for name in ("train.jsonl", "dev.jsonl", "documents.jsonl"):
        channel_file(training_data, name)
    folder = checkpoints / "scores" / fingerprint(training_data, arguments, queries_per_shard)
    folder.mkdir(parents=True, exist_ok=True)
    every_shard = list(_shards(training_data, queries_per_shard))
    shards = every_shard[host.share_of(len(every_shard))]
    todo = [shard for shard in shards if not shard.file(folder).exists()]
    resumed = sum(_pairs(shard.file(folder)) for shard in shards if shard not in todo)
    print(
        f"Teacher {arguments.teacher_model_id} on {', '.join(devices)}: "
        f"{len(shards)} shards, {len(shards) - len(todo)} of them finished earlier",
        flush=True,
    )
    work = _Work(training_data, folder, arguments, tokens_per_batch, devices, queries_per_shard, todo)
    if len(devices) == 1 or len(todo) <= 1:
        _score_on_device(0, work)
    elif todo:
        spawn(_score_on_device, args=(work,), nprocs=len(devices), join=True)

    queries = pairs = 0
    for split in _SPLITS:
        with jsonl_writer(output / score_file_name(split, host)) as writer:
            for shard in shards:
                if shard.split == split:
                    for query in read_jsonl(shard.file(folder), ScoredQuery):
                        writer.write(query)
                        queries += 1
                        pairs += len(query.scores)
    if host.rank == 0:
        write_jsonl(output / "documents.jsonl", read_jsonl(training_data / "documents.jsonl", CorpusDocument))
    manifest = ScoringManifest(
        teacher_model_id=arguments.teacher_model_id,
        queries=queries,
        pairs=pairs,
        pairs_resumed=resumed,
        seconds=time.monotonic() - start,
    )
    write_json(output / manifest_name(host), manifest)
    print(manifest, flush=True)
    return manifest


def fingerprint(training_data: Path, arguments: ScoringArguments, queries_per_shard: int) -> str:
    """16 hex digits that change with the arguments or any input file, and with them the shards."""
    digest = hashlib.sha256(msgspec.json.encode([arguments, queries_per_shard]))
    for name in ("train.jsonl", "dev.jsonl", "documents.jsonl"):
        with (training_data / name).open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        digest.update(b"\0")
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class _Work:
    training_data: Path
    folder: Path
    arguments: ScoringArguments
    tokens_per_batch: int
    devices: list[str]
    queries_per_shard: int
    todo: list[Shard]


def _shards(training_data: Path, queries_per_shard: int) -> Iterator[Shard]:
    for split in _SPLITS:
        count = sum(1 for _ in read_jsonl(training_data / f"{split}.jsonl", MinedQuery))
        for number in range(math.ceil(count / queries_per_shard)):
            yield Shard(split, number, number * queries_per_shard)


def _score_on_device(rank: int, work: _Work) -> None:
    """Scores every n-th unfinished shard, n being the number of devices. Runs in a process of its own for several."""
    arguments = work.arguments
    mine = work.todo[rank :: len(work.devices)] if len(work.todo) > 1 else work.todo
    if not mine:
        return
    teacher = load_teacher(
        ModelSource(arguments.teacher_model_id, "teacher_model_id", arguments.teacher_revision),
        ScoringLimits(arguments.max_seq_length, work.tokens_per_batch),
        work.devices[rank],
    )
    store = DocumentStore([work.training_data / "documents.jsonl"])
    queries = {split: list(read_jsonl(work.training_data / f"{split}.jsonl", MinedQuery)) for split in _SPLITS}

    def prepare(shard: Shard) -> PairsToScore:
        batch = queries[shard.split][shard.first_query : shard.first_query + work.queries_per_shard]
        return pairs_to_score(batch, store, teacher, arguments.scoring_max_negatives)

    start = time.monotonic()
    pairs = 0
    with ThreadPoolExecutor(1) as tokenising:
        prepared = tokenising.submit(prepare, mine[0])
        for position, shard in enumerate(mine, start=1):
            to_score = prepared.result()
            if position < len(mine):
                # The next shard is read and tokenised while the device computes.
                prepared = tokenising.submit(prepare, mine[position])
            scored = scored_queries(to_score, teacher)
            write_jsonl(shard.file(work.folder), scored)
            pairs += sum(len(query.scores) for query in scored)
            rate = pairs / (time.monotonic() - start)
            left = (time.monotonic() - start) / position * (len(mine) - position)
            print(
                f"{work.devices[rank]}: shard {position} of {len(mine)}, {rate:.0f} pairs/s, about {left:.0f} s left",
                flush=True,
            )


@dataclass(frozen=True)
class PairsToScore:
    """Queries, the ids of each one's documents, and all their pairs, as texts and as the teacher tokenised them."""

    queries: list[MinedQuery]
    documents: list[list[str]]
    pairs: list[Pair]
    tokenised: Any


def pairs_to_score(
    queries: list[MinedQuery], store: DocumentStore, teacher: Teacher, max_negatives: int
) -> PairsToScore:
    """Pairs each query with its source document and `spread_negatives`; queries without a negative are left out.

    Raises:
        ContractError: when a document is not in the store.
    """
    kept = [query for query in queries if query.negative_ids]
    lists = [[query.doc_id, *spread_negatives(query, max_negatives)] for query in kept]
    texts = {id_: store.text(store.required_row(id_)) for ids in lists for id_ in ids}
    pairs = [(query.query, texts[id_]) for query, ids in zip(kept, lists, strict=True) for id_ in ids]
    return PairsToScore(kept, lists, pairs, teacher.tokenise(pairs))


def scored_queries(to_score: PairsToScore, teacher: Teacher) -> list[ScoredQuery]:
    """Scores the pairs.

    Raises:
        JobError: when the teacher gives a score that is not finite.
    """
    scores = teacher.score_tokenised(to_score.tokenised)
    if not all(map(math.isfinite, scores)):
        bad = next(pair for pair, value in zip(to_score.pairs, scores, strict=True) if not math.isfinite(value))
        raise JobError(
            f"The teacher gave a score that is not finite to the query {bad[0]!r}. "
            "Set teacher_model_id to another model."
        )
    scored, position = [], 0
    for query, ids in zip(to_score.queries, to_score.documents, strict=True):
        scored.append(
            ScoredQuery(
                query_id=query.query_id,
                query=query.query,
                style=query.style,
                doc_ids=ids,
                scores=scores[position : position + len(ids)],
            )
        )
        position += len(ids)
    return scored


def spread_negatives(query: MinedQuery, max_negatives: int) -> list[str]:
    """Some negatives from the whole range of a query's list: one, by chance, of each of `max_negatives` equal parts.

    The best few alone are too alike to learn from (for distillation, negatives spread over the score range beat the top
    ones; arXiv 2604.04734), and the likeliest to be unlabelled positives. The same choice in every run.
    """
    count = min(max_negatives, len(query.negative_ids))
    if count == 0:
        return []
    generator = random.Random(query.query_id)
    starts = [len(query.negative_ids) * part // count for part in range(count)]
    ends = [*starts[1:], len(query.negative_ids)]
    return [query.negative_ids[generator.randrange(start, end)] for start, end in zip(starts, ends, strict=True)]


def _pairs(shard_file: Path) -> int:
    return sum(len(query.scores) for query in read_jsonl(shard_file, ScoredQuery))

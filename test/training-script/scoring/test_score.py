import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from finetuning.artifacts.arguments import ScoringArguments
from finetuning.artifacts.environment import ONLY_HOST, Host, JobError
from finetuning.artifacts.jsonl import read_json, read_jsonl, write_jsonl
from finetuning.artifacts.records import CorpusDocument, MinedQuery, ScoredQuery, ScoringManifest
from finetuning.artifacts.score_files import score_files
from finetuning.scoring import score as scoring
from finetuning.scoring.score import score, spread_negatives
from finetuning.scoring.teachers.base import Teacher


@pytest.fixture
def training_data(tmp_path, words):
    folder = tmp_path / "training-data"
    folder.mkdir()
    write_jsonl(
        folder / "documents.jsonl",
        (CorpusDocument(id=f"d{n}", text=f"{word} {words[-n]}") for n, word in enumerate(words)),
    )
    ids = [f"d{n}" for n in range(len(words))]
    for split, count in (("train", 21), ("dev", 4)):
        negatives = (ids[(n + 1) % 40 :][: n % 5] for n in range(count))
        write_jsonl(
            folder / f"{split}.jsonl",
            (
                MinedQuery(
                    query_id=f"{split}{n}", query=f"{words[n]}", style="title", doc_id=ids[n], negative_ids=found
                )
                for n, found in enumerate(negatives)
            ),
        )
    return folder


class LengthTeacher(Teacher):
    """Scores by lengths of the texts, and can be told to break down."""

    def __init__(self, fail_after=1_000_000, value=None):
        self.calls, self.fail_after, self.value = 0, fail_after, value

    def tokenise(self, pairs):
        return [10 * len(query) + len(document) for query, document in pairs]

    def score_tokenised(self, tokenised):
        self.calls += len(tokenised) > 0
        if self.calls > self.fail_after:
            raise KeyboardInterrupt
        return [self.value or float(length) for length in tokenised]


def run(training_data, tmp_path, monkeypatch, teacher, name="out", max_negatives=3, host=ONLY_HOST):
    monkeypatch.setattr(scoring, "load_teacher", lambda *_, **__: teacher)
    output = tmp_path / name
    output.mkdir(parents=True, exist_ok=True)
    arguments = ScoringArguments(
        teacher_model_id="some/teacher", teacher_revision="main", scoring_max_negatives=max_negatives, max_seq_length=64
    )
    score(
        training_data,
        output,
        tmp_path / "checkpoints",
        arguments,
        tokens_per_batch=256,
        devices=["cpu"],
        queries_per_shard=5,
        host=host,
    )
    return output


def test_every_pair_of_every_query_with_a_negative(training_data, tmp_path, monkeypatch):
    output = run(training_data, tmp_path, monkeypatch, LengthTeacher())
    texts = {d.id: d.text for d in read_jsonl(training_data / "documents.jsonl", CorpusDocument)}
    manifest = read_json(output / "manifest.json", ScoringManifest)
    pairs = queries = 0
    for split in ("train", "dev"):
        scored = {query.query_id: query for query in read_jsonl(output / f"{split}.jsonl", ScoredQuery)}
        mined = [query for query in read_jsonl(training_data / f"{split}.jsonl", MinedQuery) if query.negative_ids]
        assert list(scored) == [query.query_id for query in mined]
        for query in mined:
            found = scored[query.query_id]
            assert found.doc_ids == [query.doc_id, *spread_negatives(query, 3)]
            assert found.scores == [10 * len(query.query) + len(texts[i]) for i in found.doc_ids]
            pairs += len(found.scores)
            queries += 1
    assert (manifest.queries, manifest.pairs, manifest.pairs_resumed) == (queries, pairs, 0)
    assert (output / "documents.jsonl").read_bytes() == (training_data / "documents.jsonl").read_bytes()


def test_an_interrupted_job_goes_on_where_it_was(training_data, tmp_path, monkeypatch):
    whole = run(training_data, tmp_path, monkeypatch, LengthTeacher(), "whole")
    monkeypatch.setattr(scoring, "fingerprint", lambda *_: "second")
    with pytest.raises(KeyboardInterrupt):
        run(training_data, tmp_path, monkeypatch, LengthTeacher(fail_after=2))
    teacher = LengthTeacher()
    resumed = run(training_data, tmp_path, monkeypatch, teacher)
    assert teacher.calls == 3  # of 5 shards with a pair, 2 were finished
    for name in ("train.jsonl", "dev.jsonl"):
        assert (resumed / name).read_bytes() == (whole / name).read_bytes()
    manifest = read_json(resumed / "manifest.json", ScoringManifest)
    assert 0 < manifest.pairs_resumed < manifest.pairs


def test_other_input_or_settings_are_scored_anew(training_data, tmp_path, monkeypatch):
    run(training_data, tmp_path, monkeypatch, LengthTeacher())
    again, fewer, other = LengthTeacher(), LengthTeacher(), LengthTeacher()
    run(training_data, tmp_path, monkeypatch, again)
    assert again.calls == 0
    run(training_data, tmp_path, monkeypatch, fewer, max_negatives=2)
    assert fewer.calls == 5
    with (training_data / "dev.jsonl").open("a") as file:
        file.write("\n")
    run(training_data, tmp_path, monkeypatch, other)
    assert other.calls == 5


@pytest.mark.process
def test_several_devices_give_the_same_scores(training_data, tmp_path, tiny_model):
    outputs = []
    for number, devices in enumerate((["cpu"], ["cpu", "cpu"])):
        output = tmp_path / f"out{number}"
        output.mkdir()
        score(
            training_data,
            output,
            tmp_path / f"checkpoints{number}",
            ScoringArguments(
                teacher_model_id=str(tiny_model), teacher_revision="main", scoring_max_negatives=4, max_seq_length=64
            ),
            tokens_per_batch=256,
            devices=devices,
            queries_per_shard=5,
        )
        outputs.append(list(read_jsonl(output / "train.jsonl", ScoredQuery)))
    one, two = outputs
    assert [query.doc_ids for query in one] == [query.doc_ids for query in two]
    # bf16, where the CPU has it, rounds differently in batches of another make-up.
    assert [s for q in one for s in q.scores] == pytest.approx([s for q in two for s in q.scores], abs=0.2)


def test_a_score_that_is_not_finite_is_an_error(training_data, tmp_path, monkeypatch):
    with pytest.raises(JobError, match="not finite to the query 'bridge'"):
        run(training_data, tmp_path, monkeypatch, LengthTeacher(value=float("nan")))


def test_negatives_are_spread_over_the_list():
    chosen = []
    for number in range(200):
        query = MinedQuery(
            query_id=f"q{number}",
            query="river",
            style="title",
            doc_id="source",
            negative_ids=[f"n{rank}" for rank in range(20)],
        )
        ranks = [int(id_[1:]) for id_ in spread_negatives(query, 4)]
        assert [rank // 5 for rank in ranks] == [0, 1, 2, 3]
        assert spread_negatives(query, 4) == [f"n{rank}" for rank in ranks]
        chosen += ranks
    assert set(chosen) == set(range(20))
    short = MinedQuery(query_id="q", query="river", style="title", doc_id="source", negative_ids=["a", "b", "c"])
    assert spread_negatives(short, 4) == ["a", "b", "c"]
    assert spread_negatives(short, 0) == []


@pytest.mark.parametrize("count", [2, 3, 9])
def test_several_instances_score_what_one_does(training_data, tmp_path, monkeypatch, count):
    """Each with checkpoints of its own; their outputs lie in one folder, as SageMaker puts them."""
    whole = run(training_data, tmp_path / "one", monkeypatch, LengthTeacher())
    teachers = [LengthTeacher() for _ in range(count)]
    output = tmp_path / "out"
    for rank, teacher in enumerate(teachers):
        before = {path: path.read_bytes() for path in output.glob("*")}
        monkeypatch.setattr(scoring, "fingerprint", lambda *_, rank=rank: f"host-{rank}")
        run(training_data, tmp_path, monkeypatch, teacher, host=Host(rank, count))
        assert all(path.read_bytes() == content for path, content in before.items())
    assert sum(teacher.calls for teacher in teachers) == 5
    for split in ("train", "dev"):
        parts = score_files(output, split)
        assert len(parts) == count
        assert b"".join(part.read_bytes() for part in parts) == (whole / f"{split}.jsonl").read_bytes()
    assert (output / "documents.jsonl").read_bytes() == (whole / "documents.jsonl").read_bytes()
    (output / f"train-1-of-{count}.jsonl").unlink()
    with pytest.raises(JobError, match=f"train-1-of-{count}.jsonl is missing"):
        score_files(output, "train")


SCORE_SLOWLY = """
import sys, time
from pathlib import Path
from finetuning.scoring import score as scoring
from finetuning.artifacts.arguments import ScoringArguments
from finetuning.scoring.teachers.base import Teacher
from finetuning.scoring.teachers.registry import load_teacher

class Slow(Teacher):
    def __init__(self, *arguments, **settings):
        self.teacher = load_teacher(*arguments, **settings)
    def tokenise(self, pairs):
        return self.teacher.tokenise(pairs)
    def score_tokenised(self, tokenised):
        time.sleep(0.5)
        return self.teacher.score_tokenised(tokenised)

scoring.load_teacher = Slow
*folders, teacher = sys.argv[1:]
arguments = ScoringArguments(
    teacher_model_id=teacher, teacher_revision="main", scoring_max_negatives=4, max_seq_length=64
)
scoring.score(*map(Path, folders), arguments, tokens_per_batch=256, devices=["cpu"], queries_per_shard=4)
"""


@pytest.mark.process
def test_a_killed_job_resumes_and_gives_what_an_undisturbed_one_does(training_data, tmp_path, tiny_cross_encoder):
    checkpoints = tmp_path / "checkpoints-killed"
    for name in ("killed", "whole"):
        (tmp_path / name).mkdir()
    folders = [training_data, tmp_path / "killed", checkpoints, tiny_cross_encoder]
    # One thread, as in this process: sums of several would differ in their last bits.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(scoring.__file__).parents[2])}
    job = subprocess.Popen([sys.executable, "-c", SCORE_SLOWLY, *map(str, folders)], env=environment)
    try:
        while len(finished := list(checkpoints.rglob("*.jsonl"))) < 2:
            assert job.poll() is None
            time.sleep(0.02)
    finally:
        job.send_signal(signal.SIGKILL)
        job.wait()
    assert not (tmp_path / "killed" / "manifest.json").exists()
    written = {path: path.stat().st_mtime_ns for path in finished}

    for name in ("killed", "whole"):
        score(
            training_data,
            tmp_path / name,
            tmp_path / f"checkpoints-{name}",
            ScoringArguments(
                teacher_model_id=str(tiny_cross_encoder),
                teacher_revision="main",
                scoring_max_negatives=4,
                max_seq_length=64,
            ),
            tokens_per_batch=256,
            devices=["cpu"],
            queries_per_shard=4,
        )
    for name in ("train.jsonl", "dev.jsonl", "documents.jsonl"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert {path: path.stat().st_mtime_ns for path in finished} == written
    assert read_json(tmp_path / "killed" / "manifest.json", ScoringManifest).pairs_resumed > 0

import json
import shutil
import tarfile

import pytest
from finetuning.contract import (
    ContractError,
    EvaluationReport,
    EvaluationSet,
    GateDecision,
    HeldOutQuery,
    NdcgGain,
    Rankers,
    RankingMetrics,
    read_json,
    write_jsonl,
)
from finetuning.documents import DocumentStore
from finetuning.environment import JobError
from finetuning.evaluation import (
    EvaluationInputs,
    EvaluationSettings,
    decide,
    evaluate,
    evaluation_rows,
    held_out_queries,
    judged_queries,
    model_folder,
)


def settings_of(tiny_model, **changes):
    defaults = {
        "base_model_id": str(tiny_model),
        "max_seq_length": 32,
        "min_ndcg_gain": 0.0,
        "force_deploy": False,
        "max_evaluation_documents": 100_000,
        "trust_remote_code": False,
        "seed": 42,
    }
    return EvaluationSettings(**{**defaults, **changes})


def evaluation_set(name="held_out", low=0.1):
    metrics = RankingMetrics(0.5, 0.9, 0.4)
    gain = NdcgGain(0.2, low, 0.3, 7, 2)
    return EvaluationSet(name, 10, 40, Rankers(metrics, metrics, RankingMetrics(0.7, 0.9, 0.6)), gain)


@pytest.fixture
def inputs(run_folders, tiny_model, words):
    training_data = run_folders / "training-data"
    training_data.mkdir()
    write_jsonl(
        training_data / "test.jsonl",
        (HeldOutQuery(f"q{n}", f"{words[n]} {words[n + 1]}", "title", f"d{n}") for n in range(8)),
    )
    model = run_folders / "model"
    model.mkdir()
    with tarfile.open(model / "model.tar.gz", "w:gz") as tar:
        tar.add(tiny_model, arcname=".")
    return EvaluationInputs(run_folders / "corpus", training_data, model, None)


def judge(folder, qrels, exclude=None):
    folder.mkdir()
    (folder / "queries.jsonl").write_text(
        "".join(json.dumps({"_id": i, "text": t}) + "\n" for i, t in (("1", "river bridge"), ("2", "copper theory")))
    )
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + qrels)
    if exclude:
        (folder / "exclude.tsv").write_text("query-id\tcorpus-id\n" + exclude)
    return folder


def test_the_same_model_twice_gains_nothing_and_is_not_deployed(inputs, run_folders, tiny_model):
    decision = evaluate(inputs, run_folders, settings_of(tiny_model))
    report = read_json(run_folders / "report.json", EvaluationReport)
    (part,) = report.sets
    assert (part.name, part.queries, part.documents) == ("held_out", 8, 40)
    assert part.rankers.base == part.rankers.tuned
    assert part.rankers.base.recall_at_100 == 1
    assert decision == read_json(run_folders / "decision.json", GateDecision)
    assert decision.deploy is False
    assert "is not deployed" in decision.reason
    assert f"| base model | {part.rankers.base.ndcg_at_10:.3f} |" in (run_folders / "report.md").read_text()


def test_judgements_are_a_second_set_without_the_excluded(inputs, run_folders, tiny_model):
    folder = judge(run_folders / "judgements", "1\td20\t2\n1\td21\t1\n1\tabsent\t1\n2\td22\t1\n", "1\td23\n2\td22\n")
    with_judgements = EvaluationInputs(inputs.corpus, inputs.training_data, inputs.model, folder)
    decision = evaluate(with_judgements, run_folders, settings_of(tiny_model, force_deploy=True))
    held_out, judged = read_json(run_folders / "report.json", EvaluationReport).sets
    assert (held_out.queries, judged.queries) == (8, 1)
    assert decision.deploy is True
    assert "judged queries" in decision.reason
    assert "force_deploy is set" in decision.reason
    store = DocumentStore.of_folder(inputs.corpus)
    (query,) = judged_queries(folder, store)
    assert query.relevance == {20: 2, 21: 1}
    assert query.excluded == {23}


def test_a_better_model_gains(inputs, run_folders, tiny_model):
    """The base model embeds all texts alike, so that any other ranks better."""
    import torch
    from safetensors.torch import load_file, save_file

    worse = run_folders / "worse"
    shutil.copytree(tiny_model, worse)
    weights = load_file(worse / "model.safetensors")
    for key in weights:
        if key.startswith("embeddings."):
            weights[key] = torch.zeros_like(weights[key])
    save_file(weights, worse / "model.safetensors", metadata={"format": "pt"})
    store = DocumentStore.of_folder(inputs.corpus)
    write_jsonl(
        inputs.training_data / "test.jsonl",
        (HeldOutQuery(f"q{n}", store.text(n), "title", f"d{n}") for n in range(20)),
    )
    decision = evaluate(inputs, run_folders, settings_of(worse, min_ndcg_gain=0.1))
    assert decision.deploy is True
    assert decision.ndcg_tuned > 0.9 > decision.ndcg_base
    assert decision.ndcg_gain_low > 0.1


@pytest.mark.parametrize(
    ("low", "minimum", "force", "deploy"),
    [(0.1, 0.0, False, True), (0.0, 0.0, False, False), (0.1, 0.1, False, False), (-0.1, 0.0, True, True)],
)
def test_gate(low, minimum, force, deploy):
    decision = decide([evaluation_set(low=low)], minimum, force_deploy=force)
    assert (decision.deploy, decision.ndcg_gain_low) == (deploy, low)
    assert (decision.ndcg_base, decision.ndcg_tuned) == (0.5, 0.7)


def test_human_judgements_decide():
    sets = [evaluation_set(low=0.1), evaluation_set("judged", low=-0.1)]
    assert decide(sets, 0.0, force_deploy=False).deploy is False
    assert decide(sets[::-1], 0.0, force_deploy=False).deploy is False


def test_a_sample_keeps_every_relevant_document():
    assert evaluation_rows(10, [3], 10, seed=1) == list(range(10))
    rows = evaluation_rows(1000, [3, 999, 3], 50, seed=1)
    assert len(rows) == 50
    assert {3, 999} <= set(rows)
    assert (
        rows
        == sorted(set(rows))
        == evaluation_rows(1000, [3, 999], 50, seed=1)
        != evaluation_rows(1000, [3, 999], 50, 2)
    )
    assert evaluation_rows(1000, range(60), 50, seed=1) == list(range(60))


def test_documents_of_the_sources_text_are_left_out(inputs, write_lines):
    store = DocumentStore.of_folder(inputs.corpus)
    write_lines(inputs.corpus / "part-00002.jsonl", [{"id": "copy", "text": store.text(0)}])
    queries = held_out_queries(inputs.training_data / "test.jsonl", DocumentStore.of_folder(inputs.corpus))
    assert (queries[0].relevance, queries[0].excluded) == ({0: 1}, {40})


def test_judgements_of_another_corpus_are_an_error(inputs, run_folders):
    folder = judge(run_folders / "judgements", "1\tx\t1\n")
    with pytest.raises(JobError, match="must hold the ids of the corpus"):
        judged_queries(folder, DocumentStore.of_folder(inputs.corpus))


@pytest.mark.parametrize(
    ("qrels", "message"), [("1\td1\n", "3 tab-separated columns"), ("1\td1\thigh\n", "invalid literal")]
)
def test_malformed_judgements_are_an_error_with_their_place(inputs, run_folders, qrels, message):
    folder = judge(run_folders / "judgements", qrels)
    with pytest.raises(ContractError, match=rf"qrels\.tsv:2: .*{message}"):
        judged_queries(folder, DocumentStore.of_folder(inputs.corpus))


def test_no_held_out_query_is_an_error(inputs):
    (inputs.training_data / "test.jsonl").write_text("")
    with pytest.raises(JobError, match="too small for a test split"):
        held_out_queries(inputs.training_data / "test.jsonl", DocumentStore.of_folder(inputs.corpus))


def test_an_archive_that_reaches_outside_is_refused(tmp_path):
    channel, target = tmp_path / "channel", tmp_path / "target"
    channel.mkdir()
    target.mkdir()
    (tmp_path / "evil").write_text("x")
    with tarfile.open(channel / "model.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "evil", arcname="../evil2")
    with pytest.raises(JobError, match="cannot be unpacked"):
        model_folder(channel, target)
    assert not (tmp_path / "evil2").exists()


def test_a_channel_without_a_model_is_an_error(tmp_path):
    with pytest.raises(JobError, match=r"modules\.json is missing"):
        model_folder(tmp_path, tmp_path)

import pytest
from finetuning.artifacts.environment import (
    ONLY_HOST,
    Host,
    JobEnvironment,
    JobError,
    run_job,
)


@pytest.fixture(autouse=True)
def _base_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    monkeypatch.delenv("SM_MODEL_DIR", raising=False)


def test_defaults_lie_below_the_base_directory(tmp_path):
    (tmp_path / "input" / "data" / "training-data").mkdir(parents=True)
    environment = JobEnvironment.from_environment()
    assert environment.model_directory == tmp_path / "model"
    assert environment.model_directory.is_dir()
    assert environment.checkpoint_directory == tmp_path / "checkpoints"
    assert environment.channel("training-data") == tmp_path / "input" / "data" / "training-data"


@pytest.mark.parametrize("variable", ["SM_CHANNEL_TRAINING-DATA", "SM_CHANNEL_TRAINING_DATA"])
def test_channels_come_from_the_environment(tmp_path, monkeypatch, variable):
    monkeypatch.setenv(variable, str(tmp_path))
    assert JobEnvironment.from_environment().channel("training-data") == tmp_path


def test_a_missing_channel_is_named():
    environment = JobEnvironment.from_environment()
    assert environment.optional_channel("judgements") is None
    with pytest.raises(JobError, match="'corpus' is missing"):
        environment.channel("corpus")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (JobError("The corpus is empty."), "The corpus is empty."),
        (KeyError("x"), "KeyError: 'x'"),
        (JobError("x" * 5000), "x" * 1024),
    ],
)
def test_a_failing_job_says_why_and_exits_with_1(tmp_path, error, reason):
    def main(_: JobEnvironment) -> None:
        raise error

    with pytest.raises(SystemExit) as exit_:
        run_job(main)
    assert exit_.value.code == 1
    assert (tmp_path / "output" / "failure").read_text(encoding="utf-8") == reason


def test_a_good_job_leaves_no_failure(tmp_path):
    run_job(lambda environment: (environment.model_directory / "done").touch())
    assert (tmp_path / "model" / "done").exists()
    assert not (tmp_path / "output" / "failure").exists()


def test_instances_share_items_without_gap_or_overlap(monkeypatch):
    assert JobEnvironment.from_environment().host == ONLY_HOST
    monkeypatch.setenv("SM_HOSTS", '["algo-2", "algo-1", "algo-3"]')
    hosts = []
    for name in ("algo-1", "algo-2", "algo-3"):
        monkeypatch.setenv("SM_CURRENT_HOST", name)
        hosts.append(JobEnvironment.from_environment().host)
    assert hosts == [Host(rank, 3) for rank in range(3)]
    for items in (0, 1, 2, 7, 9):
        shares = [list(range(items))[host.share_of(items)] for host in hosts]
        assert [item for share in shares for item in share] == list(range(items))
        assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize(("hosts", "current"), [("algo-1", "algo-1"), ("[]", "algo-1"), ('["algo-1"]', "algo-2")])
def test_contradicting_instances_are_an_error(monkeypatch, hosts, current):
    monkeypatch.setenv("SM_HOSTS", hosts)
    monkeypatch.setenv("SM_CURRENT_HOST", current)
    with pytest.raises(JobError, match="must be"):
        JobEnvironment.from_environment()

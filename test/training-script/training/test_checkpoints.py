from finetuning.training.checkpoints import latest_checkpoint


def test_a_half_written_checkpoint_is_passed_over(tmp_path):
    for step, state in ((50, "{}"), (100, "{}"), (150, '{"global')):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        for name in ("optimizer.pt", "scheduler.pt", "model.safetensors"):
            (folder / name).touch()
        (folder / "trainer_state.json").write_text(state)
    (tmp_path / "checkpoint-200").mkdir()
    assert latest_checkpoint(tmp_path) == tmp_path / "checkpoint-100"
    assert latest_checkpoint(tmp_path / "absent") is None

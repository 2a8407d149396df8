"""A function's memory limit on systems that lack what Linux has."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.process

_SHARED = Path(__file__).parents[3] / "emulation" / "aws" / "shared"
_GROWS = """
exports.handler = async ({ beside }) => {
  const held = [];
  for (;;) {
    held.push(beside ? Buffer.alloc(8 << 20, 1) : Array.from({ length: 1e5 }, (_, i) => ({ i })));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};
"""


@pytest.fixture
def execution(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The module on a system without /proc."""
    monkeypatch.syspath_prepend(str(_SHARED))
    module = importlib.import_module("lambda_execution")
    monkeypatch.setattr(module, "PROC", tmp_path / "no-proc")
    return module


def _outcome_of_growth(execution: ModuleType, tmp_path: Path, *, beside: bool):
    task = tmp_path / "task"
    task.mkdir()
    (task / "index.js").write_text(_GROWS)
    function = execution.FunctionConfiguration(
        name="grows", arn="arn:grows", version="$LATEST", revision="1", runtime="nodejs22.x", handler="index.handler",
        memory_mb=128, timeout_seconds=20, log_group="/aws/lambda/grows", role="arn:role", variables={},
    )  # fmt: skip
    node = shutil.which("node")
    assert node is not None
    host = execution.Host(node=node, region="us-east-1", endpoints={}, certificate_authority=None, credentials={})
    environment = execution.ExecutionEnvironment(function, task, host)
    try:
        with pytest.MonkeyPatch.context() as patch:
            if not beside:
                patch.setenv("PATH", str(tmp_path))
            return environment.invoke("request-1", function.arn, {"beside": beside})
    finally:
        environment.close()


def test_ps_ends_a_function_that_allocates_beside_the_heap_where_there_is_no_proc(execution, tmp_path):
    outcome = _outcome_of_growth(execution, tmp_path, beside=True)
    assert outcome.failed
    assert not outcome.reusable
    assert outcome.body["errorType"] == "Runtime.ExitError"
    assert "signal: killed" in outcome.body["errorMessage"]


def test_v8_ends_a_function_whose_heap_grows_where_there_is_neither_proc_nor_ps(execution, tmp_path):
    outcome = _outcome_of_growth(execution, tmp_path, beside=False)
    assert outcome.failed
    assert outcome.body["errorType"] == "Runtime.ExitError"
    assert "signal: killed" not in outcome.body["errorMessage"]

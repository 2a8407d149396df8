from pathlib import Path

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports


def test_no_layer_imports_one_above_it():
    """The contract is in pyproject.toml."""
    assert lint_imports(config_filename=str(Path(__file__).parents[2] / "pyproject.toml")) == EXIT_STATUS_SUCCESS

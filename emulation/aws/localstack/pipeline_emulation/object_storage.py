"""Where S3's objects are put, which LocalStack takes from no setting: one folder for all LocalStacks of a machine."""

from __future__ import annotations

from pathlib import Path

import localstack.config as config
from localstack.services.s3 import provider

from pipeline_emulation.patching import IncompatibleLocalStackError


def install() -> None:
    """Makes LocalStack put objects below its own temporary folder."""
    if not hasattr(provider, "DEFAULT_S3_TMP_DIR"):
        raise IncompatibleLocalStackError(
            f"{provider.__name__}.DEFAULT_S3_TMP_DIR does not exist: the plugin is for LocalStack 4.14.0"
        )
    provider.DEFAULT_S3_TMP_DIR = str(Path(config.dirs.tmp) / "s3-storage")

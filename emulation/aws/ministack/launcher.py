"""Starts MiniStack, the AWS emulator, with what the pipeline needs and MiniStack 1.5.33 lacks.

Calls of state machines and functions to the services of ``PIPELINE_SERVICE_ENDPOINTS`` go there; all others to
MiniStack. ``emulation/aws/ministack.ts`` writes the environment.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

SHARED = Path(__file__).resolve().parent.parent / "shared"


def run() -> None:
    """Runs MiniStack until it is told to end."""
    from emulator_settings import CREDENTIALS, Settings

    # MiniStack reads its settings when it is imported.
    os.environ.update(CREDENTIALS)
    import cloudwatch
    import lambda_runtime
    import step_functions
    from aws_calls import AwsCalls
    from ministack import app  # pyright: ignore[reportAttributeAccessIssue, reportMissingImports]
    from repeated_requests import RepeatedRequests

    settings = Settings.read()
    gateway = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}"
    lambda_runtime.install(settings.function_host(gateway, settings.region))
    calls = AwsCalls(
        {**settings.service_endpoints, "s3": gateway},
        settings.region,
        (CREDENTIALS["AWS_ACCESS_KEY_ID"], CREDENTIALS["AWS_SECRET_ACCESS_KEY"]),
    )
    step_functions.install(calls)
    cloudwatch.install()
    app.app = RepeatedRequests(app.app)
    # MiniStack reads its own command line from here.
    sys.argv = ["ministack"]
    app.main()


def main() -> int:
    """Runs the emulator and gives the exit status."""
    try:
        sys.path.insert(0, str(SHARED))
        from parent_process import end_with_parent

        end_with_parent(os.getppid())
        run()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: that waits for the threads of executions that still run.
    os._exit(status)

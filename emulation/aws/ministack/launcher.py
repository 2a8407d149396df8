"""Starts MiniStack, the AWS emulator, with what the pipeline needs and MiniStack 1.5.33 lacks.

Calls of state machines and functions to the services named by --service-endpoint go there; all others to MiniStack.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SERVICES = (
    "sagemaker",
    "sagemaker-runtime",
    "application-autoscaling",
    "bedrock",
    "bedrock-runtime",
    "service-quotas",
)
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
"""Of everyone: the access key stands for MiniStack's default account, 000000000000."""
SHARED = Path(__file__).resolve().parent.parent / "shared"


@dataclass(frozen=True)
class Settings:
    """The launcher's command line."""

    port: int
    bind: str
    region: str
    wait_scale: float
    """Factor on the waits of state machines (Wait states and delays before retries), not on timeouts."""
    node: str
    certificate_authority: str | None
    """PEM file of an authority that the functions trust."""
    function_gateway: str | None
    """Where functions reach MiniStack, if not at MiniStack itself."""
    service_endpoints: Mapping[str, str]

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> Settings:
        """Reads the command line; exits with a usage message if it is wrong."""
        parser = argparse.ArgumentParser(description=__doc__)
        parser.add_argument("--port", type=int, required=True)
        parser.add_argument("--bind", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--region", default="us-east-1")
        parser.add_argument("--wait-scale", type=float, default=1.0, help="factor on the waits of state machines")
        parser.add_argument("--node", default="node", help="Node executable that runs the functions")
        parser.add_argument("--certificate-authority", metavar="FILE", help="PEM file that the functions trust")
        parser.add_argument("--function-gateway", metavar="URL", help="where functions reach MiniStack")
        parser.add_argument("--service-endpoint", action="append", default=[], metavar="SERVICE=URL")
        options = parser.parse_args(arguments)
        endpoints = dict(endpoint.partition("=")[::2] for endpoint in options.service_endpoint)
        unknown = endpoints.keys() - set(SERVICES)
        if unknown or not all(endpoints.values()):
            parser.error(f"--service-endpoint takes SERVICE=URL with one of the services {', '.join(SERVICES)}")
        return cls(
            options.port,
            options.bind,
            options.region,
            options.wait_scale,
            options.node,
            options.certificate_authority,
            options.function_gateway,
            endpoints,
        )

    @property
    def gateway(self) -> str:
        """MiniStack's own URL."""
        return f"http://127.0.0.1:{self.port}"


def run(settings: Settings) -> None:
    """Runs MiniStack until it is told to end."""
    # MiniStack reads its settings when it is imported.
    os.environ.update(
        GATEWAY_PORT=str(settings.port),
        BIND_HOST=settings.bind,
        MINISTACK_REGION=settings.region,
        SFN_WAIT_SCALE=str(settings.wait_scale),
        **CREDENTIALS,
    )
    import cloudwatch
    import lambda_runtime
    import step_functions
    from aws_calls import AwsCalls
    from lambda_execution import Host
    from ministack import app  # pyright: ignore[reportAttributeAccessIssue, reportMissingImports]
    from repeated_requests import RepeatedRequests

    endpoints = {service.upper().replace("-", "_"): url for service, url in settings.service_endpoints.items()}
    host = Host(
        node=settings.node,
        region=settings.region,
        endpoints={
            "AWS_ENDPOINT_URL": settings.function_gateway or settings.gateway,
            **{f"AWS_ENDPOINT_URL_{name}": url for name, url in endpoints.items()},
        },
        certificate_authority=settings.certificate_authority,
        credentials=CREDENTIALS,
    )
    lambda_runtime.install(host)
    calls = AwsCalls(
        {**settings.service_endpoints, "s3": settings.gateway},
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
    """Runs the command line and gives the exit status."""
    try:
        settings = Settings.parse(sys.argv[1:])
        sys.path.insert(0, str(SHARED))
        from parent_process import end_with_parent

        end_with_parent(os.getppid())
        run(settings)
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

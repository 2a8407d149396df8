"""What the harness tells the plugin, in the environment of LocalStack's process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

SERVICES = (
    "sagemaker",
    "sagemaker-runtime",
    "application-autoscaling",
    "bedrock",
    "bedrock-runtime",
    "service-quotas",
)


def _variable(service: str) -> str:
    return f"PIPELINE_ENDPOINT_{service.upper().replace('-', '_')}"


@dataclass(frozen=True)
class Settings:
    """The plugin's settings."""

    service_endpoints: Mapping[str, str]
    """botocore service name -> URL of the server that stands for it. From ``PIPELINE_ENDPOINT_<SERVICE>``."""
    region: str
    """From ``AWS_DEFAULT_REGION``; us-east-1 without."""
    wait_scale: float
    """Factor on the waits of state machines, not on timeouts. From ``PIPELINE_WAIT_SCALE``; 1 without."""
    certificate_authority: str | None
    """PEM file of an authority that the functions trust. From ``PIPELINE_CERTIFICATE_AUTHORITY``."""
    function_gateway: str | None
    """Where functions reach LocalStack, if not at LocalStack itself. From ``PIPELINE_FUNCTION_GATEWAY``."""
    node: str
    """The Node executable that runs the functions. From ``PIPELINE_NODE``; ``node`` without."""
    parent: int | None
    """The process with which LocalStack is to end. From ``PIPELINE_PARENT``."""

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Reads the environment."""
        return cls(
            service_endpoints={
                service: environment[_variable(service)] for service in SERVICES if _variable(service) in environment
            },
            region=environment.get("AWS_DEFAULT_REGION", "us-east-1"),
            wait_scale=float(environment.get("PIPELINE_WAIT_SCALE", "1")),
            certificate_authority=environment.get("PIPELINE_CERTIFICATE_AUTHORITY"),
            function_gateway=environment.get("PIPELINE_FUNCTION_GATEWAY"),
            node=environment.get("PIPELINE_NODE", "node"),
            parent=int(environment["PIPELINE_PARENT"]) if "PIPELINE_PARENT" in environment else None,
        )

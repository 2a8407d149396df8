"""What the emulators' extensions are told, in the environment of the emulator's process.

``emulation/aws/aws-emulator.ts`` writes the variables.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

from lambda_execution import Host

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
"""Of everyone: the access key stands for the emulator's default account, 000000000000."""


@dataclass(frozen=True)
class Settings:
    """The extensions' settings."""

    service_endpoints: Mapping[str, str]
    """botocore service name -> URL of the server that stands for it. From ``PIPELINE_SERVICE_ENDPOINTS``, in JSON."""
    region: str
    """From ``AWS_DEFAULT_REGION``."""
    wait_scale: float
    """Factor on the waits of state machines, not on timeouts. From ``PIPELINE_WAIT_SCALE``."""
    certificate_authority: str | None
    """PEM file of an authority that the functions trust. From ``PIPELINE_CERTIFICATE_AUTHORITY``."""
    function_gateway: str | None
    """Where functions reach the emulator, if not at the emulator itself. From ``PIPELINE_FUNCTION_GATEWAY``."""
    node: str
    """The Node executable that runs the functions. From ``PIPELINE_NODE``."""

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Reads the environment."""
        return cls(
            service_endpoints=json.loads(environment["PIPELINE_SERVICE_ENDPOINTS"]),
            region=environment["AWS_DEFAULT_REGION"],
            wait_scale=float(environment["PIPELINE_WAIT_SCALE"]),
            certificate_authority=environment.get("PIPELINE_CERTIFICATE_AUTHORITY"),
            function_gateway=environment.get("PIPELINE_FUNCTION_GATEWAY"),
            node=environment["PIPELINE_NODE"],
        )

    def function_host(self, gateway: str, region: str) -> Host:
        """What a function is given.

        Args:
            gateway: the emulator's own URL.
            region: the function's.
        """
        return Host(
            node=self.node,
            region=region,
            endpoints={
                "AWS_ENDPOINT_URL": self.function_gateway or gateway,
                **{
                    f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}": url
                    for service, url in self.service_endpoints.items()
                },
            },
            certificate_authority=self.certificate_authority,
            credentials=CREDENTIALS,
        )

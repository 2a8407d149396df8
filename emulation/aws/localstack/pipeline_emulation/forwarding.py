"""Services that LocalStack's community edition does not have, answered by the servers of the harness.

Each service's provider is an attribute of this module, named as the service with underscores; the entry points that
``emulation/aws/localstack.ts`` writes name them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator_settings import Settings
from localstack.aws.forwarder import AwsRequestProxy
from localstack.aws.skeleton import Skeleton
from localstack.aws.spec import load_service
from localstack.services.plugins import Service, aws_provider


def _forwarded(name: str) -> Callable[[], Service]:
    def provide() -> Service:
        model = load_service(name)
        # Raw responses would be taken for the skeleton's own and be serialised again.
        proxy = AwsRequestProxy(Settings.read().service_endpoints[name], parse_response=True)

        def forward(context: Any, _request: Any = None) -> Any:  # noqa: ANN401 - LocalStack's handler interface
            return proxy.forward(context)

        return Service(name=name, skeleton=Skeleton(model, dict.fromkeys(model.operation_names, forward)))

    return provide


def _provider(name: str) -> object:
    return aws_provider(api=name)(_forwarded(name))


for _service in Settings.read().service_endpoints:
    globals()[_service.replace("-", "_")] = _provider(_service)

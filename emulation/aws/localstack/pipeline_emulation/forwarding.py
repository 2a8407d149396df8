"""Services that LocalStack's community edition does not have, answered by the servers of the harness."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localstack.aws.forwarder import AwsRequestProxy
from localstack.aws.skeleton import Skeleton
from localstack.aws.spec import load_service
from localstack.services.plugins import Service, aws_provider

from pipeline_emulation.settings import Settings


def _forwarded(name: str) -> Callable[[], Service]:
    def provide() -> Service:
        model = load_service(name)
        # Raw responses would be taken for the skeleton's own and be serialised again.
        proxy = AwsRequestProxy(Settings.read().service_endpoints[name], parse_response=True)

        def forward(context: Any, _request: Any = None) -> Any:  # noqa: ANN401 - LocalStack's handler interface
            return proxy.forward(context)

        return Service(name=name, skeleton=Skeleton(model, dict.fromkeys(model.operation_names, forward)))

    return provide


sagemaker = aws_provider(api="sagemaker")(_forwarded("sagemaker"))
sagemaker_runtime = aws_provider(api="sagemaker-runtime")(_forwarded("sagemaker-runtime"))
application_autoscaling = aws_provider(api="application-autoscaling")(_forwarded("application-autoscaling"))
bedrock = aws_provider(api="bedrock")(_forwarded("bedrock"))
bedrock_runtime = aws_provider(api="bedrock-runtime")(_forwarded("bedrock-runtime"))
service_quotas = aws_provider(api="service-quotas")(_forwarded("service-quotas"))

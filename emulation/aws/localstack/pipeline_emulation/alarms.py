"""Tags given with PutMetricAlarm, which LocalStack forgets and Terraform then wants to add again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localstack.aws.api.cloudwatch import PutMetricAlarmInput
from localstack.services.cloudwatch.provider_v2 import CloudwatchProvider
from patching import wrap


def install() -> None:
    """Makes LocalStack keep the tags of a new alarm."""

    def put_metric_alarm(original: Callable[..., None]) -> Callable[..., None]:
        def put(provider: CloudwatchProvider, context: Any, request: PutMetricAlarmInput) -> None:  # noqa: ANN401
            original(provider, context, request)
            if tags := request.get("Tags"):
                arn = f"arn:aws:cloudwatch:{context.region}:{context.account_id}:alarm:{request['AlarmName']}"
                provider.get_store(context.account_id, context.region).TAGS.tag_resource(arn, tags)

        return put

    wrap(CloudwatchProvider, "put_metric_alarm", put_metric_alarm)

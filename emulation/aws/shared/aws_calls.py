"""Calls AWS APIs the way Step Functions does: JSON in PascalCase in and out, and its error names."""

from __future__ import annotations

import datetime
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import botocore.config
import botocore.exceptions
import botocore.session
from botocore import xform_name


class AwsCallError(Exception):
    """A call that failed, under the error name that Step Functions gives it."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause


@dataclass(frozen=True)
class Service:
    """A service as Step Functions names it in ``aws-sdk:<service>`` resources and in errors."""

    botocore_name: str
    error_prefix: str
    """Before the dot in error names."""
    base_exception: str
    """Stands for every error code that the API does not model. The AWS SDK for Java, whose exception classes
    Step Functions reports, calls it ``<service>Exception`` (version 2, SDK integrations) or
    ``Amazon<service>Exception`` (version 1, optimised integrations)."""


SDK_SERVICES: Mapping[str, Service] = {
    "sagemaker": Service("sagemaker", "SageMaker", "SageMakerException"),
    "sagemakerruntime": Service("sagemaker-runtime", "SageMakerRuntime", "SageMakerRuntimeException"),
    "applicationautoscaling": Service(
        "application-autoscaling", "ApplicationAutoScaling", "ApplicationAutoScalingException"
    ),
    "bedrock": Service("bedrock", "Bedrock", "BedrockException"),
    "bedrockruntime": Service("bedrock-runtime", "BedrockRuntime", "BedrockRuntimeException"),
    "s3": Service("s3", "S3", "S3Exception"),
}
OPTIMISED_SAGEMAKER = Service("sagemaker", "SageMaker", "AmazonSageMakerException")


@dataclass(frozen=True)
class Job:
    """How to watch and to end the job that an action starts."""

    describe: str
    stop: str
    name: str
    status: str


JOBS: Mapping[str, Job] = {
    "createTrainingJob": Job("describeTrainingJob", "stopTrainingJob", "TrainingJobName", "TrainingJobStatus"),
    "createProcessingJob": Job(
        "describeProcessingJob", "stopProcessingJob", "ProcessingJobName", "ProcessingJobStatus"
    ),
    "createTransformJob": Job("describeTransformJob", "stopTransformJob", "TransformJobName", "TransformJobStatus"),
}
OPTIMISED_ACTIONS = frozenset({*JOBS, "createModel", "createEndpointConfig", "createEndpoint", "updateEndpoint"})


class AwsCalls:
    """Clients of the services that Step Functions integrates with.

    Args:
        endpoints: botocore service name -> URL.
        region: the region requests are signed for.
        credentials: access key and secret key.
    """

    def __init__(self, endpoints: Mapping[str, str], region: str, credentials: tuple[str, str]) -> None:
        self._endpoints = endpoints
        self._region = region
        self._access_key, self._secret_key = credentials
        # Branches of a state machine call at the same time; botocore's session is for one thread.
        self._lock = threading.Lock()
        self._session = botocore.session.get_session()
        self._clients: dict[str, Any] = {}

    def _client(self, service: Service) -> Any:  # noqa: ANN401 - botocore makes client classes at run time
        name = service.botocore_name
        if name not in self._endpoints:
            raise AwsCallError(
                "States.Runtime", f"The emulator has no {name}: start it with --service-endpoint {name}=URL"
            )
        with self._lock:
            if name not in self._clients:
                self._clients[name] = self._session.create_client(
                    name,
                    region_name=self._region,
                    aws_access_key_id=self._access_key,
                    aws_secret_access_key=self._secret_key,
                    endpoint_url=self._endpoints[name],
                    config=botocore.config.Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
                )
            return self._clients[name]

    def call(self, service: Service, action: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Calls ``action`` (camelCase, as in the resource) and gives its response as Step Functions would.

        Raises:
            AwsCallError: the API answered with an error, could not be reached, or refuses the arguments.
        """
        client = self._client(service)
        operation = _operation(client, action)
        model = client.meta.service_model.operation_model(operation)
        prefix = service.error_prefix
        try:
            response = getattr(client, xform_name(operation))(**_to_botocore(dict(arguments), model.input_shape))
            return {} if model.output_shape is None else _from_botocore(response, model.output_shape)
        except botocore.exceptions.ClientError as error:
            raise AwsCallError(_error_name(service, model, error), _cause(prefix, error)) from error
        except botocore.exceptions.ParamValidationError as error:
            raise AwsCallError("States.Runtime", str(error)) from error
        except botocore.exceptions.BotoCoreError as error:
            raise AwsCallError(f"{prefix}.SdkClientException", str(error)) from error


def _operation(client: Any, action: str) -> str:  # noqa: ANN401
    for name in client.meta.service_model.operation_names:
        if name[0].lower() + name[1:] == action:
            return name
    raise AwsCallError("States.Runtime", f"{client.meta.service_model.service_name} has no action {action!r}")


def _error_name(service: Service, operation: Any, error: botocore.exceptions.ClientError) -> str:  # noqa: ANN401
    code = error.response["Error"]["Code"]
    modelled = {
        name
        for shape in operation.error_shapes
        for name in (shape.name, shape.metadata.get("error", {}).get("code"))
        if name
    }
    if code not in modelled:
        return f"{service.error_prefix}.{service.base_exception}"
    return f"{service.error_prefix}.{code if code.endswith('Exception') else code + 'Exception'}"


def _cause(prefix: str, error: botocore.exceptions.ClientError) -> str:
    metadata = error.response.get("ResponseMetadata", {})
    return (
        f"{error.response['Error'].get('Message', '')} (Service: {prefix}, "
        f"Status Code: {metadata.get('HTTPStatusCode')}, Request ID: {metadata.get('RequestId')})"
    )


def _to_botocore(value: Any, shape: Any) -> Any:  # noqa: ANN401
    """Renames the members of structures: REST services spell them in camelCase, Step Functions in PascalCase."""
    if shape is None:
        return value
    if shape.type_name == "structure" and isinstance(value, dict):
        members = {name.lower(): name for name in shape.members}
        return {
            name: _to_botocore(member, shape.members.get(name))
            for name, member in ((members.get(key.lower(), key), member) for key, member in value.items())
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [_to_botocore(item, shape.member) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: _to_botocore(item, shape.value) for key, item in value.items()}
    if shape.type_name == "blob" and not isinstance(value, str):
        return json.dumps(value).encode()
    return value


def _from_botocore(value: Any, shape: Any) -> Any:  # noqa: ANN401
    """The JSON of a response: PascalCase members, ISO 8601 times, streams as text."""
    if isinstance(value, dict):
        if shape.type_name == "map":
            return {key: _from_botocore(item, shape.value) for key, item in value.items()}
        return {
            key[0].upper() + key[1:]: _from_botocore(item, shape.members[key])
            for key, item in value.items()
            if key in shape.members
        }
    if isinstance(value, list):
        return [_from_botocore(item, shape.member) for item in value]
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if hasattr(value, "read"):
        value = value.read()
    if isinstance(value, bytes):
        return value.decode()
    return value

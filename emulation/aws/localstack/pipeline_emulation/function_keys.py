"""``KMSKeyArn`` of functions, which LocalStack forgets and Terraform then wants to set again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localstack.services.lambda_ import api_utils
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion
from localstack.services.lambda_.provider import LambdaProvider
from patching import wrap


def install() -> None:
    """Makes LocalStack tell each function's key."""
    keys: dict[str, str] = {}

    def remember(original: Callable[..., Any]) -> Callable[..., Any]:
        def handle(provider: LambdaProvider, context: Any, request: Mapping[str, Any]) -> Any:  # noqa: ANN401
            if "KMSKeyArn" in request:
                name = request["FunctionName"].rsplit(":", 1)[-1]
                keys[f"arn:aws:lambda:{context.region}:{context.account_id}:function:{name}"] = request["KMSKeyArn"]
            return original(provider, context, request)

        return handle

    def map_config_out(original: Callable[..., Any]) -> Callable[..., Any]:
        def map_out(version: FunctionVersion, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
            configuration = original(version, *arguments, **options)
            if key := keys.get(version.id.unqualified_arn()):
                configuration["KMSKeyArn"] = key
            return configuration

        return map_out

    wrap(LambdaProvider, "create_function", remember)
    wrap(LambdaProvider, "update_function_configuration", remember)
    wrap(api_utils, "map_config_out", map_config_out)

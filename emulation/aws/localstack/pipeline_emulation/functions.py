"""Node functions as processes beside LocalStack, where its own executor needs a Docker engine and downloads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import localstack.config as config
from emulator_settings import Settings
from lambda_execution import ExecutionEnvironment, FunctionConfiguration, Host
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

LOOPBACK = "127.0.0.1"


class UnsupportedFunctionError(Exception):
    """The function is no Node function in a zip file."""


def _host(region: str) -> Host:
    return Settings.read().function_host(f"http://{LOOPBACK}:{config.GATEWAY_LISTEN[0].port}", region)


def _configuration(version: FunctionVersion) -> FunctionConfiguration:
    """Reads LocalStack's record of a function."""
    function = version.config
    if function.handler is None or not str(function.runtime).startswith("nodejs"):
        raise UnsupportedFunctionError(f"{version.id.function_name}: the emulator runs Node functions from zip files")
    return FunctionConfiguration(
        name=version.id.function_name,
        arn=version.id.unqualified_arn(),
        version=version.id.qualifier,
        revision=function.internal_revision,
        runtime=str(function.runtime),
        handler=function.handler,
        memory_mb=function.memory_size,
        timeout_seconds=function.timeout,
        log_group=function.logging_config.get("LogGroup") or f"/aws/lambda/{version.id.function_name}",
        role=function.role,
        variables=function.environment or {},
    )


class ProcessExecutor(RuntimeExecutor):
    """One of LocalStack's execution environments of a function: a process, and after a crash another one."""

    _environment: ExecutionEnvironment | None = None
    _log = ""

    def start(self, env_vars: Mapping[str, str]) -> None:  # noqa: ARG002 - the process gets an environment of its own
        """Starts the process; the function's module is loaded at the first invocation."""
        self._function = _configuration(self.function_version)
        self._environment = self._new_environment()

    def _new_environment(self) -> ExecutionEnvironment:
        code = self.function_version.config.code
        if code is None:
            raise UnsupportedFunctionError(f"{self._function.name}: the emulator runs functions from zip files")
        root = Path(code.get_unzipped_code_location())
        return ExecutionEnvironment(self._function, root, _host(self.function_version.id.region))

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        """Runs the handler."""
        request_id = payload["invoke-id"]
        if self._environment is None:
            self._environment = self._new_environment()
        outcome = self._environment.invoke(
            request_id, payload["invoked-function-arn"], json.loads(payload["payload"] or "null")
        )
        if not outcome.reusable:
            self._environment.close()
            self._environment = None
        self._log += outcome.log
        log = (
            f"START RequestId: {request_id} Version: {self._function.version}\n{outcome.log}"
            f"END RequestId: {request_id}\nREPORT RequestId: {request_id}\n"
        )
        return InvocationResult(request_id, json.dumps(outcome.body).encode(), outcome.failed, log)

    def stop(self) -> None:
        """Ends the process."""
        if self._environment is not None:
            self._environment.close()
            self._environment = None

    def get_address(self) -> str:
        """Where the environment is."""
        return LOOPBACK

    def get_endpoint_from_executor(self) -> str:
        """Where LocalStack is, seen from the function."""
        return LOOPBACK

    def get_runtime_endpoint(self) -> str:
        """No Lambda runtime API: requests travel over pipes."""
        return ""

    def get_logs(self) -> str:
        """All that the function wrote."""
        return self._log

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        """Unpacks the code."""
        if function_version.config.code is not None:
            function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """Nothing to do: LocalStack removes the code."""


class ProcessExecutorPlugin(RuntimeExecutorPlugin):
    """Chosen by ``LAMBDA_RUNTIME_EXECUTOR=process``."""

    name = "process"

    def load(self, *_arguments: Any, **_options: Any) -> type[RuntimeExecutor]:  # noqa: ANN401
        """The executor's class."""
        return ProcessExecutor

"""Makes MiniStack execute Node functions as shared/lambda_execution.py does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from lambda_execution import ExecutionEnvironment, FunctionConfiguration, Host, Outcome
from ministack.services import lambda_svc  # pyright: ignore[reportMissingImports]
from patching import wrap

Json = Any


def _configuration(config: Mapping[str, Any]) -> FunctionConfiguration:
    """Reads MiniStack's record of a function."""
    name = config["FunctionName"]
    return FunctionConfiguration(
        name=name,
        arn=config["FunctionArn"],
        version=config.get("Version", "$LATEST"),
        revision=f"{config.get('CodeSha256')}:{config.get('RevisionId')}",
        runtime=config.get("Runtime", ""),
        handler=config["Handler"],
        memory_mb=int(config.get("MemorySize", 128)),
        timeout_seconds=int(config.get("Timeout", 3)),
        log_group=(config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}",
        role=config["Role"],
        variables=(config.get("Environment") or {}).get("Variables") or {},
    )


def _outcome(outcome: Outcome) -> dict[str, Json]:
    """The result as MiniStack's executors give it."""
    return {"body": outcome.body, "log": outcome.log, **({"error": True} if outcome.failed else {})}


class Pool:
    """Idle execution environments, reused by the next invocation of the same revision of a function."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._lock = threading.Lock()
        self._idle: list[ExecutionEnvironment] = []

    def invoke(self, config: Mapping[str, Any], code_zip: bytes, request_id: str, event: Json) -> Outcome:
        """Runs one invocation in an idle environment or in a new one."""
        function = _configuration(config)
        environment = self._take(function) or ExecutionEnvironment(function, code_zip, self._host)
        outcome = environment.invoke(request_id, function.arn, event)
        if outcome.reusable:
            with self._lock:
                self._idle.append(environment)
        else:
            environment.close()
        return outcome

    def _take(self, function: FunctionConfiguration) -> ExecutionEnvironment | None:
        with self._lock:
            for environment in reversed(self._idle):
                idle = environment.function
                if (idle.name, idle.version, idle.revision) == (function.name, function.version, function.revision):
                    self._idle.remove(environment)
                    return environment
        return None

    def discard(self, name: str) -> None:
        """Ends the idle environments of a function that was changed or deleted."""
        with self._lock:
            discarded = [environment for environment in self._idle if environment.function.name == name]
            self._idle = [environment for environment in self._idle if environment.function.name != name]
        for environment in discarded:
            environment.close()


def install(host: Host) -> None:
    """Makes MiniStack run Node functions from zip files in this module's processes."""
    pool = Pool(host)

    def execute_warm(original: Callable[..., Json]) -> Callable[..., Json]:
        def execute(function: dict[str, Json], event: Json, request_id: str) -> Json:
            config = function.get("config") or function
            code_zip = function.get("code_zip")
            if not code_zip or not config.get("Runtime", "").startswith("nodejs"):
                return original(function, event, request_id)
            return _outcome(pool.invoke(config, code_zip, request_id, event))

        return execute

    def invalidate_worker(original: Callable[..., None]) -> Callable[..., None]:
        def invalidate(name: str, *arguments: Json, **options: Json) -> None:
            pool.discard(name)
            original(name, *arguments, **options)

        return invalidate

    wrap(lambda_svc, "_execute_function_warm", execute_warm)
    wrap(lambda_svc, "invalidate_worker", invalidate_worker)

"""What Step Functions does and MiniStack 1.5.33 does not: the SageMaker and AWS SDK integrations, and ending work.

``TimeoutSeconds`` of a task and of the state machine, StopExecution and a failing branch end what runs, including the
SageMaker job that a ``.sync`` task waits for. RedriveExecution is in ``redrive``.
"""

from __future__ import annotations

import contextvars
import copy
import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import cancellation
import redrive
import state_paths
from aws_calls import JOBS, OPTIMISED_ACTIONS, OPTIMISED_SAGEMAKER, SDK_SERVICES, AwsCallError, AwsCalls, Job
from ministack.services import stepfunctions as sfn  # pyright: ignore[reportMissingImports]
from patching import wrap

Json = Any
Response = tuple[int, dict[str, str], bytes]

JOB_POLL_SECONDS = 0.5
CANCELLATION_POLL_SECONDS = 0.1
MAX_PAYLOAD_BYTES = 256 * 1024
"""Of the input and output of a state; the quota of Step Functions."""


class ExecutionEndedError(Exception):
    """The execution was stopped or timed out; no Retry or Catch sees this."""


class TaskTimedOutError(Exception):
    """The attempt ran longer than the state's TimeoutSeconds."""


class BranchCancelledError(Exception):
    """Another branch of the state failed; no Retry or Catch within the branch sees this."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(str(cause))
        self.cause = cause


@dataclass(frozen=True)
class _RunningState:
    definition: Mapping[str, Json]
    execution: dict[str, Json]
    context: dict[str, Json]


_running_state: ContextVar[_RunningState] = ContextVar("running_state")
_executions: dict[str, cancellation.Cancellation] = {}


def install(calls: AwsCalls) -> None:
    """Adds the integrations, made through ``calls``, and the rest of this module to MiniStack."""
    state_paths.install()
    redrive.install()
    _install_integrations(calls)
    _install_states()
    _install_retries()
    _install_ends()
    _install_tracing_configuration()


def _install_integrations(calls: AwsCalls) -> None:
    def invoke_resource(original: Callable[..., Json]) -> Callable[..., Json]:
        def invoke(resource: str, arguments: Json) -> Json:
            _tell_parameters(resource, arguments)
            try:
                result = _invoke(calls, original, resource, arguments)
            except AwsCallError as error:
                raise sfn._ExecutionError(error.error, error.cause) from error
            _check_size(result, resource)
            return result

        return invoke

    wrap(sfn, "_invoke_resource", invoke_resource)
    wrap(sfn, "_invoke_resource_with_timeout", lambda _original: _invoke_with_timeout)


def _invoke(calls: AwsCalls, original: Callable[..., Json], resource: str, arguments: Json) -> Json:
    # arn:aws:states:::sagemaker:createTrainingJob.sync, arn:aws:states:::aws-sdk:s3:getObject
    integration, *action = resource.removeprefix("arn:aws:states:::").split(":")
    if integration == "sagemaker" and action:
        name, _, mode = action[0].partition(".")
        if name not in OPTIMISED_ACTIONS or mode not in ("", "sync") or (mode == "sync" and name not in JOBS):
            raise AwsCallError("States.Runtime", f"The emulator does not know the resource {resource}")
        started = calls.call(OPTIMISED_SAGEMAKER, name, arguments)
        return _wait_for_job(calls, JOBS[name], resource, arguments, started) if mode == "sync" else started
    if integration == "aws-sdk" and len(action) == 2 and action[0] in SDK_SERVICES:
        return calls.call(SDK_SERVICES[action[0]], action[1], arguments)
    return original(resource, arguments)


def _tell_parameters(resource: str, arguments: Json) -> None:
    """Makes the TaskScheduled event tell API and parameters as that of Step Functions does."""
    integration, _, action = resource.removeprefix("arn:aws:states:::").rpartition(":")
    running = _running_state.get(None)
    if running is None:
        return
    for event in reversed(running.execution["events"]):
        details = event.get("taskScheduledEventDetails", {})
        # Branches that run at the same time add theirs to the same list.
        if details.get("resource") == resource and "parameters" not in details:
            details.update(resourceType=integration, resource=action, parameters=json.dumps(arguments))
            return


def _wait_for_job(calls: AwsCalls, job: Job, resource: str, arguments: Json, started: Json) -> Json:
    key = {job.name: arguments[job.name]}
    details = {"resourceType": "sagemaker", "resource": resource, "output": json.dumps(started)}
    sfn._add_event(_running_state.get().execution, "TaskSubmitted", {"taskSubmittedEventDetails": details})
    scope = cancellation.current()
    while True:
        description = calls.call(OPTIMISED_SAGEMAKER, job.describe, key)
        status = description[job.status]
        if status == "Completed":
            return description
        if status in ("Failed", "Stopped"):
            raise sfn._ExecutionError("States.TaskFailed", json.dumps(description))
        try:
            scope.wait(JOB_POLL_SECONDS)
        except Exception:
            _stop_job(calls, job, key)
            raise


def _stop_job(calls: AwsCalls, job: Job, key: Mapping[str, str]) -> None:
    try:
        calls.call(OPTIMISED_SAGEMAKER, job.stop, key)
    except AwsCallError as error:
        # Best effort, as on AWS: the job may have ended meanwhile.
        sfn.logger.warning("%s of %s failed: %s", job.stop, key[job.name], error)


def _invoke_with_timeout(resource: str, arguments: Json, timeout: float) -> Json:
    future: Future[Json] = Future()

    def run() -> None:
        try:
            future.set_result(sfn._invoke_resource(resource, arguments))
        except BaseException as error:
            future.set_exception(error)

    with cancellation.scope() as attempt:
        deadline = time.monotonic() + timeout
        threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True).start()
        while True:
            try:
                return future.result(timeout=CANCELLATION_POLL_SECONDS)
            except FutureTimeoutError:
                attempt.check()
                if time.monotonic() > deadline:
                    attempt.cancel(TaskTimedOutError())
                    raise sfn._ExecutionError("States.Timeout", f"Task timed out after {timeout} seconds") from None


def _check_size(payload: Json, what: str) -> None:
    if len(json.dumps(payload, separators=(",", ":")).encode()) > MAX_PAYLOAD_BYTES:
        raise sfn._ExecutionError(
            "States.DataLimitExceeded",
            f"The state/task '{what}' returned a result with a size exceeding the maximum number of bytes service "
            f"limit ({MAX_PAYLOAD_BYTES})",
        )


def _install_states() -> None:
    def with_state(original: Callable[..., Json]) -> Callable[..., Json]:
        def execute(
            definition: dict[str, Json], raw_input: Json, execution: dict[str, Json], context: dict[str, Json]
        ) -> Json:
            if "TimeoutSecondsPath" in definition:
                seconds = sfn._resolve_path_or_ctx(definition["TimeoutSecondsPath"], raw_input, context)
                definition = {**definition, "TimeoutSeconds": seconds}
            token = _running_state.set(_RunningState(definition, execution, context))
            try:
                output, following = original(definition, raw_input, execution, context)
            finally:
                _running_state.reset(token)
            _check_size(output, context["State"]["Name"])
            redrive.forget_iterations(execution, context["State"]["Name"])
            return output, following

        return execute

    def with_branches(original: Callable[..., Json]) -> Callable[..., Json]:
        def run(*arguments: Json) -> Json:
            with cancellation.scope():
                return original(*arguments)

        return run

    def result_selector(_original: Callable[..., Json]) -> Callable[..., Json]:
        def select(definition: dict[str, Json], data: Json) -> Json:
            selector = definition.get("ResultSelector")
            if not selector:
                return data
            running = _running_state.get(None)
            return sfn._resolve_params_obj(selector, data, running.context if running else None)

        return select

    for handler in ("_execute_task", "_execute_parallel", "_execute_map"):
        wrap(sfn, handler, with_state)
    for branches in ("_run_parallel_branches", "_run_map_items"):
        wrap(sfn, branches, with_branches)
    wrap(sfn, "_apply_result_selector", result_selector)
    wrap(sfn, "_run_sub_machine", lambda _original: _run_branch)


def _run_branch(
    states: dict[str, Json], start_at: str, input_data: Json, execution: dict[str, Json], context: dict[str, Json]
) -> Json:
    """Runs one branch with a context and events of its own, until it ends or another one fails."""
    parent = _running_state.get()
    # Branches of a Parallel state are given one and the same context.
    context = {**context}
    iteration = (
        {"name": parent.context["State"]["Name"], "index": context["Map"]["Item"]["Index"]}
        if parent.definition.get("Type") == "Map"
        else None
    )
    siblings = cancellation.current()
    progress = redrive.iteration_progress(execution, iteration, start_at, input_data)
    if progress.ended:
        return progress.document

    def record(event: str) -> None:
        if iteration is not None:
            sfn._add_event(execution, f"MapIteration{event}", {f"mapIteration{event}EventDetails": iteration})

    record("Started")
    try:
        output = run_states(states, progress, execution, context)
    except BranchCancelledError as cancelled:
        record("Aborted")
        raise cancelled.cause from None
    except sfn._ExecutionError as error:
        record("Failed")
        siblings.cancel(BranchCancelledError(error))
        raise
    record("Succeeded")
    progress.document, progress.ended = output, True
    return output


def run_states(
    states: dict[str, Json], progress: redrive.Progress, execution: dict[str, Json], context: dict[str, Json]
) -> Json:
    """Runs states from where ``progress`` says to the end, and keeps there how far it came."""
    name: str | None = progress.state
    current = copy.deepcopy(progress.document)
    while name:
        progress.state, progress.document = name, copy.deepcopy(current)
        cancellation.current().check()
        definition = states.get(name)
        if definition is None:
            raise sfn._ExecutionError("States.Runtime", f"State '{name}' not found in definition")
        kind = definition["Type"]
        context["State"] = {"Name": name, "EnteredTime": sfn.now_iso(), "RetryCount": 0}
        entered = {"name": name, "input": json.dumps(current)}
        sfn._add_event(execution, f"{kind}StateEntered", {"stateEnteredEventDetails": entered})
        if kind == "Fail":
            raise sfn._ExecutionError(*sfn._fail_state_error(definition, current, context))
        following: str | None = None
        if kind == "Succeed":
            current = sfn._apply_output_path(definition, sfn._apply_input_path(definition, current, context), context)
        elif kind in ("Task", "Parallel", "Map"):
            handler = getattr(sfn, f"_execute_{kind.lower()}")
            current, following = handler(definition, current, execution, context)
        else:
            current, following = getattr(sfn, f"_execute_{kind.lower()}")(definition, current, context)
        exited = {"name": name, "output": json.dumps(current)}
        sfn._add_event(execution, f"{kind}StateExited", {"stateExitedEventDetails": exited})
        name = following
    return current


def _install_retries() -> None:
    """Delays as the retrier says, though MiniStack itself caps each at 60 s."""

    def find_retrier(original: Callable[..., Json]) -> Callable[..., Json]:
        def find(retriers: list[dict[str, Json]], error: str, counts: dict[int, int]) -> Json:
            retrier, index = original(retriers, error, counts)
            if retrier is None:
                return retrier, index
            delay = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** counts.get(index, 0)
            delay = min(delay, retrier.get("MaxDelaySeconds", delay))
            if retrier.get("JitterStrategy") == "FULL":
                delay = random.uniform(0, delay)
            return {**retrier, "IntervalSeconds": delay, "BackoffRate": 1}, index

        return find

    def error_matches(original: Callable[..., bool]) -> Callable[..., bool]:
        def matches(names: list[str], error: str) -> bool:
            if error in ("States.Runtime", "States.DataLimitExceeded"):
                return error in names
            return original(names, error)

        return matches

    def scaled_sleep(seconds: float) -> None:
        cancellation.current().wait(seconds * sfn._SFN_WAIT_SCALE)

    wrap(sfn, "_find_matching_retrier", find_retrier)
    wrap(sfn, "_error_matches", error_matches)
    wrap(sfn, "_scaled_sleep", lambda _original: scaled_sleep)


def _install_ends() -> None:
    events_lock = threading.Lock()

    def add_event(original: Callable[..., Json]) -> Callable[..., Json]:
        def add(*arguments: Json) -> Json:
            with events_lock:
                return original(*arguments)

        return add

    def fail_execution(original: Callable[..., None]) -> Callable[..., None]:
        def fail(execution: dict[str, Json], error: str, cause: str) -> None:
            if execution["status"] == "RUNNING":
                original(execution, error, cause)

        return fail

    def run_execution(original: Callable[..., None]) -> Callable[..., None]:
        def run(arn: str) -> None:
            with cancellation.scope() as scope:
                _executions[arn] = scope
                timer = _execution_timer(arn)
                try:
                    redrive.resume_or(original, arn, run_states)
                finally:
                    del _executions[arn]
                    if timer is not None:
                        timer.cancel()

        return run

    def stop_execution(original: Callable[..., Response]) -> Callable[..., Response]:
        def stop(request: dict[str, Json]) -> Response:
            response = original(request)
            scope = _executions.get(request.get("executionArn", ""))
            if response[0] == 200 and scope is not None:
                scope.cancel(ExecutionEndedError("stopped"))
            return response

        return stop

    wrap(sfn, "_add_event", add_event)
    wrap(sfn, "_fail_execution", fail_execution)
    wrap(sfn, "_run_execution", run_execution)
    wrap(sfn, "_stop_execution", stop_execution)


def _execution_timer(arn: str) -> threading.Timer | None:
    execution = sfn._executions[arn]
    machine = sfn._state_machines.get(execution["stateMachineArn"])
    seconds = json.loads(machine["definition"]).get("TimeoutSeconds") if machine else None
    if seconds is None:
        return None

    def end() -> None:
        if execution["status"] != "RUNNING":
            return
        execution.update(status="TIMED_OUT", stopDate=sfn.now_iso(), error="States.Timeout")
        sfn._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {"error": "States.Timeout"}})
        sfn._emit_execution_status_event(execution)
        scope = _executions.get(arn)
        if scope is not None:
            scope.cancel(ExecutionEndedError("timed out"))

    timer = threading.Timer(seconds, contextvars.copy_context().run, args=(end,))
    timer.daemon = True
    timer.start()
    return timer


def _install_tracing_configuration() -> None:
    """Terraform sees drift in a state machine that does not tell its tracing configuration."""

    def create(original: Callable[..., Response]) -> Callable[..., Response]:
        def keep(request: dict[str, Json]) -> Response:
            status, headers, body = original(request)
            if status == 200:
                machine = sfn._state_machines[json.loads(body)["stateMachineArn"]]
                machine["tracingConfiguration"] = request.get("tracingConfiguration", {"enabled": False})
            return status, headers, body

        return keep

    def update(original: Callable[..., Response]) -> Callable[..., Response]:
        def keep(request: dict[str, Json]) -> Response:
            response = original(request)
            if response[0] == 200 and "tracingConfiguration" in request:
                machine = sfn._state_machines[request["stateMachineArn"]]
                machine["tracingConfiguration"] = request["tracingConfiguration"]
            return response

        return keep

    wrap(sfn, "_create_state_machine", create)
    wrap(sfn, "_update_state_machine", update)

"""What Step Functions does and LocalStack 4.14.0 does not, or otherwise: SageMaker, waits, tracing, StopExecution."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from aws_calls import JOBS, OPTIMISED_ACTIONS, OPTIMISED_SAGEMAKER, SDK_SERVICES, AwsCallError, AwsCalls
from emulator_settings import Settings
from localstack.aws.api.stepfunctions import (
    ExecutionStatus,
    HistoryEventType,
    TaskFailedEventDetails,
    TaskSubmittedEventDetails,
)
from localstack.services.stepfunctions.asl.component.common.error_name.custom_error_name import CustomErrorName
from localstack.services.stepfunctions.asl.component.common.error_name.error_name import ErrorName
from localstack.services.stepfunctions.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from localstack.services.stepfunctions.asl.component.common.error_name.states_error_name import StatesErrorName
from localstack.services.stepfunctions.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from localstack.services.stepfunctions.asl.component.common.retry import retrier_decl
from localstack.services.stepfunctions.asl.component.state.state_choice.state_choice import StateChoice
from localstack.services.stepfunctions.asl.component.state.state_execution.state_task import state_task_factory
from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service import (
    state_task_service_aws_sdk,
)
from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service.resource import (
    ResourceCondition,
)
from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service.state_task_service import (  # noqa: E501
    StateTaskService,
)
from localstack.services.stepfunctions.asl.component.state.state_wait.wait_function.wait_function import WaitFunction
from localstack.services.stepfunctions.asl.eval.environment import Environment
from localstack.services.stepfunctions.asl.eval.event.event_detail import EventDetails
from localstack.services.stepfunctions.asl.utils.encoding import to_json_str
from localstack.services.stepfunctions.backend.execution import Execution
from localstack.services.stepfunctions.backend.state_machine import StateMachineInstance
from localstack.services.stepfunctions.provider import StepFunctionsProvider
from patching import wrap

Json = Any

JOB_POLL_SECONDS = 0.5


def install(settings: Settings) -> None:
    """Adds all of this to LocalStack."""
    _install_sagemaker(settings)
    _name_services()
    _scale_waits(settings.wait_scale)
    _tell_tracing_configuration()
    _end_stopped_executions()
    _name_choices_without_a_way_out()


class SageMakerService(StateTaskService):
    """``arn:aws:states:::sagemaker:<action>`` and ``….sync``; LocalStack has neither."""

    def __init__(self, calls: AwsCalls) -> None:
        super().__init__()
        self._calls = calls

    def _validate_service_integration_is_supported(self) -> None:
        action, condition = self.resource.api_action, self.resource.condition
        if action not in OPTIMISED_ACTIONS or condition not in (None, ResourceCondition.Sync):
            raise ValueError(f"The emulator does not know the resource {self.resource.resource_arn}")
        if condition == ResourceCondition.Sync and action not in JOBS:
            raise ValueError(f"{self.resource.resource_arn} has no .sync")

    def _get_sfn_resource(self) -> str:
        resource = super()._get_sfn_resource()
        return resource if self.resource.condition is None else f"{resource}.{self.resource.condition}"

    def _normalise_parameters(self, *_arguments: Json, **_options: Json) -> None:
        """Done by the calls."""

    def _normalise_response(self, *_arguments: Json, **_options: Json) -> None:
        """Done by the calls."""

    def _failure(self, env: Environment, name: ErrorName, cause: str) -> FailureEvent:
        details = TaskFailedEventDetails(
            resource=self._get_sfn_resource(),
            resourceType=self._get_sfn_resource_type(),
            error=name.error_name,
            cause=cause,
        )
        return FailureEvent(
            env=env,
            error_name=name,
            event_type=HistoryEventType.TaskFailed,
            event_details=EventDetails(taskFailedEventDetails=details),
        )

    def _from_error(self, env: Environment, ex: Exception) -> FailureEvent:
        if isinstance(ex, AwsCallError):
            runtime = ex.error == StatesErrorNameType.StatesRuntime.to_name()
            name = StatesErrorName(StatesErrorNameType.StatesRuntime) if runtime else CustomErrorName(ex.error)
            return self._failure(env, name, ex.cause)
        return super()._from_error(env=env, ex=ex)

    def _eval_service_task(
        self,
        env: Environment,
        resource_runtime_part: Json,  # noqa: ARG002 - the plugin knows where SageMaker is
        normalised_parameters: dict[str, Json],
        state_credentials: Json,  # noqa: ARG002
    ) -> None:
        action = self.resource.api_action
        started = self._calls.call(OPTIMISED_SAGEMAKER, action, normalised_parameters)
        if self.resource.condition is None:
            env.stack.append(started)
            return
        submitted = TaskSubmittedEventDetails(
            resource=self._get_sfn_resource(), resourceType=self._get_sfn_resource_type(), output=to_json_str(started)
        )
        env.event_manager.add_event(
            context=env.event_history_context,
            event_type=HistoryEventType.TaskSubmitted,
            event_details=EventDetails(taskSubmittedEventDetails=submitted),
        )
        env.stack.append(self._finished(env, normalised_parameters))

    def _finished(self, env: Environment, parameters: Mapping[str, Json]) -> Json:
        job = JOBS[self.resource.api_action]
        key = {job.name: parameters[job.name]}
        while env.is_running():
            description = self._calls.call(OPTIMISED_SAGEMAKER, job.describe, key)
            status = description[job.status]
            if status == "Completed":
                return description
            if status in ("Failed", "Stopped"):
                name = StatesErrorName(StatesErrorNameType.StatesTaskFailed)
                raise FailureEventException(self._failure(env, name, to_json_str(description)))
            # An attempt that timed out ends its frame, a stopped execution all of its own; neither can be waited for.
            time.sleep(JOB_POLL_SECONDS)
        self._calls.call(OPTIMISED_SAGEMAKER, job.stop, key)
        return {}


def _install_sagemaker(settings: Settings) -> None:
    calls = AwsCalls(settings.service_endpoints, settings.region, ("test", "test"))

    def with_sagemaker(original: Callable[..., StateTaskService]) -> Callable[..., StateTaskService]:
        def state_task_service_for(service_name: str) -> StateTaskService:
            return SageMakerService(calls) if service_name == "sagemaker" else original(service_name=service_name)

        return state_task_service_for

    wrap(state_task_factory, "state_task_service_for", with_sagemaker)


def _name_services() -> None:
    """Step Functions writes the names of services in ``aws-sdk`` resources and in errors otherwise than botocore."""
    for name in SDK_SERVICES.keys() - {"s3"}:
        service = SDK_SERVICES[name]
        StateTaskService._SERVICE_NAME_SFN_TO_BOTO_OVERRIDES[name] = service.botocore_name
        state_task_service_aws_sdk._SERVICE_ERROR_NAMES[name] = service.error_prefix


def _scale_waits(scale: float) -> None:
    def wait_interval(_original: Callable[..., None]) -> Callable[..., None]:
        def wait(_function: WaitFunction, env: Environment, wait_seconds: float) -> None:
            end = time.monotonic() + wait_seconds * scale
            # The event also comes for other reasons than the end of the execution.
            while (left := end - time.monotonic()) > 0 and env.is_running():
                env.program_state_event.wait(left)

        return wait

    wrap(WaitFunction, "_wait_interval", wait_interval)
    # Stands for the module ``time`` where a retrier sleeps.
    scaled_time = SimpleNamespace(sleep=lambda seconds: time.sleep(seconds * scale))
    retrier_decl.time = scaled_time  # pyright: ignore[reportAttributeAccessIssue]


def _tell_tracing_configuration() -> None:
    def describe(original: Callable[..., Json]) -> Callable[..., Json]:
        def with_tracing(machine: StateMachineInstance) -> Json:
            description = original(machine)
            if machine.tracing_config is not None:
                description["tracingConfiguration"] = machine.tracing_config
            return description

        return with_tracing

    def update(original: Callable[..., Json]) -> Callable[..., Json]:
        def update_state_machine(
            provider: StepFunctionsProvider,
            context: Json,
            state_machine_arn: str,
            role_arn: str | None = None,
            tracing_configuration: Json = None,
            **others: Json,
        ) -> Json:
            machine = provider.get_store(context).state_machines.get(state_machine_arn)
            if tracing_configuration is not None and machine is not None:
                machine.tracing_config = tracing_configuration
                # LocalStack does not take the tracing configuration for a change.
                role_arn = role_arn or machine.role_arn
            return original(
                provider,
                context=context,
                state_machine_arn=state_machine_arn,
                role_arn=role_arn,
                tracing_configuration=tracing_configuration,
                **others,
            )

        return update_state_machine

    wrap(StateMachineInstance, "describe", describe)
    wrap(StepFunctionsProvider, "update_state_machine", update)


def _end_stopped_executions() -> None:
    """LocalStack waits for what a stopped execution does, and forgets the error that it was stopped with."""

    def stop(original: Callable[..., None]) -> Callable[..., None]:
        def stop_now(execution: Execution, stop_date: datetime.datetime, error: str | None, cause: str | None) -> None:
            running = execution.exec_status == ExecutionStatus.RUNNING
            original(execution, stop_date=stop_date, error=error, cause=cause)
            if running:
                execution.exec_status = ExecutionStatus.ABORTED
                execution.stop_date, execution.error, execution.cause = stop_date, error, cause

        return stop_now

    wrap(Execution, "stop", stop)


def _name_choices_without_a_way_out() -> None:
    """LocalStack ends them with an error of its own."""

    def evaluate(original: Callable[..., None]) -> Callable[..., None]:
        def eval_state(state: StateChoice, env: Environment) -> None:
            try:
                original(state, env)
            except RuntimeError as error:
                if not str(error.args[0]).startswith("No branching option"):
                    raise
                name = StatesErrorName(StatesErrorNameType.StatesNoChoiceMatched)
                details = TaskFailedEventDetails(error=name.error_name, cause=f"No choice rule of {state.name} matched")
                raise FailureEventException(
                    FailureEvent(
                        env=env,
                        error_name=name,
                        event_type=HistoryEventType.TaskFailed,
                        event_details=EventDetails(taskFailedEventDetails=details),
                    )
                ) from error

        return eval_state

    wrap(StateChoice, "_eval_state", evaluate)

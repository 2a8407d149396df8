"""RedriveExecution, which MiniStack 1.5.33 does not have: an execution goes on from the state at which it ended.

A Map goes on with its iterations that did not succeed, each from the state at which it ended.
"""

from __future__ import annotations

import contextvars
import json
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ministack.services import stepfunctions as sfn  # pyright: ignore[reportMissingImports]
from patching import wrap

Json = Any
Response = tuple[int, dict[str, str], bytes]
REDRIVABLE = ("FAILED", "TIMED_OUT", "ABORTED")


@dataclass
class Progress:
    """How far states have come: the state that runs or failed, and its input; at the end, the output."""

    state: str
    document: Json
    ended: bool = False


def install() -> None:
    """Makes MiniStack answer RedriveExecution."""

    def handle(original: Callable[..., Awaitable[Response]]) -> Callable[..., Awaitable[Response]]:
        async def answer(method: str, path: str, headers: Mapping[str, str], body: bytes, query: Json) -> Response:
            if headers.get("x-amz-target", "").endswith(".RedriveExecution"):
                return sfn._finalize_response(_redrive(json.loads(body)["executionArn"]))
            return await original(method, path, headers, body, query)

        return answer

    wrap(sfn, "handle_request", handle)


def _redrive(arn: str) -> Response:
    execution = sfn._executions.get(arn)
    if execution is None:
        return sfn.error_response_json("ExecutionDoesNotExist", f"Execution {arn} not found", 400)
    if execution["status"] not in REDRIVABLE:
        message = f"Execution is {execution['status']} and cannot be redriven"
        return sfn.error_response_json("ExecutionNotRedrivable", message, 400)
    count = execution["redriveCount"] = execution.get("redriveCount", 0) + 1
    execution.update(status="RUNNING", stopDate=None, output=None, error=None, cause=None)
    sfn._add_event(execution, "ExecutionRedriven", {"executionRedrivenEventDetails": {"redriveCount": count}})
    sfn._emit_execution_status_event(execution)
    threading.Thread(target=contextvars.copy_context().run, args=(sfn._run_execution, arn), daemon=True).start()
    return sfn.json_response({"redriveDate": sfn.now_iso()})


def resume_or(run: Callable[[str], None], arn: str, run_states: Callable[..., Json]) -> None:
    """Runs an execution: to its end from where it ended when it is redriven, else by ``run``."""
    execution = sfn._executions[arn]
    if "redriveCount" not in execution:
        run(arn)
        return
    machine = sfn._state_machines[execution["stateMachineArn"]]
    states = json.loads(machine["definition"])["States"]
    last = next(
        entered
        for event in reversed(execution["events"])
        if (entered := event.get("stateEnteredEventDetails", {})).get("name") in states
    )
    context = {
        "Execution": {
            "Id": arn,
            "Input": json.loads(execution["input"]),
            "Name": execution["name"],
            "StartTime": execution["startDate"],
            "RedriveCount": execution["redriveCount"],
        },
        "StateMachine": {"Id": machine["stateMachineArn"], "Name": machine["name"]},
    }
    try:
        output = run_states(states, Progress(last["name"], json.loads(last["input"])), execution, context)
    except sfn._ExecutionError as error:
        sfn._fail_execution(execution, error.error, error.cause)
        return
    if execution["status"] == "RUNNING":
        execution.update(status="SUCCEEDED", output=json.dumps(output), stopDate=sfn.now_iso())
        details = {"executionSucceededEventDetails": {"output": execution["output"]}}
        sfn._add_event(execution, "ExecutionSucceeded", details)
        sfn._emit_execution_status_event(execution)


def iteration_progress(
    execution: dict[str, Json], iteration: Mapping[str, Json] | None, start_at: str, document: Json
) -> Progress:
    """How far an iteration of a Map came before the redrive; at its beginning for what is none, or is new."""
    new = Progress(start_at, document)
    if iteration is None:
        return new
    return execution.setdefault("iterations", {}).setdefault((iteration["name"], iteration["index"]), new)


def forget_iterations(execution: dict[str, Json], state: str) -> None:
    """Lets a Map that succeeded begin anew when it is entered again."""
    iterations = execution.get("iterations", {})
    for key in [key for key in iterations if key[0] == state]:
        del iterations[key]

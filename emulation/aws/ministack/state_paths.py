"""JSONPath and intrinsic functions as strict as on AWS: MiniStack turns a path that leads nowhere into null."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.services import stepfunctions as sfn  # pyright: ignore[reportMissingImports]
from patching import wrap


class PathNotFoundError(sfn._ExecutionError):
    """A JSONPath that selects nothing in its input; ends the execution, as on AWS."""

    def __init__(self, path: str, data: Any) -> None:  # noqa: ANN401
        super().__init__(
            "States.Runtime", f"The JSONPath '{path}' could not be found in the input '{json.dumps(data)[:1000]}'"
        )


def resolve_path(path: str, data: Any) -> Any:  # noqa: ANN401
    """The value ``path`` selects; a list when it has a wildcard.

    Raises:
        PathNotFoundError: there is none.
    """
    if not path.startswith("$") or path == "$":
        return data
    tokens = sfn._parse_jsonpath_tokens(path)
    if tokens is None:
        raise sfn._ExecutionError(
            "States.Runtime",
            f"The emulator does not know the JSONPath syntax of '{path}' (it has no slices, filters or recursion)",
        )
    values = [data]
    for kind, key in tokens:
        values = [found for value in values for found in _step(kind, key, value)]
    if any(kind == "wildcard" for kind, _ in tokens):
        return values
    if not values:
        raise PathNotFoundError(path, data)
    return values[0]


def _step(kind: str, key: Any, value: Any) -> list[Any]:  # noqa: ANN401
    if isinstance(value, dict):
        if kind == "wildcard":
            return list(value.values())
        return [value[key]] if kind == "field" and key in value else []
    if isinstance(value, list):
        if kind == "wildcard":
            return value
        return [value[key]] if kind == "index" and key < len(value) else []
    return []


def install() -> None:
    """Makes MiniStack's state machines resolve paths and evaluate intrinsic functions as AWS does."""

    def evaluate_rule(original: Callable[..., bool]) -> Callable[..., bool]:
        def evaluate(rule: dict[str, Any], data: Any, ctx: Any = None) -> bool:  # noqa: ANN401
            if "IsPresent" not in rule:
                return original(rule, data, ctx)
            try:
                sfn._resolve_path_or_ctx(rule["Variable"], data, ctx)
            except PathNotFoundError:
                return rule["IsPresent"] is False
            return rule["IsPresent"] is True

        return evaluate

    def execute_intrinsic(original: Callable[..., Any]) -> Callable[..., Any]:
        def execute(node: Any, data: Any, ctx: Any) -> Any:  # noqa: ANN401
            _, name, arguments = node
            if name == "States.Format":
                # MiniStack writes Python's text of a value: True, None, {'a': 1}.
                evaluated: list[Any] = [sfn._eval_intrinsic_arg(argument, data, ctx) for argument in arguments]
                template, *values = evaluated
                texts = [
                    value if isinstance(value, str) else json.dumps(value, separators=(",", ":")) for value in values
                ]
                if template.replace("\\{", "").count("{}") != len(texts):
                    raise ValueError("the number of arguments does not match the occurrences of {}")
                node = ("call", name, [("str", text) for text in (template, *texts)])
            return original(node, data, ctx)

        return execute

    def evaluate_intrinsic(original: Callable[..., Any]) -> Callable[..., Any]:
        def evaluate(expression: str, data: Any, ctx: Any) -> Any:  # noqa: ANN401
            try:
                return original(expression, data, ctx)
            except (AttributeError, LookupError, TypeError, ValueError) as error:
                raise sfn._ExecutionError("States.IntrinsicFailure", f"{expression}: {error}") from error

        return evaluate

    wrap(sfn, "_resolve_path", lambda _original: resolve_path)
    wrap(sfn, "_evaluate_rule", evaluate_rule)
    wrap(sfn, "_exec_intrinsic", execute_intrinsic)
    wrap(sfn, "_evaluate_intrinsic", evaluate_intrinsic)

"""DescribeAlarms in the Query protocol with every member; MiniStack leaves most out, which Terraform sees as drift."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any
from xml.sax.saxutils import escape, unescape

import botocore.session
from ministack.services import cloudwatch  # pyright: ignore[reportMissingImports]
from patching import wrap

Response = tuple[int, dict[str, str], bytes]


def install() -> None:
    """Makes MiniStack list metric alarms completely."""
    model: Any = botocore.session.get_session().get_service_model("cloudwatch")
    alarm_shape = model.shape_for("MetricAlarm")

    def describe_alarms(original: Callable[..., Response]) -> Callable[..., Response]:
        def describe(params: Any, cbor_data: Any, is_cbor: bool, is_json: bool = False) -> Response:  # noqa: ANN401
            status, headers, body = original(params, cbor_data, is_cbor, is_json)
            if is_cbor or is_json or status != 200:
                return status, headers, body
            return status, headers, _complete(body.decode(), alarm_shape).encode()

        return describe

    wrap(cloudwatch, "_describe_alarms", describe_alarms)


def _complete(body: str, alarm_shape: Any) -> str:  # noqa: ANN401
    def member(match: re.Match[str]) -> str:
        alarm = cloudwatch._alarms.get(unescape(match["name"]))
        return match[0] if alarm is None else f"<member>{_xml(alarm, alarm_shape)}</member>"

    start, end = body.index("<MetricAlarms>"), body.index("</MetricAlarms>")
    alarms = re.sub(r"<member><AlarmName>(?P<name>.*?)</AlarmName>.*?</member>", member, body[start:end], flags=re.S)
    return body[:start] + alarms + body[end:]


def _xml(value: Any, shape: Any) -> str:  # noqa: ANN401
    if shape.type_name == "structure":
        return "".join(
            f"<{name}>{_xml(value[name], member)}</{name}>"
            for name, member in shape.members.items()
            if value.get(name) not in (None, "")
        )
    if shape.type_name == "list":
        return "".join(f"<member>{_xml(item, shape.member)}</member>" for item in value)
    if isinstance(value, bool):
        return str(value).lower()
    if shape.type_name == "timestamp":
        return datetime.fromtimestamp(float(value), timezone.utc).isoformat()
    return escape(str(value))

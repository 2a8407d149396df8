"""The kinds of Python tests: `process` where a test is marked so, else `unit`: no process and no network."""

import socket
import subprocess
from multiprocessing.process import BaseProcess

import pytest


class UnitTestRuleError(AssertionError):
    """A unit test did what its kind excludes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("process") is None:
            item.add_marker(pytest.mark.unit)


@pytest.fixture(autouse=True)
def _unit_tests_keep_to_themselves(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    """Fails a unit test that starts a process or connects, also where the code under test handles the error."""
    if request.node.get_closest_marker("process") is not None:
        yield
        return
    broken: list[UnitTestRuleError] = []

    def refuse(call: str):
        def refused(*_arguments: object, **_settings: object):
            broken.append(UnitTestRuleError(f"a unit test must not call {call}: mark it with @pytest.mark.process"))
            raise broken[-1]

        return refused

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse("subprocess.Popen"))
    monkeypatch.setattr(BaseProcess, "start", refuse("multiprocessing.Process.start"))
    for method in ("connect", "connect_ex", "listen"):
        monkeypatch.setattr(socket.socket, method, refuse(f"socket.{method}"))
    yield
    if broken:
        raise broken[0]

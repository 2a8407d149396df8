"""Runs Node functions in processes of their own: a clean environment, real errors, memory and time limits.

The emulators keep the accounts (concurrency, CloudWatch Logs, metrics); this is how they execute one invocation.
"""

from __future__ import annotations

import io
import json
import os
import re
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = Any

INIT_TIMEOUT_SECONDS = 30.0
"""Lambda gives 10 s; a loaded machine is slower than Lambda is."""
MEMORY_CHECK_SECONDS = 0.05
HEAP_SHARE = 0.9
"""Of the function's memory that V8 may fill; the rest is the process itself, as in Lambda's runtime."""
READ_BYTES = 1 << 16
PROC = Path("/proc")
"""Where Linux tells what a process has allocated."""
PS_SECONDS = 0.5
"""Between two looks with ``ps``, which starts a process each time."""
PS_ALLOWANCE_MB = 64
"""``ps`` counts the pages of Node's program too."""


@dataclass(frozen=True)
class Host:
    """What every function is given besides its own configuration."""

    node: str
    """The Node executable, whatever version the function's runtime names."""
    region: str
    endpoints: Mapping[str, str]
    """``AWS_ENDPOINT_URL`` and ``AWS_ENDPOINT_URL_<SERVICE>``."""
    certificate_authority: str | None
    """PEM file of an authority that the functions trust besides the usual ones."""
    credentials: Mapping[str, str]
    """``AWS_ACCESS_KEY_ID`` and ``AWS_SECRET_ACCESS_KEY``, the same for every function. The session token is the ARN of
    the function's role, so that a server that verifies signatures knows who called."""


@dataclass(frozen=True)
class FunctionConfiguration:
    """What the executor needs of a function's configuration."""

    name: str
    arn: str
    version: str
    revision: str
    """Changes with the code and the configuration."""
    runtime: str
    handler: str
    memory_mb: int
    timeout_seconds: int
    log_group: str
    role: str
    """ARN."""
    variables: Mapping[str, str]


@dataclass(frozen=True)
class Outcome:
    """One invocation: the result or the error, what the function wrote, and whether its process can go on."""

    body: Json
    failed: bool
    log: str
    reusable: bool


class ExecutionEnvironment:
    """A process that runs one function, one invocation at a time.

    Args:
        function: what to run.
        code: the function's zip file, or the folder in which it was unpacked.
        host: what the process is given besides.
    """

    def __init__(self, function: FunctionConfiguration, code: bytes | Path, host: Host) -> None:
        self.function = function
        self._directory = Path(tempfile.mkdtemp(prefix=f"lambda-{function.name}-"))
        scratch = self._directory / "tmp"
        scratch.mkdir()
        if isinstance(code, Path):
            task_root = code
        else:
            task_root = self._directory / "task"
            with zipfile.ZipFile(io.BytesIO(code)) as archive:
                archive.extractall(task_root)
        replies, reply_writer = os.pipe()
        runner = Path(__file__).with_name("lambda-runner.mjs")
        heap_mb = int(function.memory_mb * HEAP_SHARE)
        # In the emulator's process group: whoever ends the group ends the functions too.
        self._process = subprocess.Popen(
            [host.node, f"--max-old-space-size={heap_mb}", str(runner), str(reply_writer)],
            env=_environment(function, host, task_root, scratch),
            cwd=task_root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(reply_writer,),
        )
        os.close(reply_writer)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests = self._process.stdin.fileno()
        self._output = self._process.stdout.fileno()
        self._replies = replies
        for descriptor in (self._requests, self._output, self._replies):
            os.set_blocking(descriptor, False)
        self._initialised = False
        self._next_ps = 0.0

    def invoke(self, request_id: str, arn: str, event: Json) -> Outcome:
        """Runs the handler, and first the function's module if the process is new."""
        log = bytearray()
        if not self._initialised:
            outcome = self._exchange(b"", time.monotonic() + INIT_TIMEOUT_SECONDS, request_id, log)
            if outcome.failed:
                return Outcome(outcome.body, True, outcome.log, reusable=False)
            self._initialised = True
        deadline = time.time() + self.function.timeout_seconds
        request = {"requestId": request_id, "functionArn": arn, "deadlineMs": int(deadline * 1000), "event": event}
        line = json.dumps(request).encode() + b"\n"
        return self._exchange(line, time.monotonic() + self.function.timeout_seconds, request_id, log)

    def _exchange(self, request: bytes, deadline: float, request_id: str, log: bytearray) -> Outcome:
        unsent, reply = memoryview(request), bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(self._replies, selectors.EVENT_READ)
            selector.register(self._output, selectors.EVENT_READ)
            if unsent:
                selector.register(self._requests, selectors.EVENT_WRITE)
            while not reply.endswith(b"\n"):
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    return self._timed_out(request_id, log)
                for key, _ in selector.select(min(remaining, MEMORY_CHECK_SECONDS)):
                    if key.fd == self._requests:
                        unsent = self._send(unsent)
                        if not unsent:
                            selector.unregister(self._requests)
                        continue
                    chunk = os.read(key.fd, READ_BYTES)
                    if not chunk:
                        if key.fd == self._replies:
                            return self._exited(request_id, log)
                        selector.unregister(self._output)
                    (reply if key.fd == self._replies else log).extend(chunk)
                if self._exceeds_memory():
                    self._process.kill()
        self._drain_output(log)
        message = json.loads(reply)
        return Outcome(message["body"], not message["ok"], _text(log), reusable=not message.get("last", False))

    def _send(self, unsent: memoryview) -> memoryview:
        try:
            return unsent[os.write(self._requests, unsent) :]
        except BrokenPipeError:
            # The end of the replies tells that the process has gone.
            return memoryview(b"")

    def _drain_output(self, log: bytearray) -> None:
        try:
            while chunk := os.read(self._output, READ_BYTES):
                log.extend(chunk)
        except BlockingIOError:
            pass

    def _timed_out(self, request_id: str, log: bytearray) -> Outcome:
        seconds = self.function.timeout_seconds if self._initialised else INIT_TIMEOUT_SECONDS
        self._process.kill()
        self._drain_output(log)
        message = f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds"
        return self._failed("Sandbox.Timedout", message, log)

    def _exited(self, request_id: str, log: bytearray) -> Outcome:
        code = self._process.wait()
        self._drain_output(log)
        if code == -signal.SIGKILL:
            reason = "Runtime exited with error: signal: killed"
        elif code < 0:
            reason = f"Runtime exited with error: signal: {signal.strsignal(-code)}".lower().replace(
                "runtime", "Runtime"
            )
        elif code > 0:
            reason = f"Runtime exited with error: exit status {code}"
        else:
            reason = "Runtime exited without providing a reason"
        return self._failed("Runtime.ExitError", f"RequestId: {request_id} Error: {reason}", log)

    @staticmethod
    def _failed(error_type: str, message: str, log: bytearray) -> Outcome:
        return Outcome(
            {"errorType": error_type, "errorMessage": message}, True, f"{_text(log)}{message}\n", reusable=False
        )

    def _exceeds_memory(self) -> bool:
        """Whether the process itself has allocated more than the function may: by /proc, else by ``ps``.

        Where the system has neither, V8's own limit is left.
        """
        try:
            status = (PROC / str(self._process.pid) / "status").read_text()
        except OSError:
            return self._exceeds_memory_by_ps()
        match = re.search(r"^RssAnon:\s+(\d+) kB$", status, re.MULTILINE)
        return match is not None and int(match[1]) / 1024 > self.function.memory_mb

    def _exceeds_memory_by_ps(self) -> bool:
        if time.monotonic() < self._next_ps:
            return False
        self._next_ps = time.monotonic() + PS_SECONDS
        command = ["ps", "-o", "rss=", "-p", str(self._process.pid)]
        try:
            resident_kib = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
        except OSError:
            return False
        return resident_kib.isdigit() and int(resident_kib) / 1024 > self.function.memory_mb + PS_ALLOWANCE_MB

    def close(self) -> None:
        """Ends the process and removes its files."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        os.close(self._replies)
        shutil.rmtree(self._directory, ignore_errors=True)


def _text(log: bytearray) -> str:
    return log.decode(errors="replace")


def _environment(function: FunctionConfiguration, host: Host, task_root: Path, scratch: Path) -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "LAMBDA_TASK_ROOT": str(task_root),
        "_HANDLER": function.handler,
        "AWS_REGION": host.region,
        "AWS_DEFAULT_REGION": host.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        **({"NODE_EXTRA_CA_CERTS": host.certificate_authority} if host.certificate_authority else {}),
        **host.credentials,
        "AWS_SESSION_TOKEN": function.role,
        **host.endpoints,
        **function.variables,
    }

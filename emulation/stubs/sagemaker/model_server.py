"""A model server with the contract of a SageMaker serving container, on the standard library alone.

Modelled on sagemaker-inference 1.10.1: `code/inference.py` of the artifact defines `model_fn(model_dir)` and, each
optional, `input_fn`, `predict_fn`, `output_fn`, or `transform_fn`; each may take a further `context`. Without
`input_fn` and `output_fn` the body is JSON, as plain Python values where the toolkit makes NumPy arrays.
`GET /ping` answers 200 once the model is loaded, `POST /invocations` predicts, one request at a time.
"""

from __future__ import annotations

import argparse
import importlib.util
import inspect
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

Handler = Callable[..., Any]

JSON = "application/json"
TEXT_TYPES = (JSON, "text/csv")


class UnsupportedFormatError(Exception):
    """A content type that neither the script nor this server can read or write."""

    status_code = HTTPStatus.UNSUPPORTED_MEDIA_TYPE

    def __init__(self, content_type: str) -> None:
        super().__init__(
            f"Content type {content_type} is not supported by this framework. "
            "Please implement input_fn to deserialize the request data or an output_fn to serialize the response."
        )


def default_input_fn(data: str | bytes, content_type: str) -> Any:  # noqa: ANN401 - any JSON value
    if content_type != JSON:
        raise UnsupportedFormatError(content_type)
    return json.loads(data)


def default_output_fn(prediction: Any, accept: str) -> tuple[str, str]:  # noqa: ANN401 - any prediction
    if JSON not in accept.replace(" ", "").split(","):
        raise UnsupportedFormatError(accept)
    return json.dumps(prediction, default=lambda value: value.tolist()), JSON


def call(function: Handler, *arguments: Any) -> Any:  # noqa: ANN401 - the script's own types
    """Calls a function of the script, with a context when it takes one more argument than the contract has."""
    takes_context = len(inspect.signature(function).parameters) == len(arguments) + 1
    return function(*arguments, None) if takes_context else function(*arguments)


class Model:
    """The script of an artifact with its loaded model."""

    def __init__(self, model_dir: Path) -> None:
        script = model_dir / "code" / os.environ.get("SAGEMAKER_PROGRAM", "inference.py")
        if not script.is_file():
            raise FileNotFoundError(f"The model artifact holds no {script.relative_to(model_dir)}.")
        sys.path.insert(0, str(script.parent))
        self._script = self._load(script)
        transform = getattr(self._script, "transform_fn", None)
        parts = ("input_fn", "predict_fn", "output_fn")
        if transform is not None and any(hasattr(self._script, name) for name in parts):
            raise ValueError(
                "Cannot use transform_fn implementation in conjunction with input_fn, predict_fn, and/or output_fn "
                "implementation"
            )
        self._transform: Handler = transform or self._default_transform
        self._model = call(self._script.model_fn, str(model_dir))
        self._one_at_a_time = threading.Lock()

    @staticmethod
    def _load(script: Path) -> ModuleType:
        spec = importlib.util.spec_from_file_location(script.stem, script)
        if spec is None or spec.loader is None:
            raise ImportError(f"{script} cannot be imported.")
        module = importlib.util.module_from_spec(spec)
        sys.modules[script.stem] = module
        spec.loader.exec_module(module)
        return module

    def predict(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
        """The response's body and content type."""
        data = body.decode("utf-8") if content_type in TEXT_TYPES else body
        with self._one_at_a_time:
            result = call(self._transform, self._model, data, content_type, accept)
        response, response_type = result if isinstance(result, tuple) else (result, accept)
        return response.encode("utf-8") if isinstance(response, str) else bytes(response), response_type

    def _default_transform(self, model: Any, data: str | bytes, content_type: str, accept: str) -> Any:  # noqa: ANN401
        read = getattr(self._script, "input_fn", default_input_fn)
        write = getattr(self._script, "output_fn", default_output_fn)
        prediction = call(self._script.predict_fn, call(read, data, content_type), model)
        return call(write, prediction, accept)


class Server(ThreadingHTTPServer):
    """Answers `/ping` from the start and predicts once `model` is set."""

    daemon_threads = True
    model: Model | None = None


class RequestHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        """`/ping`: is the model loaded?"""
        if self.path != "/ping":
            self._answer(HTTPStatus.NOT_FOUND, b"", "text/plain")
            return
        loaded = self.server.model is not None
        self._answer(HTTPStatus.OK if loaded else HTTPStatus.SERVICE_UNAVAILABLE, b"", "text/plain")

    def do_POST(self) -> None:
        """`/invocations`: one prediction."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        model = self.server.model
        if self.path != "/invocations" or model is None:
            self._answer(HTTPStatus.NOT_FOUND if model else HTTPStatus.SERVICE_UNAVAILABLE, b"", "text/plain")
            return
        content_type = self.headers.get("Content-Type", JSON).partition(";")[0].strip()
        accept = self.headers.get("Accept", "*/*")
        if accept == "*/*":
            accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", JSON)
        try:
            response, response_type = model.predict(body, content_type, accept)
        except Exception as error:
            traceback.print_exc()
            status = getattr(error, "status_code", HTTPStatus.INTERNAL_SERVER_ERROR)
            self._answer(status, f"{error}\n{traceback.format_exc()}".encode(), "text/plain")
            return
        self._answer(HTTPStatus.OK, response, response_type)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: ANN401 - the base class's signature
        """Logs invocations, not health checks."""
        if self.path != "/ping":
            super().log_message(format, *args)

    def _answer(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def terminate(_signal: int, _frame: FrameType | None) -> None:
    # Requests under way are given up: the stub has stopped sending any.
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model-dir", type=Path, required=True)
    parser.add_argument("--port-file", type=Path, required=True, help="where to write the port that was free")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, terminate)
    server = Server(("127.0.0.1", 0), RequestHandler)
    unfinished = arguments.port_file.with_suffix(".part")
    unfinished.write_text(str(server.server_port), encoding="utf-8")
    unfinished.replace(arguments.port_file)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.model = Model(arguments.model_dir)
    print(f"Serving {arguments.model_dir} on port {server.server_port}.", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()

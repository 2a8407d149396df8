"""Entry point of a training container: what the sagemaker-training toolkit does before it starts the user's script.

Modelled on sagemaker-training 5.1.4 (`environment.py`, `mapping.py`, `params.py`), including how it turns
hyperparameters into arguments: each value is decoded as JSON and then written with `str`, so that `true` arrives
as `True`. Differences: requirements are checked and not installed, and the script replaces this process, so that
signals and the exit code are the script's own.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

JOB_HYPERPARAMETERS = frozenset(
    {
        "sagemaker_program",
        "sagemaker_submit_directory",
        "sagemaker_enable_cloudwatch_metrics",
        "sagemaker_region",
        "sagemaker_container_log_level",
        "sagemaker_job_name",
        "default_user_module_name",
        "_tuning_objective_metric",
        "sagemaker_s3_output",
    }
)
ENTRY_POINT = re.compile(r"^[A-Za-z0-9._][A-Za-z0-9._+-]*(/[A-Za-z0-9._+-]+)*$")
REQUIREMENT_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*")
INFO_LOG_LEVEL = 20
MODULE_NOT_STARTED = 1


def decode_hyperparameters(raw: dict[str, str]) -> dict[str, Any]:
    """Hyperparameters as the toolkit reads them: JSON where it parses, else the string itself."""
    decoded: dict[str, Any] = {}
    for name, value in raw.items():
        try:
            decoded[name] = json.loads(value)
        except ValueError:
            decoded[name] = value
    return decoded


def command_line_arguments(hyperparameters: dict[str, Any]) -> list[str]:
    """`{"max-steps": 5}` as `["--max-steps", "5"]`, sorted by name."""

    def text(value: Any) -> str:  # noqa: ANN401 - any JSON value
        if value is None:
            return ""
        if isinstance(value, dict):
            return ",".join(f"{key}={entry}" for key, entry in sorted(value.items()))
        return str(value)

    arguments: list[str] = []
    for name in sorted(hyperparameters):
        arguments += [f"--{name}" if len(name) > 1 else f"-{name}", text(hyperparameters[name])]
    return arguments


def environment_variables(values: dict[str, Any]) -> dict[str, str]:
    """`{"num_gpus": 0}` as `{"SM_NUM_GPUS": "0"}`; dashes stay, as in the toolkit: SM_CHANNEL_TRAINING-DATA."""

    def text(value: Any) -> str:  # noqa: ANN401 - any JSON value
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)

    return {f"SM_{name.upper()}": text(value) for name, value in values.items()}


def gpu_count() -> int:
    """The GPUs of this machine; 0 when there is no driver."""
    try:
        listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return 0
    return sum(line.startswith("GPU ") for line in listed.stdout.splitlines())


def unmet_requirements(requirements_file: Path) -> list[str]:
    """Lines of a requirements file that this environment does not satisfy."""
    if not requirements_file.exists():
        return []
    unmet: list[str] = []
    for line in requirements_file.read_text(encoding="utf-8").splitlines():
        requirement = line.partition("#")[0].strip()
        name = REQUIREMENT_NAME.match(requirement)
        if name is None:
            continue
        try:
            installed = version(name.group())
        except PackageNotFoundError:
            unmet.append(f"{requirement} (not installed)")
            continue
        if not satisfied(requirement, installed):
            unmet.append(f"{requirement} (installed: {installed})")
    return unmet


def satisfied(requirement: str, installed: str) -> bool:
    """Whether an installed version satisfies a requirement; without the `packaging` library only `==` is compared."""
    try:
        from packaging.requirements import InvalidRequirement, Requirement
    except ImportError:
        pinned = re.search(r"==\s*([^\s;,]+)", requirement)
        return pinned is None or pinned.group(1) == installed
    try:
        parsed = Requirement(requirement)
    except InvalidRequirement:
        return False
    if parsed.marker is not None and not parsed.marker.evaluate():
        return True
    return parsed.specifier.contains(installed, prereleases=True)


def fail(base: Path, message: str) -> None:
    """Writes the failure file and ends, as the toolkit does for its own errors."""
    (base / "output" / "failure").write_text(message, encoding="utf-8")
    print(message, file=sys.stderr)
    sys.exit(MODULE_NOT_STARTED)


def main() -> None:
    base = Path(os.environ["SAGEMAKER_BASE_DIR"])
    config = base / "input" / "config"
    resources = json.loads((config / "resourceconfig.json").read_text(encoding="utf-8"))
    channels = json.loads((config / "inputdataconfig.json").read_text(encoding="utf-8"))
    every = decode_hyperparameters(json.loads((config / "hyperparameters.json").read_text(encoding="utf-8")))
    own = {name: value for name, value in every.items() if name in JOB_HYPERPARAMETERS or name.startswith("sagemaker_")}
    hyperparameters = {name: value for name, value in every.items() if name not in own}
    code = base / "code"

    program = str(own.get("sagemaker_program", ""))
    if not ENTRY_POINT.match(program) or {".", ".."} & set(program.split("/")):
        fail(
            base,
            f"The training entry point {program!r} cannot be used: set the 'sagemaker_program' hyperparameter "
            "to the name of the script to run, relative to your source directory.",
        )
    if not (code / program).is_file():
        fail(base, f"The training entry point {program!r} is not in sagemaker_submit_directory.")
    for requirement in unmet_requirements(code / "requirements.txt"):
        print(f"WARNING: requirements.txt is not satisfied: {requirement}", flush=True)

    arguments = command_line_arguments(hyperparameters)
    channel_directories = {name: str(base / "input" / "data" / name) for name in channels}
    module_name = re.sub(r"\.py$", "", program)
    cpus, gpus = os.cpu_count() or 1, gpu_count()
    shared: dict[str, Any] = {
        "channel_input_dirs": channel_directories,
        "current_host": resources["current_host"],
        "framework_module": None,
        "hosts": resources["hosts"],
        "hyperparameters": hyperparameters,
        "input_config_dir": str(config),
        "input_data_config": channels,
        "input_dir": str(base / "input"),
        "job_name": os.environ["TRAINING_JOB_NAME"],
        "log_level": own.get("sagemaker_container_log_level", INFO_LOG_LEVEL),
        "model_dir": str(base / "model"),
        "module_dir": str(own.get("sagemaker_submit_directory", code)),
        "module_name": module_name,
        "network_interface_name": resources.get("network_interface_name", "eth0"),
        "num_cpus": cpus,
        "num_gpus": gpus,
        "output_data_dir": str(base / "output" / "data"),
        "output_dir": str(base / "output"),
        "output_intermediate_dir": str(base / "output" / "intermediate"),
        "resource_config": resources,
        "user_entry_point": program,
    }
    names = ("channel_input_dirs", "hyperparameters", "job_name")
    variables = environment_variables(
        {
            **{name: value for name, value in shared.items() if name not in names},
            "hps": hyperparameters,
            "framework_params": {name: value for name, value in own.items() if name not in JOB_HYPERPARAMETERS},
            "channels": sorted(channel_directories),
            "current_instance_type": resources["current_instance_type"],
            "current_instance_group": resources["current_group_name"],
            "training_env": shared,
            "user_args": arguments,
            **{f"channel_{name}": directory for name, directory in channel_directories.items()},
            **{f"hp_{name}": value for name, value in hyperparameters.items()},
        }
    )
    variables.update(
        {
            "SAGEMAKER_JOB_NAME": str(own.get("sagemaker_job_name", "")) or os.environ["TRAINING_JOB_NAME"],
            "SAGEMAKER_REGION": str(own.get("sagemaker_region", os.environ["AWS_REGION"])),
            "CURRENT_HOST": resources["current_host"],
            "PYTHONPATH": os.pathsep.join(filter(None, [str(code), os.environ.get("PYTHONPATH")])),
            "PYTHONUNBUFFERED": "TRUE",
        }
    )
    command = [sys.executable, "--", program, *arguments]
    print("Invoking script with the following command:", " ".join(command), sep="\n", flush=True)
    os.chdir(code)
    os.execve(sys.executable, command, {**os.environ, **variables})


if __name__ == "__main__":
    main()

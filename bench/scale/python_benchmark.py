"""The Python side of the benchmark frame: runs each variant in a process of its own and prints its measurement."""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PROCESS_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Work:
    """What a variant worked through, and its result, by which the variants are compared."""

    items: int
    unit: str
    result: Any


@dataclass(frozen=True)
class Variant:
    """One way to do a stage's work. Only `run` is measured."""

    prepare: Callable[[int, Path], Any]
    """Makes the input from the number of documents and the corpus: imports and models included."""
    run: Callable[[Any], Work]


def benchmark(stage: str, variants: Mapping[str, Variant], compare: Callable[[Any, Any], str]) -> None:
    """The entry point of a benchmark: measures every variant, the first of which must be the baseline.

    Args:
        compare: says in words how a variant's result relates to the baseline's; raises ValueError when it is wrong.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--documents", type=int, required=True)
    parser.add_argument("--corpus", type=Path, required=True, help="JSON Lines with id and text")
    parser.add_argument("--variant", help="measure only this one, in this process")
    parser.add_argument("--report", type=Path, help="where --variant writes what it measured")
    arguments = parser.parse_args()
    if arguments.variant is not None:
        _measure(variants[arguments.variant], arguments.documents, arguments.corpus, arguments.report)
        return
    expected = None
    for name in variants:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            report = Path(folder) / "report.json"
            subprocess.run([sys.executable, *sys.argv, "--variant", name, "--report", str(report)], check=True)
            measured = json.loads(report.read_text(encoding="utf-8"))
        result = measured.pop("result")
        if expected is None:
            expected = result
        else:
            measured["note"] = compare(expected, result)
        print(json.dumps({"stage": stage, "variant": name, "documents": arguments.documents, **measured}), flush=True)


def peak_mib() -> float:
    """The most memory that this process had resident. (getrusage also counts the process that it was forked from.)"""
    if _PROCESS_STATUS.exists():
        status = dict(line.split(":", 1) for line in _PROCESS_STATUS.read_text(encoding="utf-8").splitlines())
        return int(status["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _measure(variant: Variant, documents: int, corpus: Path, report: Path) -> None:
    prepared = variant.prepare(documents, corpus)
    start, cpu_start = time.perf_counter(), time.process_time()
    work = variant.run(prepared)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    measured = {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "items": work.items,
        "unit": work.unit,
        "peak_mib": peak_mib(),
        "result": work.result,
    }
    report.write_text(json.dumps(measured), encoding="utf-8")

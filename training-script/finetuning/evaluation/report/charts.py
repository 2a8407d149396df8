"""Coordinates of the page's plots. Shapes are in percent of the plot's width and height, y downwards, as in SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ...artifacts.records import CurvePoint, Interval, MetricGain

GAIN_MARGIN = 1.15
"""Room beside the widest interval in the plot of gains."""


@dataclass(frozen=True)
class Whisker:
    """A value with its interval, in percent of the track."""

    at: float
    low: float
    high: float


@dataclass(frozen=True)
class GainPlot:
    """Sorted per-query gains: two areas that rise above and fall below the middle."""

    gained: str
    lost: str


@dataclass(frozen=True)
class Curve:
    """A line through points; `points` in SVG's notation."""

    name: str
    points: str
    dots: list[tuple[float, float]]
    last: float


@dataclass(frozen=True)
class CurvePlot:
    """Curves over training steps on common axes."""

    title: str
    curves: list[Curve]
    low: float
    high: float
    last_step: int


def bar(value: float, interval: Interval) -> Whisker:
    """A metric in 0..1 on a track from 0 to 1."""
    return Whisker(_percent(value), _percent(interval.low), _percent(interval.high))


def gain_scale(gains: Sequence[MetricGain]) -> float:
    """Half the width of a track, 0 in its middle, that holds all intervals."""
    return GAIN_MARGIN * max((abs(end) for gain in gains for end in (gain.low, gain.high)), default=0) or 1


def gain_whisker(gain: MetricGain, scale: float) -> Whisker:
    """A gain on a track from -scale to +scale."""
    low, at, high = (50 + 50 * value / scale for value in (gain.low, gain.mean, gain.high))
    return Whisker(round(at, 2), round(low, 2), round(high, 2))


def gain_plot(gains: Sequence[float]) -> GainPlot:
    """Areas of gains in -1..1, sorted, best first."""
    return GainPlot(_area([max(gain, 0) for gain in gains]), _area([min(gain, 0) for gain in gains]))


def curve_plot(title: str, series: Sequence[tuple[str, Sequence[CurvePoint]]]) -> CurvePlot | None:
    """Curves over training steps, without points that are no finite numbers; None when there is nothing to draw."""
    kept = [(name, [p for p in points if math.isfinite(p.value)]) for name, points in series]
    kept = [(name, points) for name, points in kept if points]
    if not kept:
        return None
    values = [point.value for _, points in kept for point in points]
    low, high = min(values), max(values)
    last_step = max(point.step for _, points in kept for point in points)
    span = (high - low) or 1

    def position(point: CurvePoint) -> tuple[float, float]:
        return round(100 * point.step / max(1, last_step), 2), round(100 - 100 * (point.value - low) / span, 2)

    curves = []
    for name, points in kept:
        dots = [position(point) for point in points]
        curves.append(Curve(name, " ".join(f"{x},{y}" for x, y in dots), dots, points[-1].value))
    return CurvePlot(title, curves, low, high, last_step)


def _area(gains: Sequence[float]) -> str:
    """A step line over the gains, closed along the middle."""
    width = 100 / len(gains)
    points = ["0,50"]
    for index, gain in enumerate(gains):
        y = 50 - 50 * gain
        points += [f"{index * width:.3f},{y:.2f}", f"{(index + 1) * width:.3f},{y:.2f}"]
    return " ".join([*points, "100,50"])


def _percent(share: float) -> float:
    return round(100 * min(1.0, max(0.0, share)), 2)

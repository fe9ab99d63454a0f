"""Measure candidates in turn, and print the result."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence


def take_turns(candidates: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The median seconds of each candidate. Every round takes one sample of each; the order rotates."""
    samples: dict[str, list[float]] = {name: [] for name in candidates}
    names = list(candidates)
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            samples[name].append(candidates[name]())
    return {name: statistics.median(taken) for name, taken in samples.items()}


def table(title: str, medians: Mapping[str, float], base: str | Sequence[str], unit: str = "µs") -> None:
    """Print one line for each candidate, with its ratio to each base."""
    scale = {"µs": 1e6, "ms": 1e3}[unit]
    bases = [base] if isinstance(base, str) else list(base)
    print(f"\n{title}")
    for name, seconds in medians.items():
        ratios = "   ".join(f"{seconds / medians[other]:5.2f} x {other}" for other in bases)
        print(f"  {name:<44} {seconds * scale:9.1f} {unit}   {ratios}")

"""Measure candidates in turn, in wall time and in CPU time, and print a table."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple


class Seconds(NamedTuple):
    """What a sample took. On a machine with other work, the CPU time is the one to compare."""

    wall: float
    cpu: float


Sample = Callable[[], Seconds]


def timed(call: Callable[[], object], loops: int = 1) -> Sample:
    """A sample of a call in this process: the time of one of `loops` calls."""

    def sample() -> Seconds:
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(loops):
            call()
        return Seconds((time.perf_counter() - wall) / loops, (time.process_time() - cpu) / loops)

    return sample


def process(statement: str) -> Sample:
    """A sample of a whole process of this interpreter, isolated from the environment."""

    def children() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    def sample() -> Seconds:
        wall, cpu = time.perf_counter(), children()
        subprocess.run([sys.executable, "-I", "-c", statement], check=True)
        return Seconds(time.perf_counter() - wall, children() - cpu)

    sample()  # compiles the modules
    return sample


def take_turns(candidates: Mapping[str, Sample], rounds: int) -> dict[str, Seconds]:
    """The medians of each candidate. Each round takes one sample of every candidate, and starts with another one."""
    samples: dict[str, list[Seconds]] = {name: [] for name in candidates}
    names = list(candidates)
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            samples[name].append(candidates[name]())
    return {name: Seconds(*map(statistics.median, zip(*taken, strict=True))) for name, taken in samples.items()}


def table(title: str, medians: Mapping[str, Seconds], base: str, unit: str = "µs") -> None:
    """Print one line for each candidate, with its ratios to the base."""
    scale = {"µs": 1e6, "ms": 1e3}[unit]
    print(f"\n{title}; ratios to: {base}\n  {'':<44} {'wall':>12} {'ratio':>7} {'CPU':>14} {'ratio':>7}")
    for name, (wall, cpu) in medians.items():
        ratios = [wall / medians[base].wall, cpu / medians[base].cpu]
        print(f"  {name:<44} {wall * scale:9.1f} {unit} {ratios[0]:7.2f} {cpu * scale:11.1f} {unit} {ratios[1]:7.2f}")

"""On what the figures were measured; nothing that names a host or a path."""

import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

from typing_extensions import override


@dataclass(frozen=True, slots=True)
class Machine:
    """Hardware and software that decide about speed."""

    cpu: str
    cores: int
    memory_gib: float
    system: str
    python: str
    postgresql: str

    @override
    def __str__(self) -> str:
        """Say it in a line."""
        return (
            f"{self.cpu}, {self.cores} cores, {self.memory_gib:.0f} GiB; {self.system};"
            f" Python {self.python}; PostgreSQL {self.postgresql}"
        )

    def as_json(self) -> dict[str, object]:
        """Return plain values."""
        return asdict(self)


def this_machine(postgresql: str) -> Machine:
    """Describe this machine and the PostgreSQL of this version."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1,
        memory_gib=round(memory / 2**30, 1),
        system=_system(),
        python=f"{platform.python_version()} ({platform.python_implementation()})",
        postgresql=postgresql,
    )


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


def _system() -> str:
    kernel = f"{platform.system()} {platform.release()} {platform.machine()}"
    try:
        return f"{platform.freedesktop_os_release()['PRETTY_NAME']}, {kernel}"
    except (OSError, KeyError):
        return kernel

"""An x86 processor's energy counters (RAPL): ``/sys/class/powercap``, which root can read."""

from __future__ import annotations

from pathlib import Path

from inpaint_bench.machine.energy.base import Meter
from inpaint_bench.machine.files import read_number, read_text


class RaplMeter(Meter):
    """The packages' counters together. They wrap around one by one, after hours."""

    def __init__(self, folders: list[Path]) -> None:
        names = [read_text(folder / "name") or folder.name for folder in folders]
        self.name = "RAPL " + " + ".join(names)
        self._folders = folders
        self._starts: list[float] = []

    def start(self) -> None:
        self._starts = self._read()

    def stop(self) -> float:
        used = 0.0
        for folder, first, last in zip(self._folders, self._starts, self._read(), strict=True):
            wrap = (read_number(folder / "max_energy_range_uj") or 0.0) / 1e6
            used += last - first + (wrap if last < first else 0.0)
        return used

    def _read(self) -> list[float]:
        values = []
        for folder in self._folders:
            value = read_number(folder / "energy_uj")
            if value is None:
                raise OSError(f"{folder / 'energy_uj'} cannot be read any more")
            values.append(value / 1e6)
        return values


def find_rapl_meter(root: Path) -> RaplMeter | None:
    """A meter of all packages; None where their counters cannot be read."""
    folders = [
        folder
        for folder in sorted((root / "sys/class/powercap").glob("*-rapl:*"))
        if (read_text(folder / "name") or "").startswith("package")
        and read_number(folder / "energy_uj") is not None
    ]
    return RaplMeter(folders) if folders else None

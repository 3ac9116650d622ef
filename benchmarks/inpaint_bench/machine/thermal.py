"""Temperatures and what holds clocks down, from the kernel's files."""

from __future__ import annotations

from pathlib import Path

from inpaint_bench.machine.files import read_number, read_text


def temperatures(root: Path) -> dict[str, float]:
    """Degrees Celsius by thermal zone; a zone that is off is left out."""
    found = {}
    for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*")):
        value = read_number(zone / "temp")
        if value is not None and value > -100e3:  # a powered-down sensor reads -256 degrees
            found[read_text(zone / "type") or zone.name] = value / 1e3
    return found


def throttling(root: Path) -> list[str]:
    """What the kernel holds down now, and how often a Jetson ran into a limit of its supply."""
    return [*_cooling(root), *_over_current(root)]


def _cooling(root: Path) -> list[str]:
    """Cooling devices that are active and slow something down, which fans do not."""
    found = []
    for device in sorted((root / "sys/class/thermal").glob("cooling_device*")):
        kind = read_text(device / "type") or device.name
        state = read_number(device / "cur_state")
        if state and "fan" not in kind:
            found.append(f"{kind}: {state:g} of {read_number(device / 'max_state') or 0:g}")
    return found


def _over_current(root: Path) -> list[str]:
    found = []
    for folder in sorted((root / "sys/class/hwmon").glob("hwmon*")):
        if read_text(folder / "name") != "soctherm_oc":
            continue
        for counter in sorted(folder.glob("oc*_event_cnt")):
            events = read_number(counter)
            if events:
                limit = counter.name.split("_")[0]
                found.append(f"over-current limit {limit}: {events:g} events")
    return found

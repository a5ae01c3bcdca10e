"""Every check by its name, in the order in which they are told; a new one is a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.doctor.bench import Bench, Check, Finding, wrong
from relay.doctor.machine import alerts, clock, configuration, database, disk, ledger
from relay.doctor.road import road, service
from relay.doctor.services import connectors, groups, phone_system

if TYPE_CHECKING:
    from collections.abc import Mapping

CHECKS: Mapping[str, Check] = {
    "configuration": configuration,
    "disk": disk,
    "database": database,
    "ledger": ledger,
    "alerts": alerts,
    "clock": clock,
    "phone system": phone_system,
    "groups": groups,
    "connectors": connectors,
    "service": service,
    "public address": road,
}


async def examine(bench: Bench, checks: Mapping[str, Check] = CHECKS) -> list[tuple[str, Finding]]:
    """What every check found; one that falls over is a problem of its own, and stops no other."""
    found: list[tuple[str, Finding]] = []
    for name, check in checks.items():
        try:
            findings = await check(bench)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one check, the others are wanted
            findings = [wrong(f"could not be checked: {type(error).__name__}: {error}", "please report this")]
        found += [(name, finding) for finding in findings]
    return found

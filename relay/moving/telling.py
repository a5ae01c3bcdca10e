"""Runs and their moves as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.models import iso

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.models import Change, NumberRun


def run_json(run: NumberRun, changes: Sequence[Change]) -> dict[str, Any]:
    """A run with its moves for machines; times in ISO 8601."""
    return {
        "run": run.id,
        "kind": run.kind,
        "by": run.by,
        "at": iso(run.at),
        "state": run.state,
        "why": run.why,
        "until": iso(run.until),
        "answered_by": run.answered_by,
        "moves": [change_json(change) for change in changes],
    }


def change_json(change: Change) -> dict[str, Any]:
    """One move for machines."""
    return {
        "number": change.number,
        "kind": change.kind,
        "from": change.source,
        "to": change.to,
        "because": change.because,
        "state": change.state,
        "reason": change.reason,
    }

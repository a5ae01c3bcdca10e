"""How much there is of what, counted as it happens.

Rows count themselves, by triggers. What is accepted, planned as owed and pruned is counted by whoever does it: so a row
that is lost, or left out of a transaction, shows as a difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.store.upkeep import Balance

if TYPE_CHECKING:
    from relay.store.sql.connection import Connection

_STATE = "state "


def _all(connection: Connection) -> dict[str, int]:
    return {
        row["name"]: row["n"]
        for row in connection.execute("select name, cast(sum(n) as bigint) as n from counts group by name")
    }


def balance(connection: Connection) -> Balance:
    """What was accepted and owed, and what is accounted for."""
    counted = _all(connection)
    return Balance(
        accepted=counted["accepted"],
        unplanned=counted["unplanned"],
        planned=counted["planned"],
        pruned=counted["pruned"],
        owed=counted["owed"],
        forgotten=counted["forgotten"],
        states=_states(counted),
    )


def states(connection: Connection) -> dict[str, int]:
    """How many deliveries stand in each state."""
    return _states(_all(connection))


def _states(counted: dict[str, int]) -> dict[str, int]:
    return {name.removeprefix(_STATE): n for name, n in counted.items() if name.startswith(_STATE) and n}


def totals(connection: Connection) -> dict[str, int]:
    """Events ever accepted, pruned ones too; refused requests and tests that are still readable, a few thousand."""
    counted = _all(connection)
    requests = connection.execute(
        "select (select count(*) from requests where kind = 'refused') as refused, "
        "(select count(*) from requests where kind = 'test') as tests"
    ).fetchone()
    names = {"events": "accepted", "enriched": "enriched", "duplicates": "duplicates", "unplanned": "unplanned"}
    return {name: counted[counter] for name, counter in names.items()} | dict(requests)

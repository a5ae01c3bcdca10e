"""Money: a balance that is the sum of its movements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.sandbox import shapes
from relay.sandbox.refused import wrong
from relay.sandbox.route import Bare, Many, Page, Paging, Role, Route
from relay.sandbox.stamps import stamp

if TYPE_CHECKING:
    from relay.sandbox.route import Ask, World
    from relay.sandbox.state import Row


def balance(world: World) -> int:
    """Cents left to spend."""
    return int(world.state.value("SELECT coalesce(sum(amount_cents), 0) FROM transactions"))


def book(world: World, cents: int, kind: str, description: str) -> None:
    """Write one movement; spending is negative."""
    world.state.add(
        "transactions",
        type=kind,
        description=description,
        amount_cents=cents,
        balance_after_cents=balance(world) + cents,
        created_at=world.clock(),
    )


def charge(world: World, cents: int, kind: str, description: str) -> None:
    """Spend.

    Raises:
        Refused: 400, the balance is too short; nothing is spent.
    """
    left = balance(world)
    if left < cents:
        raise wrong(f"insufficient balance: {left} cents left, {cents} needed; add funds under Billing")
    book(world, -cents, kind, description)


def _shape(row: Row) -> shapes.Transaction:
    names = ("id", "type", "description", "amount_cents", "balance_after_cents")
    return shapes.Transaction(**{name: row[name] for name in names}, created_at=stamp(row["created_at"]) or "")


def current(ask: Ask) -> shapes.Balance:
    """GET /billing/balance."""
    return shapes.Balance(balance_cents=balance(ask.world), currency="USD")


def history(ask: Ask, query: Paging) -> Page:
    """GET /billing/history, newest first."""
    rows = ask.state.rows("SELECT * FROM transactions ORDER BY seq DESC")
    return Page([_shape(row) for row in query.cut(rows)], len(rows))


ROUTES = (
    Route("GET", "/billing/balance", Role.ADMIN, current, Bare(shapes.Balance), "Current balance in cents"),
    Route(
        "GET",
        "/billing/history",
        Role.ADMIN,
        history,
        Many("transactions", shapes.Transaction),
        "Transaction history",
        query=Paging,
    ),
)

"""Numbers and their groups: what is declared, what may move, and what would. Pure."""

from relay.numbers.brakes import Brakes, Wanted, judge, too_many
from relay.numbers.drift import Drift, drift
from relay.numbers.fights import fights
from relay.numbers.groups import Declared, comes_in_at, read_groups
from relay.numbers.planning import Held, Move, Planned, Standing, moved_by_hand, plan, public

__all__ = [
    "Brakes",
    "Declared",
    "Drift",
    "Held",
    "Move",
    "Planned",
    "Standing",
    "Wanted",
    "comes_in_at",
    "drift",
    "fights",
    "judge",
    "moved_by_hand",
    "plan",
    "public",
    "read_groups",
    "too_many",
]

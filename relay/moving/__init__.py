"""Numbers moved as people move infrastructure: a plan, somebody's word where it is asked for, an apply, an undo."""

from relay.moving.deeds import deeds_of
from relay.moving.now import drift_now
from relay.moving.numbers import Account, Numbers
from relay.moving.refused import Refused
from relay.moving.turn import Turn

__all__ = ["Account", "Numbers", "Refused", "Turn", "deeds_of", "drift_now"]

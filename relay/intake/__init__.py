"""The door: a webhook that proves its sender becomes an event, written down before the sender is answered."""

from relay.intake.body import read_json
from relay.intake.door import Intake, Reply, Source
from relay.intake.reading import MAPPABLE, merge, new_id, read_event

__all__ = ["MAPPABLE", "Intake", "Reply", "Source", "merge", "new_id", "read_event", "read_json"]

"""The values that everything else speaks of: forms that people fill in, and frozen facts that the program states."""

from relay.models.act import Act
from relay.models.alert import Alert
from relay.models.event import CALL_TYPES, ENRICHED, UNCONFIRMED, Event, iso
from relay.models.facts import BusinessFacts, CallerFacts, Known, NumberFacts, Owned, TextFacts
from relay.models.forms import (
    CALLSCALER,
    Form,
    GroupBefore,
    LocalPath,
    PhoneAction,
    Regroup,
    Restore,
    Seconds,
    Secret,
    SendText,
    UpdateNumber,
    seconds,
)
from relay.models.mode import Mode, SaidMode
from relay.models.moves import (
    OVER,
    Change,
    Counted,
    GroupOfNumbers,
    MoveFacts,
    MoveJudgement,
    NumberRun,
    Outage,
    PastMove,
)
from relay.models.queue import ASKED, OWED, Attempt, Delivery, Finding, Plan, State, Verdict
from relay.models.quick import quick
from relay.models.standing import Standing

__all__ = [
    "ASKED",
    "CALLSCALER",
    "CALL_TYPES",
    "ENRICHED",
    "OVER",
    "OWED",
    "UNCONFIRMED",
    "Act",
    "Alert",
    "Attempt",
    "BusinessFacts",
    "CallerFacts",
    "Change",
    "Counted",
    "Delivery",
    "Event",
    "Finding",
    "Form",
    "GroupBefore",
    "GroupOfNumbers",
    "Known",
    "LocalPath",
    "Mode",
    "MoveFacts",
    "MoveJudgement",
    "NumberFacts",
    "NumberRun",
    "Outage",
    "Owned",
    "PastMove",
    "PhoneAction",
    "Plan",
    "Regroup",
    "Restore",
    "SaidMode",
    "Seconds",
    "Secret",
    "SendText",
    "Standing",
    "State",
    "TextFacts",
    "UpdateNumber",
    "Verdict",
    "iso",
    "quick",
    "seconds",
]

"""Texts to people: what holds for all of them, whether one may go now, and the phone system that sends it."""

from relay.texting.blocks import Blocks
from relay.texting.findings import findings
from relay.texting.judging import GO, HEAR_AGAIN, HEARD, RECHECK, Alarm, Judgement, People, judge, mute, too_late
from relay.texting.loops import looped
from relay.texting.phone_system import ListedText, PhoneConnector, PretendedPhone, SentText, find_sent
from relay.texting.policy import Limit, LimitsForm, Policy, TextingForm

__all__ = [
    "GO",
    "HEARD",
    "HEAR_AGAIN",
    "RECHECK",
    "Alarm",
    "Blocks",
    "Judgement",
    "Limit",
    "LimitsForm",
    "ListedText",
    "People",
    "PhoneConnector",
    "Policy",
    "PretendedPhone",
    "SentText",
    "TextingForm",
    "find_sent",
    "findings",
    "judge",
    "looped",
    "mute",
    "too_late",
]

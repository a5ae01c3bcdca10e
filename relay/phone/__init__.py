"""Phone numbers and the names that come with them: read strictly, told apart by kind, place and clock."""

from relay.phone.masking import masked
from relay.phone.names import first_name, looks_like_person, sms_name
from relay.phone.numbers import is_region, line, mask, national, normalise, prefix, region, state, untextable, zones

__all__ = [
    "first_name",
    "is_region",
    "line",
    "looks_like_person",
    "mask",
    "masked",
    "national",
    "normalise",
    "prefix",
    "region",
    "sms_name",
    "state",
    "untextable",
    "zones",
]

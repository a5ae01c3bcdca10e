"""The section `business`: whose calls these are, and when somebody is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.forms import read_form
from relay.hours import Business
from relay.settings.forms import BusinessForm
from relay.settings.holidays import read_holidays

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Container

    from relay.settings.yaml_file import Document


def read_business(document: Document, section: Any) -> tuple[BusinessForm | None, Business]:
    """What is written, and the hours that come of it; always open where they cannot be read."""
    business = read_form(BusinessForm, section, ("business",), document.complain)
    if business is None:
        return None, Business.read("UTC")
    return business, Business.read(business.timezone, business.hours, business.closed)


def read_days_off(document: Document, business: BusinessForm | None) -> Container[dt.date]:
    """The public holidays that the business keeps."""
    try:
        return read_holidays(business.holidays) if business is not None and business.holidays else frozenset()
    except ValueError as error:
        document.complain(("business", "holidays"), str(error))
        return frozenset()

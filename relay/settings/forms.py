"""The sections of relay.yaml as people fill them in; rules, sources' proofs and texting bring forms of their own."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, ValidationInfo, field_validator, model_validator
from pydantic import Field as Key

from relay import phone
from relay.hours import Business, read_date, read_zone
from relay.http import Network
from relay.models import Form, LocalPath, Seconds, Secret, per
from relay.proof import ProofForm
from relay.upkeep import Retention

if TYPE_CHECKING:
    from pathlib import Path


def _network(text: Any) -> Any:
    try:
        return ipaddress.ip_network(str(text), strict=False)
    except ValueError:
        raise ValueError(f"`{text}` is no address or network; write 10.0.0.5/32") from None


def _e164(text: Any) -> str:
    number = phone.normalise(text)
    if number is None:
        raise ValueError(f"`{text}` is no telephone number; write it as +13125550101")
    return number


def _date(text: str) -> str:
    read_date(text)
    return text


def _day(text: str) -> str:
    Business.read("UTC", {text: "08:00-18:00"})
    return text


def _open(spans: str | list[str]) -> str | list[str]:
    Business.read("UTC", {"mon": spans})
    return spans


def _web(url: str) -> str:
    target = urlsplit(url)
    if url and (target.scheme not in {"https", "http"} or not target.hostname or target.query or target.fragment):
        raise ValueError(f"`{url}` is no address of a site; write it like https://calls.example.com")
    return url


Web = Annotated[str, AfterValidator(_web)]
AnyNetwork = Annotated[ipaddress.IPv4Network | ipaddress.IPv6Network, BeforeValidator(_network)]
_BYTES = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
Number = Annotated[str, BeforeValidator(_e164)]


class BusinessForm(Form):
    """The section `business`."""

    name: str = "Our business"
    timezone: Annotated[str, AfterValidator(read_zone)] = "UTC"
    hours: dict[Annotated[str, AfterValidator(_day)], Annotated[str | list[str], AfterValidator(_open)]] = {}
    closed: list[Annotated[str, AfterValidator(_date)]] = []
    holidays: str | None = None
    """A country whose public holidays `now.holiday` knows, or one of its parts: US, US-TX, CA-ON."""
    staff: list[Number] = []

    @field_validator("hours", mode="before")
    @classmethod
    def _told(cls, hours: Any) -> Any:
        for day, told in hours.items() if isinstance(hours, dict) else ():
            if told is None:
                raise ValueError(f"`{day}` has no hours; write a day, a colon and a span, like mon-fri: 08:00-18:00")
        return hours

    @field_validator("hours")
    @classmethod
    def _week(cls, hours: dict[str, str | list[str]]) -> dict[str, str | list[str]]:
        Business.read("UTC", hours)
        return hours


def said_hours(business: BusinessForm) -> str | None:
    """The hours of a business in one line, as they are written; None where it wrote none."""
    spans = [(day, [said] if isinstance(said, str) else said) for day, said in business.hours.items()]
    return ", ".join(f"{day} {' and '.join(said)}" for day, said in spans) or None


class ServerForm(Form):
    """The section `server`."""

    listen: str = "127.0.0.1:8080"
    admin: str = "127.0.0.1:8081"
    public_url: Web = ""
    admin_url: Web = ""
    trusted_proxies: list[AnyNetwork] = []

    @field_validator("listen", "admin")
    @classmethod
    def _address(cls, written: str) -> str:
        read_address(written)
        return written


def read_address(written: str) -> tuple[str, int]:
    """Host and port from HOST:PORT; [::1]:8080 for IPv6.

    Raises:
        ValueError: it is something else.
    """
    host, _, port = written.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004 - the last port
        raise ValueError(f"`{written}` is no address; write HOST:PORT, like 127.0.0.1:8080")
    return host.strip("[]"), int(port)


class NetworkForm(Form):
    """The section `network`."""

    allow: list[AnyNetwork] = []
    allow_http: bool = False
    ca_file: LocalPath | None = None

    @field_validator("ca_file")
    @classmethod
    def _certificates(cls, file: Path | None) -> Path | None:
        if file is not None:
            try:
                Network(ca_file=file).tls()
            except OSError:
                raise ValueError(f"{file.name} cannot be read, or holds no certificates (PEM)") from None
        return file


class RetentionForm(Form):
    """The section `retention`."""

    bodies: Seconds = 30 * 86400.0
    transcripts: Seconds = 7 * 86400.0
    attempts: Seconds = 90 * 86400.0
    size: str = "2GB"

    @field_validator("size")
    @classmethod
    def _sound(cls, written: str) -> str:
        number, unit = written[:-2], written[-2:]
        if unit not in _BYTES or not number.isdecimal() or not int(number):
            raise ValueError(f"`{written}` is no size; write 500MB or 2GB")
        return written

    def read(self) -> Retention:
        """As the upkeep of the ledger understands it."""
        size = int(self.size[:-2]) * _BYTES[self.size[-2:]]
        return Retention(self.bodies, self.transcripts, self.attempts, size)


class RetryForm(Form):
    """The section `retry`."""

    span: Seconds = Key(default=3 * 86400.0, alias="for")
    first: Seconds = Key(default=5.0, gt=0)
    most: Seconds = Key(default=6 * 3600.0, gt=0)


def read_rate(written: str) -> tuple[float, float]:
    """How many in how many seconds, from 1/s, 60/m or 5/10s.

    Raises:
        ValueError: it is something else.
    """
    try:
        count, span = per(written)
    except ValueError:
        count, span = 0, 0.0
    if count < 1 or span <= 0:
        raise ValueError(f"`{written}` is no rate; write 1/s or 60/m")
    return float(count), span


LEAST_HOLD = 5.0
"""Seconds of a claim beyond the try itself; asking whether somebody was answered alone may take 3 of them."""


class MannersForm(Form):
    """What every connector may set beside its own options."""

    rate: str | None = None
    concurrency: int = Key(default=4, ge=1, le=256)
    timeout: Seconds = Key(default=15.0, gt=0)
    lease: Seconds | None = None
    retry: RetryForm = RetryForm()

    @field_validator("rate")
    @classmethod
    def _rate(cls, written: str | None) -> str | None:
        if written is not None:
            read_rate(written)
        return written

    @model_validator(mode="after")
    def _lease_above_timeout(self) -> MannersForm:
        if self.lease is not None and self.lease <= self.timeout:
            raise ValueError("`lease` must be longer than `timeout`")
        return self

    @property
    def lease_seconds(self) -> float:
        """How long a claim holds: longer than any try may last, and than what is asked and judged before it."""
        return max(30.0, 2 * self.timeout) if self.lease is None else max(self.lease, self.timeout + LEAST_HOLD)


class BackfillForm(Form):
    """The section `callscaler: backfill`."""

    every: Seconds = Key(default=300.0, gt=0)
    after: Seconds = 1200.0
    enrich_after: Seconds = 180.0


class CallScalerForm(MannersForm):
    """The section `callscaler`."""

    api_key: Secret = Secret("")
    base_url: Web = "https://callscaler.com/api/v1"
    backfill: BackfillForm = BackfillForm()

    @property
    def has_key(self) -> bool:
        """Whether the phone system can be called back."""
        return bool(self.api_key.get_secret_value())


class SourceForm(Form):
    """One of the section `sources`."""

    type: Literal["callscaler", "json"]
    proof: ProofForm
    confirm: bool = False
    map: dict[str, str] = {}


class AlertsForm(Form):
    """The section `alerts`."""

    to: str | None = None
    silence: bool = True


class SpamScoreForm(Form):
    """One line of the spam scorecard."""

    if_: Any = Key(alias="if")
    add: int


class SpamForm(Form):
    """The section `spam`."""

    score: list[SpamScoreForm] = []
    likely_from: int = 4
    certain_from: int = 8
    welcome: str | None = None

    @field_validator("certain_from")
    @classmethod
    def _above(cls, certain: int, info: ValidationInfo) -> int:
        likely = info.data.get("likely_from", certain)
        if certain < likely:
            raise ValueError(f"what is certain has at least the points of what is likely: {likely} or more")
        return certain


class OwnedForm(Form):
    """A number as a scenario gives it."""

    number: Number
    name: str | None = None
    group: str | None = None
    status: str | None = None
    sms_enabled: bool | None = None
    calls_7d: int | None = None
    calls_30d: int | None = None
    answer_rate_7d: float | None = None
    answer_rate_30d: float | None = None
    age_days: int | None = None


class ExpectForm(Form):
    """What a scenario expects."""

    texts: int | None = None
    delivered: dict[str, int] = {}
    suppressed: int | None = None
    held_until: str | None = None
    moves: int | list[Any] | dict[str, Any] | None = None
    verdicts: dict[str, str] = {}

    @model_validator(mode="after")
    def _something(self) -> ExpectForm:
        if not self.model_fields_set:
            raise ValueError("this expects nothing, so nothing can go wrong; write {texts: 1}, or what else should be")
        return self


class ScenarioForm(Form):
    """One of the section `tests`."""

    name: str
    given: list[dict[str, Any]] = Key(min_length=1)
    expect: ExpectForm
    broken: dict[str, int] = {}
    numbers: list[OwnedForm] = []

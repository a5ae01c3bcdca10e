"""The whole configuration, read and checked at once, ready for the app to be built from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from relay.backoff import Schedule
from relay.models import CALLSCALER
from relay.rules import NO_CARD, Scorecard, version_of_all
from relay.settings.numbers_section import Regrouping

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from relay.connector import Connector, Form
    from relay.errors import Mistake
    from relay.http import Network
    from relay.intake import Source
    from relay.numbers import Brakes, Declared
    from relay.rules import About, Rule
    from relay.settings.forms import CallScalerForm, MannersForm, ScenarioForm, ServerForm
    from relay.texting import Policy
    from relay.upkeep import Retention


@dataclass(frozen=True)
class Configured:
    """A connector as relay.yaml sets it up."""

    name: str
    cls: type[Connector[Any, Any]]
    options: Form
    manners: MannersForm

    @property
    def retry(self) -> Schedule:
        """Its schedule of tries."""
        return Schedule(self.manners.retry.span, self.manners.retry.first, self.manners.retry.most)


@dataclass(frozen=True)
class Settings:
    """Everything relay.yaml says."""

    path: Path | None
    about: About
    policy: Policy
    network: Network
    store: str = field(repr=False)
    server: ServerForm
    callscaler: CallScalerForm
    sources: Mapping[str, Source]
    connectors: Mapping[str, Configured]
    rules: tuple[Rule, ...]
    retention: Retention
    written_rules: Mapping[str, tuple[str, str]]
    """Rule version → (name, the rule as it is written, as JSON)."""
    read_old_rule: Callable[[str, str], Rule | None]
    """(version, form) → the rule, from an older wording that something owed still names."""
    tests: tuple[ScenarioForm, ...] = ()
    regrouping: Regrouping = field(default_factory=Regrouping)
    spam: Scorecard = NO_CARD
    alerts_to: str | None = None
    unanswered: float | None = None
    """Seconds that a text may wait for an answer before `text.unanswered` is raised."""
    alerts_silence: bool = True
    warnings: tuple[Mistake, ...] = ()
    text: str = ""
    """The file as it is written, without the secrets that stand in it."""
    admin_token: str | None = field(default=None, repr=False)
    view_token: str | None = field(default=None, repr=False)

    @property
    def version(self) -> str:
        """Short name of these rules together, kept with every verdict."""
        return version_of_all(self.rules)

    @property
    def groups(self) -> tuple[Declared, ...]:
        """The declared groups of numbers."""
        return self.regrouping.groups

    @property
    def brakes(self) -> Brakes:
        """What holds numbers where they are."""
        return self.regrouping.brakes

    @property
    def rings_people(self) -> frozenset[str]:
        """Names of connectors that stay silent for late events."""
        return frozenset(name for name, item in self.connectors.items() if item.cls.alerts_people)

    @property
    def can_call_back(self) -> bool:
        """Whether the phone system can be spoken to."""
        return CALLSCALER in self.connectors

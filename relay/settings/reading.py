"""From a file to settings: every section read on its own, so that all mistakes come out at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from relay.forms import keys_of, read_form, unknown
from relay.http import Network
from relay.models import CALLSCALER
from relay.rules import About, Rule, Surroundings, read_rule
from relay.rules.messages import House
from relay.settings.business_section import read_business, read_days_off
from relay.settings.connectors_section import SetUp, read_connectors
from relay.settings.environment import consider_environment
from relay.settings.forms import (
    AlertsForm,
    CallScalerForm,
    NetworkForm,
    RetentionForm,
    ServerForm,
    SourceForm,
    said_hours,
)
from relay.settings.ledger_place import DEFAULT_STORE, store_url
from relay.settings.lists_section import read_lists
from relay.settings.names import DEFAULT_SOURCES, SECTIONS
from relay.settings.numbers_section import read_regrouping, warn_of_fights, warn_of_low_doors
from relay.settings.rules_section import read_rules
from relay.settings.settings import Configured, Settings
from relay.settings.slips import warn_of_slips
from relay.settings.sources_section import read_sources
from relay.settings.spam_section import read_spam
from relay.settings.tests_section import read_tests
from relay.settings.texting_section import read_policy, warn_of_nobody
from relay.settings.unreachable import warn_of_unreachable
from relay.settings.written_secrets import judge_secrets, without_secrets
from relay.settings.yaml_file import Document, expand, read_document
from relay.texting import TextingForm

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from relay.connector import Connector
    from relay.forms import Path as Place


def read_settings(
    path: Path, connectors: Mapping[str, type[Connector[Any, Any]]], environment: Mapping[str, str]
) -> Settings:
    """The configuration in a file, with the connector classes by type; the environment fills in ${NAME}.

    Raises:
        ConfigError: with every mistake in the file.
    """
    return _Reader(read_document(path), connectors, environment).settings()


class _Reader:
    """Reads one document, section by section."""

    def __init__(
        self,
        document: Document,
        connectors: Mapping[str, type[Connector[Any, Any]]],
        environment: Mapping[str, str],
    ) -> None:
        self.document = document
        self.types = connectors
        self.environment = environment
        self.written = document.tree
        for key in self.written:
            if key not in SECTIONS:
                document.complain((key,), unknown(key, SECTIONS, "section"))
        if self.written.get("sources") is None:
            self.written["sources"] = DEFAULT_SOURCES
        self.tree = expand(document, self.written, environment)
        self._complain = document.complain

    def settings(self) -> Settings:
        """Everything, or every mistake."""
        document, section = self.document, self.tree.get
        business, hours = read_business(document, section("business"))
        holidays = read_days_off(document, business)
        server = self._server()
        network = read_form(NetworkForm, section("network"), ("network",), self._complain, folder=document.path.parent)
        retention = self._form(RetentionForm, "retention")
        callscaler = self._callscaler()
        has_key = callscaler is not None and callscaler.has_key
        connectors = read_connectors(document, section("connectors"), self.types, callscaler)
        sources = read_sources(document, section("sources"), has_key=has_key)
        texting = self._form(TextingForm, "texting") or TextingForm()
        policy = read_policy(texting, hours, business.staff if business else ())
        warn_of_nobody(document, policy)
        around = Surroundings(connectors.actions, read_lists(document, section("lists")), connectors.unreadable)
        spam = read_spam(document, section("spam"), around.lists)
        alerts = self._form(AlertsForm, "alerts")
        if alerts is not None and alerts.to is not None:
            self._hearer(alerts.to, connectors)
        rules, written = read_rules(
            document,
            self.written.get("rules"),
            section("rules"),
            around,
            staff=policy.staff,
            house=House(texting.max_segments, {"business.name": business.name} if business else {}),
            hours=hours,
            has_key=has_key,
            sources=sources,
        )
        regrouping = read_regrouping(document, self.tree, around.lists, around.actions)
        warn_of_low_doors(document, regrouping.groups)
        warn_of_fights(document, rules, regrouping.groups, section("rules"))
        named = _names_in(section("rules")) | {rule.name for rule in rules}
        tests = read_tests(document, section("tests"), named, connectors.named | {CALLSCALER})
        store = self._store()
        secretive = self._forms_with_secrets(connectors.configured, callscaler)
        judge_secrets(document, self.tree, secretive, connectors.secret_inputs)
        warn_of_slips(document, self.written.get("rules"), section("business"))
        consider_environment(document, self.environment)
        ways_out = None if network is None else Network(tuple(network.allow), network.allow_http, network.ca_file)
        if ways_out is not None:
            warn_of_unreachable(document, secretive, ways_out)
        document.raise_mistakes()
        if (
            ways_out is None
            or business is None
            or server is None
            or callscaler is None
            or alerts is None
            or retention is None
        ):
            raise AssertionError("a section without mistakes was not read")  # pragma: no cover
        staff = policy.staff
        return Settings(
            path=document.path,
            about=About(
                business.name,
                hours,
                admin_url=server.admin_url,
                hours_written=said_hours(business),
                holidays=holidays,
                min_history=regrouping.min_history,
            ),
            regrouping=regrouping,
            policy=policy,
            network=ways_out,
            store=store,
            server=server,
            callscaler=callscaler,
            sources=sources,
            connectors=connectors.configured,
            rules=rules,
            written_rules=written,
            read_old_rule=lambda version, form: self._old_rule(version, form, around, staff),
            tests=tests,
            spam=spam,
            retention=retention.read(),
            alerts_to=alerts.to,
            unanswered=texting.unanswered,
            alerts_silence=alerts.silence,
            warnings=tuple(sorted(set(document.warnings))),
            text=without_secrets(document, secretive, connectors.secret_inputs),
            admin_token=self.environment.get("RELAY_ADMIN_TOKEN") or None,
            view_token=self.environment.get("RELAY_VIEW_TOKEN") or None,
        )

    def _form(self, form: type[Any], section: str) -> Any:
        return read_form(form, self.tree.get(section), (section,), self._complain)

    def _server(self) -> ServerForm | None:
        written = dict(keys_of(self.tree.get("server"), ("server",), self._complain, "server"))
        for variable, key in (("RELAY_LISTEN", "listen"), ("RELAY_ADMIN", "admin")):
            if self.environment.get(variable):
                written[key] = self.environment[variable]
        return read_form(ServerForm, written, ("server",), self._complain)

    def _store(self) -> str:
        url = store_url(self.tree.get("store"), self.environment)
        if url is None:
            self._complain(("store",), "the store is written as sqlite:///relay.db or postgresql://user@host/database")
        return url or DEFAULT_STORE

    def _callscaler(self) -> CallScalerForm | None:
        written = dict(keys_of(self.tree.get("callscaler"), ("callscaler",), self._complain, "callscaler"))
        for variable, key in (("CALLSCALER_API_KEY", "api_key"), ("CALLSCALER_BASE_URL", "base_url")):
            if self.environment.get(variable):
                written[key] = self.environment[variable]
                self.document.expanded.add(("callscaler", key))
        return read_form(CallScalerForm, written, ("callscaler",), self._complain)

    def _hearer(self, name: str, connectors: SetUp) -> None:
        """Whoever alerts are told to must be able to tell people."""
        place = ("alerts", "to")
        if name not in connectors.configured:
            if name not in connectors.named:
                self._complain(place, unknown(name, connectors.named, "connector"))
        elif connectors.configured[name].cls.notice("subject", "text") is None:
            self._complain(place, f"{name} rings nobody; name a connector of type slack, email, notify or webhook")

    def _old_rule(self, version: str, form: str, around: Surroundings, staff: frozenset[str]) -> Rule | None:
        """A rule from an older wording; None when it no longer fits what is set up now."""
        scratch = Document(self.document.path)
        written = expand(scratch, json.loads(form), self.environment)
        return read_rule(written, (), scratch.complain, around, staff=staff, version=version)

    def _forms_with_secrets(
        self, configured: Mapping[str, Configured], callscaler: CallScalerForm | None
    ) -> list[tuple[Place, Any]]:
        forms: list[tuple[Place, Any]] = [
            (("connectors", name), item.options) for name, item in configured.items() if name != CALLSCALER
        ]
        forms.append((("callscaler",), callscaler))
        sources = keys_of(self.tree.get("sources"), (), _ignore, "sources")
        forms.extend(
            (("sources", name), read_form(SourceForm, written, (), _ignore)) for name, written in sources.items()
        )
        return forms


def _names_in(rules: Any) -> set[str]:
    """The names of rules as they are written, of those that could not be read too."""
    if not isinstance(rules, list):
        return set()
    return {entry["name"] for entry in rules if isinstance(entry, dict) and isinstance(entry.get("name"), str)}


def _ignore(place: Place, message: str) -> None:
    """A mistake that was told before."""

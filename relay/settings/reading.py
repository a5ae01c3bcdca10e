"""From a file to settings: every section read on its own, so that all mistakes come out at once."""

from __future__ import annotations

import ipaddress
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr

from relay import phone
from relay.forms import keys_of, read_form, unknown
from relay.hours import Business, QuietHours
from relay.http import Network
from relay.intake import Source
from relay.models import CALLSCALER
from relay.rules import About, Rule, Surroundings, read_condition, read_rule, version_of
from relay.settings.forms import (
    AlertsForm,
    BusinessForm,
    CallScalerForm,
    GroupForm,
    MannersForm,
    NetworkForm,
    RegroupForm,
    RetentionForm,
    ScenarioForm,
    ServerForm,
    SourceForm,
    SpamForm,
)
from relay.settings.settings import Configured, Scorecard, Settings
from relay.settings.yaml_file import Document, expand, read_document, readable_by_others
from relay.texting import Limit, Policy, TextingForm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.connector import Connector
    from relay.forms import Path as Place

SECTIONS = (
    "business",
    "server",
    "store",
    "network",
    "retention",
    "callscaler",
    "sources",
    "connectors",
    "texting",
    "regroup",
    "groups",
    "alerts",
    "lists",
    "spam",
    "rules",
    "tests",
)
DEFAULT_STORE = "sqlite:///relay.db"
DEFAULT_SOURCES = {
    "callscaler": {"type": "callscaler", "proof": {"header": "X-Relay-Secret", "secret": "${RELAY_HOOK_SECRET}"}}
}
SETTINGS = {
    "RELAY_CONFIG",
    "RELAY_STORE",
    "RELAY_LISTEN",
    "RELAY_ADMIN",
    "RELAY_ADMIN_TOKEN",
    "RELAY_VIEW_TOKEN",
    "RELAY_ENCRYPTION_KEY",
    "RELAY_LOG",
}


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
        business, hours = self._business()
        server = self._server()
        network = self._form(NetworkForm, "network")
        self._form(RetentionForm, "retention")
        self._form(RegroupForm, "regroup")
        self._groups()
        callscaler = self._callscaler()
        configured = self._connectors(callscaler)
        sources = self._sources()
        texting = self._form(TextingForm, "texting") or TextingForm()
        policy = self._policy(texting, hours, business)
        around = Surroundings(
            {name: item.cls.Action for name, item in configured.items()} | self._phone(), self._lists()
        )
        spam = self._spam(around)
        alerts = self._form(AlertsForm, "alerts")
        if alerts is not None and alerts.to is not None and alerts.to not in configured:
            self._complain(("alerts", "to"), unknown(alerts.to, configured, "connector"))
        rules, written = self._rules(around, policy, callscaler, sources)
        tests = self._tests(rules)
        self._secrets(configured, callscaler)
        self._environment_names()
        self.document.raise_mistakes()
        if network is None or business is None or server is None or callscaler is None or alerts is None:
            raise AssertionError("a section without mistakes was not read")  # pragma: no cover
        staff = policy.staff
        return Settings(
            path=self.document.path,
            about=About(business.name, hours),
            policy=policy,
            network=Network(tuple(network.allow), network.allow_http),
            store=self._store(),
            server=server,
            callscaler=callscaler,
            sources=sources,
            connectors=configured,
            rules=rules,
            written_rules=written,
            read_old_rule=lambda version, form: self._old_rule(version, form, around, staff),
            tests=tests,
            spam=spam,
            alerts_to=alerts.to,
            warnings=tuple(sorted(set(self.document.warnings))),
            admin_token=self.environment.get("RELAY_ADMIN_TOKEN") or None,
            view_token=self.environment.get("RELAY_VIEW_TOKEN") or None,
        )

    def _form(self, form: type[Any], section: str) -> Any:
        return read_form(form, self.tree.get(section), (section,), self._complain)

    def _business(self) -> tuple[BusinessForm | None, Business]:
        business = read_form(BusinessForm, self.tree.get("business"), ("business",), self._complain)
        if business is None:
            return None, Business.read("UTC")
        zone = business.timezone
        try:
            Business.read(zone)
        except ValueError as error:
            self._complain(("business", "timezone"), str(error))
            zone = "UTC"
        parts: tuple[tuple[str, dict[str, Any], list[str]], ...] = (
            ("hours", dict(business.hours), []),
            ("closed", {}, business.closed),
        )
        for name, hours, closed in parts:
            try:
                Business.read(zone, hours, closed)
            except ValueError as error:
                self._complain(("business", name), str(error))
                return business, Business.read(zone)
        return business, Business.read(zone, business.hours, business.closed)

    def _server(self) -> ServerForm | None:
        written = dict(keys_of(self.tree.get("server"), ("server",), self._complain, "server"))
        for variable, key in (("RELAY_LISTEN", "listen"), ("RELAY_ADMIN", "admin")):
            if self.environment.get(variable):
                written[key] = self.environment[variable]
        return read_form(ServerForm, written, ("server",), self._complain)

    def _store(self) -> str:
        url = self.environment.get("RELAY_STORE") or self.tree.get("store") or DEFAULT_STORE
        if not isinstance(url, str) or not url.startswith("sqlite:///"):
            self._complain(("store",), "the store is written as sqlite:///relay.db; postgresql:// is not built yet")
            self.document.raise_mistakes()
        if self.environment.get("RELAY_STORE"):
            # A path typed in a shell counts from where it was typed, one in the file from the file.
            return f"sqlite:///{Path.cwd() / url.removeprefix('sqlite:///')}"
        return str(url)

    def _groups(self) -> None:
        groups = self.tree.get("groups") or []
        if not isinstance(groups, list):
            self._complain(("groups",), "groups is a list of groups, each with a name")
            return
        for index, group in enumerate(groups):
            read_form(GroupForm, group, ("groups", index), self._complain)
        if groups:
            self.document.warn(("groups",), "declared groups are read, but not kept yet: no number is moved by them")

    def _callscaler(self) -> CallScalerForm | None:
        written = dict(keys_of(self.tree.get("callscaler"), ("callscaler",), self._complain, "callscaler"))
        for variable, key in (("CALLSCALER_API_KEY", "api_key"), ("CALLSCALER_BASE_URL", "base_url")):
            if self.environment.get(variable):
                written[key] = self.environment[variable]
                self.document.expanded.add(("callscaler", key))
        return read_form(CallScalerForm, written, ("callscaler",), self._complain)

    def _phone(self) -> dict[str, Any]:
        cls = self.types.get(CALLSCALER)
        return {} if cls is None else {CALLSCALER: cls.Action}

    def _connectors(self, callscaler: CallScalerForm | None) -> dict[str, Configured]:
        found: dict[str, Configured] = {}
        section = keys_of(self.tree.get("connectors"), ("connectors",), self._complain, "connectors")
        for name, written in section.items():
            place = ("connectors", name)
            if name == CALLSCALER:
                self._complain(place, f"`{name}` is the phone system's own name; set it up under callscaler:")
                continue
            item = self._connector(name, written, place)
            if item is not None:
                found[name] = item
        cls = self.types.get(CALLSCALER)
        if callscaler is not None and callscaler.api_key.get_secret_value() and cls is not None:
            options = cls.Options.model_validate({"api_key": callscaler.api_key, "base_url": callscaler.base_url})
            found[CALLSCALER] = Configured(CALLSCALER, cls, options, callscaler)
        return found

    def _connector(self, name: str, written: Any, place: Place) -> Configured | None:
        fields = dict(keys_of(written, place, self._complain, "a connector"))
        kind = fields.pop("type", None)
        offered = [known for known in self.types if known != CALLSCALER]
        cls = self.types.get(kind) if isinstance(kind, str) and kind != CALLSCALER else None
        if cls is None:
            if kind is None:
                self._complain(place, f"`type` is missing here; one of {', '.join(offered)}")
            else:
                self._complain((*place, "type"), unknown(str(kind), offered, "connector type"))
            return None
        own = {field.alias or key for key, field in cls.Options.model_fields.items()}
        shared = {key: fields.pop(key) for key in list(fields) if key in MannersForm.model_fields and key not in own}
        for key in [key for key in fields if key not in own]:
            self._complain((*place, key), unknown(key, own | set(MannersForm.model_fields)))
            fields.pop(key)
        manners = read_form(MannersForm, shared, place, self._complain)
        options = read_form(cls.Options, fields, place, self._complain)
        if manners is None or options is None:
            return None
        return Configured(name, cls, options, manners)

    def _sources(self) -> dict[str, Source]:
        found: dict[str, Source] = {}
        section = keys_of(self.tree.get("sources"), ("sources",), self._complain, "sources")
        for name, written in section.items():
            form = read_form(SourceForm, written, ("sources", name), self._complain)
            if form is None:
                continue
            if form.confirm:
                self._complain(
                    ("sources", name, "confirm"), "confirming calls through the API is not built yet; leave it out"
                )
            proof = form.proof.proof()
            for warning in proof.warnings:
                self.document.warn(("sources", name, "proof"), warning)
            found[name] = Source(name, form.type, proof, form.map)
        return found

    def _policy(self, form: TextingForm, hours: Business, business: BusinessForm | None) -> Policy:
        quiet = form.quiet_hours
        read = QuietHours.read("08:00-20:00", "recipient", "strict")
        try:
            read = QuietHours.read(quiet.allow, quiet.clock, quiet.states)
        except ValueError as error:
            self._complain(("texting", "quiet_hours", "allow"), str(error))
        return Policy(
            hours=hours,
            quiet=read,
            per_person=Limit.read(form.limits.per_person),
            per_prefix=Limit.read(form.limits.per_prefix),
            total=Limit.read(form.limits.total),
            regions=frozenset(form.regions),
            staff=frozenset(business.staff if business else ()),
            settle=form.settle,
        )

    def _lists(self) -> dict[str, frozenset[str]]:
        found: dict[str, frozenset[str]] = {}
        for name, file in keys_of(self.tree.get("lists"), ("lists",), self._complain, "lists").items():
            try:
                lines = (self.document.path.parent / str(file)).read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError) as error:
                why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
                self._complain(("lists", name), f"the list {file} cannot be read: {why}")
                lines = []
            entries = [line.partition("#")[0].strip() for line in lines]
            found[name] = frozenset(phone.normalise(entry) or entry for entry in entries if entry)
        return found

    def _spam(self, around: Surroundings) -> Scorecard | None:
        if self.tree.get("spam") is None:
            return None
        form = read_form(SpamForm, self.tree["spam"], ("spam",), self._complain)
        if form is None:
            return None
        lines = []
        for index, line in enumerate(form.score):
            place = ("spam", "score", index, "if")
            lines.append((read_condition(line.if_, place, self._complain, around.lists), line.add))
        if form.welcome is not None and form.welcome not in around.lists:
            self._complain(("spam", "welcome"), unknown(form.welcome, around.lists, "list"))
        welcome = frozenset(around.lists.get(form.welcome or "", ()))
        return Scorecard(tuple(lines), form.likely_from, form.certain_from, welcome)

    def _rules(
        self, around: Surroundings, policy: Policy, callscaler: CallScalerForm | None, sources: Mapping[str, Source]
    ) -> tuple[tuple[Rule, ...], dict[str, tuple[str, str]]]:
        section = self.tree.get("rules")
        if section is not None and not isinstance(section, list):
            self._complain(("rules",), "rules is a list of rules, each with a name")
            return (), {}
        rules: list[Rule] = []
        written: dict[str, tuple[str, str]] = {}
        names: set[str] = set()
        for index, entry in enumerate(section or ()):
            place = ("rules", index)
            as_written = self.written["rules"][index]
            version = version_of(as_written)
            rule = read_rule(entry, place, self._complain, around, staff=policy.staff, version=version)
            if rule is None:
                continue
            if rule.name in names:
                self._complain((*place, "name"), f"another rule is already called {rule.name}")
            names.add(rule.name)
            self._consider(rule, place, callscaler, sources)
            rules.append(rule)
            written[version] = (rule.name, json.dumps(as_written, ensure_ascii=False))
        return tuple(rules), written

    def _consider(
        self, rule: Rule, place: Place, callscaler: CallScalerForm | None, sources: Mapping[str, Source]
    ) -> None:
        """What is wrong or odd about a rule in its surroundings."""
        calls_back = [step for step in rule.acting if step.connector == CALLSCALER]
        has_key = callscaler is not None and bool(callscaler.api_key.get_secret_value())
        if calls_back and rule.mode == "live" and not has_key:
            self._complain(
                (*place, "then"),
                f"{calls_back[0].verb} needs the CallScaler API: set CALLSCALER_API_KEY, or mode: shadow until then",
            )
        if rule.texts:
            for source in sources.values():
                if source.proof.scheme == "none":
                    self._complain(
                        (*place, "then"),
                        f"a rule that texts cannot trust the source {source.name}, whose proof is none",
                    )
        if rule.ticks:
            self.document.warn(
                (*place, "when"),
                f"{rule.name}: times are read, but the clock is not built yet: it does not run by time",
            )

    def _old_rule(self, version: str, form: str, around: Surroundings, staff: frozenset[str]) -> Rule | None:
        """A rule from an older wording; None when it no longer fits what is set up now."""
        scratch = Document(self.document.path)
        written = expand(scratch, json.loads(form), self.environment)
        return read_rule(written, (), scratch.complain, around, staff=staff, version=version)

    def _tests(self, rules: tuple[Rule, ...]) -> tuple[ScenarioForm, ...]:
        section = self.tree.get("tests") or []
        if not isinstance(section, list):
            self._complain(("tests",), "tests is a list of scenarios, each with a name, given and expect")
            return ()
        found = [read_form(ScenarioForm, entry, ("tests", i), self._complain) for i, entry in enumerate(section)]
        names = [rule.name for rule in rules]
        for index, scenario in enumerate(found):
            for name in scenario.expect.verdicts if scenario is not None else ():
                if name not in names:
                    self._complain(("tests", index, "expect", "verdicts", name), unknown(name, names, "rule"))
        return tuple(scenario for scenario in found if scenario is not None)

    def _secrets(self, configured: Mapping[str, Configured], callscaler: CallScalerForm | None) -> None:
        """A secret written out in the file is warned about, and refused where others can read the file."""
        forms: list[tuple[Place, Any]] = [
            (("connectors", name), item.options) for name, item in configured.items() if name != CALLSCALER
        ]
        forms.append((("callscaler",), callscaler))
        for name, written in keys_of(self.tree.get("sources"), (), _ignore, "sources").items():
            forms.append((("sources", name), read_form(SourceForm, written, (), _ignore)))
        for place, form in forms:
            for spot in _secret_places(form, place):
                self._secret(spot)

    def _secret(self, spot: Place) -> None:
        text = self.tree
        for part in spot:
            text = text.get(part) if isinstance(text, dict) else None
        if (
            not text
            or spot in self.document.expanded
            or _is_loopback(str(text))
            or self.document.position(spot) == self.document.position(())
        ):
            return
        message = "a secret stands in the file; put it into the environment and write ${NAME} here"
        if readable_by_others(self.document.path):
            self._complain(
                spot, f"{message}. The file can be read by others on this machine (chmod 600), so it is refused"
            )
        else:
            self.document.warn(spot, message)

    def _environment_names(self) -> None:
        for name in self.environment:
            if name.startswith("RELAY_") and name not in SETTINGS and f"${{{name}" not in self._text:
                self.document.warn((), unknown(name, SETTINGS, "setting (environment variable)"))

    @property
    def _text(self) -> str:
        return self.document.path.read_text(encoding="utf-8")


def _ignore(place: Place, message: str) -> None:
    """A mistake that was told before."""


def _secret_places(form: Any, place: Place) -> list[Place]:
    if not isinstance(form, BaseModel):
        return []
    found: list[Place] = []
    for name, field in type(form).model_fields.items():
        value, spot = getattr(form, name), (*place, field.alias or name)
        if isinstance(value, SecretStr):
            found.append(spot)
        elif isinstance(value, BaseModel):
            found.extend(_secret_places(value, spot))
        elif isinstance(value, dict):
            found.extend((*spot, key) for key, inner in value.items() if isinstance(inner, SecretStr))
    return found


def _is_loopback(text: str) -> bool:
    """An address on this machine is no secret, whatever its path: a stand-in's webhook."""
    try:
        return ipaddress.ip_address(urlsplit(text).hostname or "").is_loopback
    except ValueError:
        return False


def store_path(settings: Settings, override: str | None = None) -> Path:
    """The SQLite file of the store; relative paths count from the configuration file.

    Raises:
        ValueError: it is no sqlite:/// address.
    """
    url = override or settings.store
    if not url.startswith("sqlite:///"):
        raise ValueError(f"`{url}` is no store; write sqlite:///relay.db (postgresql:// is not built yet)")
    base = settings.path.parent if settings.path is not None and override is None else Path.cwd()
    return Path(os.path.normpath(base / url.removeprefix("sqlite:///")))

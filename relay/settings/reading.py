"""From a file to settings: every section read on its own, so that all mistakes come out at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from relay import phone
from relay.errors import StoreUnusable
from relay.forms import keys_of, read_form, unknown
from relay.hours import Business, QuietHours
from relay.http import Network
from relay.intake import MAPPABLE, Source
from relay.models import CALLSCALER
from relay.proof.proof import SHORTEST
from relay.rules import NO_CARD, About, Condition, Rule, Scorecard, Surroundings, fields_in, read_condition, read_rule
from relay.rules.messages import House
from relay.settings.forms import (
    AlertsForm,
    BusinessForm,
    CallScalerForm,
    MannersForm,
    NetworkForm,
    RetentionForm,
    ScenarioForm,
    ServerForm,
    SourceForm,
    SpamForm,
    said_hours,
)
from relay.settings.given import mistakes_in
from relay.settings.holidays import read_holidays
from relay.settings.ledger_place import DEFAULT_STORE, store_url
from relay.settings.names import DEFAULT_SOURCES, SECTIONS, SETTINGS
from relay.settings.numbers_section import read_regrouping, warn_of_fights
from relay.settings.presets import OWN_FOLDER, Preset, found_preset
from relay.settings.rules_section import read_rules
from relay.settings.settings import Configured, Settings
from relay.settings.written_secrets import judge_secrets, without_secrets
from relay.settings.yaml_file import Document, expand, read_document
from relay.store.sealing import read_keys
from relay.texting import Limit, Policy, TextingForm

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Container, Mapping
    from pathlib import Path

    from relay.connector import Connector
    from relay.forms import Complain
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
        self._secret_inputs: list[Place] = []
        """Where the secrets stand that presets ask for."""
        self._actions: dict[str, Any] = {}
        """What steps are filled in with, by connector, of those with faulty options too."""

    def settings(self) -> Settings:
        """Everything, or every mistake."""
        business, hours = self._business()
        holidays = self._holidays(business)
        server = self._server()
        network = read_form(
            NetworkForm, self.tree.get("network"), ("network",), self._complain, folder=self.document.path.parent
        )
        retention = self._form(RetentionForm, "retention")
        callscaler = self._callscaler()
        configured = self._connectors(callscaler)
        sources = self._sources(has_key=_has_key(callscaler))
        texting = self._form(TextingForm, "texting") or TextingForm()
        policy = self._policy(texting, hours, business)
        around = Surroundings(self._actions | self._phone(), self._lists(), self._unreadable())
        spam = self._spam(around)
        alerts = self._form(AlertsForm, "alerts")
        if alerts is not None and alerts.to is not None:
            self._hearer(alerts.to, configured)
        house = House(texting.max_segments, {"business.name": business.name} if business else {})
        rules, written = self._rules(around, policy.staff, house, callscaler, sources)
        regrouping = read_regrouping(self.document, self.tree, around.lists, around.actions)
        warn_of_fights(self.document, rules, regrouping.groups, self.tree.get("rules"))
        tests = self._tests(rules)
        store = self._store()
        secretive = self._forms_with_secrets(configured, callscaler)
        judge_secrets(self.document, self.tree, secretive, self._secret_inputs)
        self._environment_names()
        self.document.raise_mistakes()
        if (
            network is None
            or business is None
            or server is None
            or callscaler is None
            or alerts is None
            or retention is None
        ):
            raise AssertionError("a section without mistakes was not read")  # pragma: no cover
        staff = policy.staff
        return Settings(
            path=self.document.path,
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
            network=Network(tuple(network.allow), network.allow_http, network.ca_file),
            store=store,
            server=server,
            callscaler=callscaler,
            sources=sources,
            connectors=configured,
            rules=rules,
            written_rules=written,
            read_old_rule=lambda version, form: self._old_rule(version, form, around, staff),
            tests=tests,
            spam=spam,
            retention=retention.read(),
            alerts_to=alerts.to,
            unanswered=texting.unanswered,
            alerts_silence=alerts.silence,
            warnings=tuple(sorted(set(self.document.warnings))),
            text=without_secrets(self.document, secretive, self._secret_inputs),
            admin_token=self.environment.get("RELAY_ADMIN_TOKEN") or None,
            view_token=self.environment.get("RELAY_VIEW_TOKEN") or None,
        )

    def _form(self, form: type[Any], section: str) -> Any:
        return read_form(form, self.tree.get(section), (section,), self._complain)

    def _business(self) -> tuple[BusinessForm | None, Business]:
        business = read_form(BusinessForm, self.tree.get("business"), ("business",), self._complain)
        if business is None:
            return None, Business.read("UTC")
        return business, Business.read(business.timezone, business.hours, business.closed)

    def _holidays(self, business: BusinessForm | None) -> Container[dt.date]:
        try:
            return read_holidays(business.holidays) if business is not None and business.holidays else frozenset()
        except ValueError as error:
            self._complain(("business", "holidays"), str(error))
            return frozenset()

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

    def _named(self, section: str) -> list[str]:
        """The names in a section, whatever is wrong with what stands under them."""
        written = self.tree.get(section)
        return [name for name in written if name != CALLSCALER] if isinstance(written, dict) else []

    def _unreadable(self) -> frozenset[str]:
        """Connectors of which a mistake has been told, so that nothing can be said of the steps that name them."""
        return frozenset(self._named("connectors")) - set(self._actions)

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
        complain: Complain = self._complain
        if "preset" in fields:
            preset = self._preset(fields.pop("preset"), kind, fields, place)
            if preset is None:
                return None
            kind, fields = preset.form.type, preset.options(fields)
            complain = self._about_preset(preset, place)
        offered = [known for known in self.types if known != CALLSCALER]
        cls = self.types.get(kind) if isinstance(kind, str) and kind != CALLSCALER else None
        if cls is None:
            if kind is None:
                self._complain(place, f"`type` is missing here; one of {', '.join(offered)}")
            else:
                self._complain((*place, "type"), unknown(str(kind), offered, "connector type"))
            return None
        self._actions[name] = cls.Action
        own = {field.alias or key for key, field in cls.Options.model_fields.items()}
        shared = {key: fields.pop(key) for key in list(fields) if key in MannersForm.model_fields and key not in own}
        for key in [key for key in fields if key not in own]:
            complain((*place, key), unknown(key, own | set(MannersForm.model_fields)))
            fields.pop(key)
        manners = read_form(MannersForm, shared, place, complain)
        options = read_form(cls.Options, fields, place, complain, folder=self.document.path.parent)
        if manners is None or options is None:
            return None
        return Configured(name, cls, options, manners)

    def _preset(self, name: Any, kind: Any, fields: Mapping[str, Any], place: Place) -> Preset | None:
        """The preset that a connector names, None after its mistakes were told."""
        found = found_preset(name, self.document.path.parent / OWN_FOLDER)
        if isinstance(found, list):
            for message in found:
                self._complain((*place, "preset"), message)
            return None
        if kind not in {None, found.form.type}:
            self._complain((*place, "preset"), f"{name} is a preset for `type: {found.form.type}`")
            return None
        problems = list(found.problems(fields))
        for key, message in problems:
            self._complain(place if key is None else (*place, key), message)
        self._secret_inputs += [(*place, key) for key in found.secrets]
        return None if problems else found

    def _about_preset(self, preset: Preset, place: Place) -> Complain:
        """Tells of a mistake where it is written: in relay.yaml, or in the preset."""

        def complain(spot: Place, message: str) -> None:
            if self.document.knows(spot):
                self._complain(spot, message)
                return
            inner = ".".join(str(part) for part in spot[len(place) :])
            self._complain((*place, "preset"), f"{preset.path.name}, {inner or 'options'}: {message}")

        return complain

    def _sources(self, *, has_key: bool) -> dict[str, Source]:
        found: dict[str, Source] = {}
        section = keys_of(self.tree.get("sources"), ("sources",), self._complain, "sources")
        for name, written in section.items():
            form = read_form(SourceForm, written, ("sources", name), self._complain)
            if form is None:
                continue
            self._map(form, name)
            if form.confirm and not has_key:
                self._complain(
                    ("sources", name, "confirm"),
                    "calls are confirmed through the CallScaler API: set CALLSCALER_API_KEY",
                )
            proof = form.proof.proof()
            for warning in proof.warnings:
                self.document.warn(("sources", name, "proof"), warning)
            found[name] = Source(name, form.type, proof, form.map, form.confirm)
        return found

    def _map(self, form: SourceForm, source: str) -> None:
        place = ("sources", source, "map")
        if form.map and form.type != "json":
            self._complain(place, f"`map` belongs to sources of type json; {form.type} bodies are read as they are")
        for name in form.map:
            if name not in MAPPABLE:
                self._complain((*place, name), unknown(name, MAPPABLE, "field"))

    def _policy(self, form: TextingForm, hours: Business, business: BusinessForm | None) -> Policy:
        quiet = form.quiet_hours
        return Policy(
            hours=hours,
            quiet=QuietHours.read(quiet.allow, quiet.clock, quiet.states),
            per_person=Limit.read(form.limits.per_person),
            per_prefix=Limit.read(form.limits.per_prefix),
            total=Limit.read(form.limits.total),
            regions=frozenset(form.regions),
            staff=frozenset(business.staff if business else ()),
            settle=form.settle,
            max_segments=form.max_segments,
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

    def _spam(self, around: Surroundings) -> Scorecard:
        if self.tree.get("spam") is None:
            return NO_CARD
        written = self.tree["spam"]
        form = read_form(SpamForm, written, ("spam",), self._complain)
        lines = written.get("score") if isinstance(written, dict) else None
        conditions = [
            self._spam_line(line["if"], ("spam", "score", index, "if"), around)
            for index, line in enumerate(lines if isinstance(lines, list) else ())
            if isinstance(line, dict) and "if" in line
        ]
        if form is None:
            return NO_CARD
        if form.welcome is not None and form.welcome not in around.lists:
            self._complain(("spam", "welcome"), unknown(form.welcome, around.lists, "list"))
        welcome = frozenset(around.lists.get(form.welcome or "", ()))
        adds = [line.add for line in form.score]
        return Scorecard(tuple(zip(conditions, adds, strict=True)), form.likely_from, form.certain_from, welcome)

    def _spam_line(self, written: Any, place: Place, around: Surroundings) -> Condition:
        condition = read_condition(written, place, self._complain, around.lists)
        if any(name.startswith("call.spam") for name in fields_in(condition)):
            self._complain(place, "the scorecard decides about call.spam, so its own lines cannot ask for it")
        return condition

    def _hearer(self, name: str, configured: Mapping[str, Configured]) -> None:
        """Whoever alerts are told to must be able to tell people."""
        place = ("alerts", "to")
        if name not in configured:
            if name not in self._named("connectors"):
                self._complain(place, unknown(name, self._named("connectors"), "connector"))
        elif configured[name].cls.notice("subject", "text") is None:
            self._complain(place, f"{name} rings nobody; name a connector of type slack, email, notify or webhook")

    def _rules(
        self,
        around: Surroundings,
        staff: frozenset[str],
        house: House,
        callscaler: CallScalerForm | None,
        sources: Mapping[str, Source],
    ) -> tuple[tuple[Rule, ...], dict[str, tuple[str, str]]]:
        has_key = _has_key(callscaler)
        return read_rules(
            self.document,
            self.written.get("rules"),
            self.tree.get("rules"),
            around,
            staff=staff,
            house=house,
            has_key=has_key,
            sources=sources,
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
        entries = self.tree.get("rules")
        unread = (
            [e["name"] for e in entries if isinstance(e, dict) and e.get("name")] if isinstance(entries, list) else []
        )
        names = {*(rule.name for rule in rules), *unread}
        connectors = {*self._named("connectors"), CALLSCALER}
        found = []
        for index, entry in enumerate(section):
            place = ("tests", index)
            mistakes_in(entry, place, self._complain, names, connectors)
            found.append(read_form(ScenarioForm, entry, place, self._complain))
        return tuple(scenario for scenario in found if scenario is not None)

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

    def _environment_names(self) -> None:
        for name, value in self.environment.items():
            known = name in SETTINGS or name in self.document.variables or name.startswith("RELAY_HOOK_SECRET")
            if value and name.startswith("RELAY_") and not known:
                self.document.warn((), unknown(name, SETTINGS, "setting (environment variable)"))
        for name in ("RELAY_ADMIN_TOKEN", "RELAY_VIEW_TOKEN"):
            if 0 < len(self.environment.get(name, "")) < SHORTEST:
                self.document.warn((), f"{name} has under {SHORTEST} characters; make one with `openssl rand -hex 32`")
        try:
            read_keys(self.environment)
        except StoreUnusable as error:
            self._complain((), str(error))


def _has_key(callscaler: CallScalerForm | None) -> bool:
    return callscaler is not None and bool(callscaler.api_key.get_secret_value())


def _ignore(place: Place, message: str) -> None:
    """A mistake that was told before."""

"""The section `connectors`: what each is, how it is filled in, and which secrets its preset asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from relay.forms import keys_of, read_form, unknown
from relay.models import CALLSCALER
from relay.settings.forms import MannersForm
from relay.settings.presets import OWN_FOLDER, Preset, found_preset
from relay.settings.settings import Configured

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.connector import Connector
    from relay.forms import Complain
    from relay.forms import Path as Place
    from relay.settings.forms import CallScalerForm
    from relay.settings.yaml_file import Document


@dataclass
class SetUp:
    """What the section says."""

    configured: dict[str, Configured] = field(default_factory=dict)
    actions: dict[str, Any] = field(default_factory=dict)
    """What steps are filled in with, by connector, of those with faulty options too."""
    secret_inputs: list[Place] = field(default_factory=list)
    """Where the secrets stand that presets ask for."""
    named: frozenset[str] = frozenset()
    """The names that are written, whatever is wrong with what stands under them."""

    @property
    def unreadable(self) -> frozenset[str]:
        """Connectors of which a mistake has been told, so that nothing can be said of the steps that name them."""
        return self.named - set(self.actions)


def read_connectors(
    document: Document,
    section: Any,
    types: Mapping[str, type[Connector[Any, Any]]],
    callscaler: CallScalerForm | None,
) -> SetUp:
    """The connectors by name, and the phone system's own where it has a key; `types` are the classes by type."""
    reader = _Connectors(document, types)
    section = keys_of(section, ("connectors",), document.complain, "connectors")
    reader.set_up.named = frozenset(section) - {CALLSCALER}
    for name, written in section.items():
        reader.read(name, written)
    cls = types.get(CALLSCALER)
    if cls is not None:
        reader.set_up.actions[CALLSCALER] = cls.Action
    if callscaler is not None and callscaler.has_key and cls is not None:
        options = cls.Options.model_validate({"api_key": callscaler.api_key, "base_url": callscaler.base_url})
        reader.set_up.configured[CALLSCALER] = Configured(CALLSCALER, cls, options, callscaler)
    return reader.set_up


class _Connectors:
    """Reads one after the other."""

    def __init__(self, document: Document, types: Mapping[str, type[Connector[Any, Any]]]) -> None:
        self.set_up = SetUp()
        self._document = document
        self._complain = document.complain
        self._types = types

    def read(self, name: str, written: Any) -> None:
        """Take over a connector, or tell of its mistakes."""
        place = ("connectors", name)
        if name == CALLSCALER:
            self._complain(place, f"`{name}` is the phone system's own name; set it up under callscaler:")
            return
        item = self._connector(name, written, place)
        if item is not None:
            self.set_up.configured[name] = item

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
        offered = [known for known in self._types if known != CALLSCALER]
        cls = self._types.get(kind) if isinstance(kind, str) and kind != CALLSCALER else None
        if cls is None:
            if kind is None:
                self._complain(place, f"`type` is missing here; one of {', '.join(offered)}")
            else:
                self._complain((*place, "type"), unknown(str(kind), offered, "connector type"))
            return None
        self.set_up.actions[name] = cls.Action
        own = {field.alias or key for key, field in cls.Options.model_fields.items()}
        shared = {key: fields.pop(key) for key in list(fields) if key in MannersForm.model_fields and key not in own}
        for key in [key for key in fields if key not in own]:
            complain((*place, key), unknown(key, own | set(MannersForm.model_fields)))
            fields.pop(key)
        manners = read_form(MannersForm, shared, place, complain)
        options = read_form(cls.Options, fields, place, complain, folder=self._document.path.parent)
        if manners is None or options is None:
            return None
        return Configured(name, cls, options, manners)

    def _preset(self, name: Any, kind: Any, fields: Mapping[str, Any], place: Place) -> Preset | None:
        """The preset that a connector names, None after its mistakes were told."""
        found = found_preset(name, self._document.path.parent / OWN_FOLDER)
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
        self.set_up.secret_inputs += [(*place, key) for key in found.secrets]
        return None if problems else found

    def _about_preset(self, preset: Preset, place: Place) -> Complain:
        """Tells of a mistake where it is written: in relay.yaml, or in the preset."""

        def complain(spot: Place, message: str) -> None:
            if self._document.knows(spot):
                self._complain(spot, message)
                return
            inner = ".".join(str(part) for part in spot[len(place) :])
            self._complain((*place, "preset"), f"{preset.path.name}, {inner or 'options'}: {message}")

        return complain

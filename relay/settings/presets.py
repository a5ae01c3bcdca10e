"""Presets: a connector's options for one service, kept in a file of their own, with blanks that relay.yaml fills in.

`{type: crm, preset: hubspot, token: "${HUBSPOT_TOKEN}"}` becomes the options in presets/hubspot.yaml with the token put
in; an option written beside it stands above the preset's own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field as Key

from relay.errors import ConfigError
from relay.forms import read_form, unknown
from relay.models import Form
from relay.settings.blanks import InputForm, check_inputs, fill, input_problems
from relay.settings.shipped import shipped
from relay.settings.yaml_file import read_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OWN_FOLDER = "presets"
"""Where a user's own presets lie, beside relay.yaml."""


class PresetInputForm(InputForm):
    """One blank of a preset."""

    secret: bool = False
    """Whether it must not be written out in relay.yaml."""


class PresetForm(Form):
    """A preset's file."""

    type: str
    """The connector that it is for."""
    about: str = Key(min_length=1)
    sources: list[str] = []
    """Where the service documents what stands here, and when it was read."""
    inputs: dict[str, PresetInputForm] = {}
    options: dict[str, Any] = Key(min_length=1)


@dataclass(frozen=True, slots=True)
class Preset:
    """A preset as it is written."""

    name: str
    form: PresetForm
    path: Path

    @property
    def secrets(self) -> Iterator[str]:
        """The inputs that are secrets."""
        return (name for name, form in self.form.inputs.items() if form.secret)

    def problems(self, given: Mapping[str, Any]) -> Iterator[tuple[str | None, str]]:
        """What is missing among these keys, or no text: the key that is there, None for none, and the complaint."""
        inputs = {key: value for key, value in given.items() if key in self.form.inputs}
        yield from input_problems(f"the preset {self.name}", self.form.inputs, inputs)
        for name, value in inputs.items():
            if not isinstance(value, str) or not value:
                yield name, f"`{name}` is a text that is not empty: {self.form.inputs[name].about}"

    def options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The options with the blanks filled in, and what was written beside the inputs put above them."""
        inputs = {name: form.default for name, form in self.form.inputs.items() if form.default is not None}
        inputs |= {key: value for key, value in given.items() if key in self.form.inputs}
        beside = {key: value for key, value in given.items() if key not in self.form.inputs}
        return {**fill(self.form.options, inputs), **beside}


def preset_files(own: Path) -> dict[str, Path]:
    """Every preset by its name: those shipped, and above them those in the folder `own`."""
    return {path.stem: path for folder in (shipped(OWN_FOLDER), own) for path in sorted(folder.glob("*.yaml"))}


def find_preset(name: str, own: Path) -> Preset:
    """The preset of this name.

    Raises:
        ValueError: there is none.
        ConfigError: its file cannot be used.
    """
    files = preset_files(own)
    if name not in files:
        raise ValueError(unknown(name, files, "preset"))
    return read_preset(files[name])


def read_preset(path: Path) -> Preset:
    """The preset in a file called NAME.yaml.

    Raises:
        ConfigError: with every mistake in the file.
    """
    document = read_document(path)
    form = read_form(PresetForm, document.tree, (), document.complain)
    if form is not None:
        check_inputs(document, "options", form.inputs)
    document.raise_mistakes()
    if form is None:
        raise AssertionError("a preset without mistakes was not read")  # pragma: no cover
    return Preset(path.stem, form, path)


def found_preset(name: Any, own: Path) -> Preset | list[str]:
    """The preset, or what to tell of it."""
    try:
        return find_preset(str(name), own)
    except ValueError as error:
        return [str(error)]
    except ConfigError as error:
        told = [replace(mistake, file=Path(mistake.file).name) for mistake in error.mistakes]
        return [f"the preset {name} cannot be used: {mistake}" for mistake in told]

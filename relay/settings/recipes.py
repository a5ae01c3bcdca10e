"""Recipes: rules kept in a file of their own, with blanks that relay.yaml fills in by name.

A rule entry `{use: missed-call-text-back@1, inputs: {connector: team}}` becomes the recipe's rules. A blank is written
`$(name)` and stands in values only; what is put in is text, and is not looked through for further blanks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field as Key

from relay.errors import ConfigError
from relay.forms import Complain, read_form, unknown
from relay.models import Form
from relay.settings.blanks import BLANK, InputForm, check_inputs, fill, input_problems
from relay.settings.forms import ScenarioForm
from relay.settings.shipped import shipped
from relay.settings.yaml_file import Document, read_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay.forms import Path as Place

OWN_FOLDER = "recipes"
"""Where a user's own recipes lie, beside relay.yaml."""
_NAME = r"[a-z][a-z0-9-]{0,63}"


class RecipeForm(Form):
    """A recipe's file."""

    name: str = Key(pattern=rf"^{_NAME}$")
    version: int = Key(ge=1)
    about: str = Key(min_length=1)
    inputs: dict[str, InputForm] = {}
    rules: list[dict[str, Any]] = Key(min_length=1)
    tests: list[ScenarioForm] = []


class UseForm(Form):
    """An entry under rules: that uses a recipe."""

    use: str
    inputs: dict[str, str] = {}
    name: str | None = Key(default=None, min_length=1, max_length=100)
    mode: Literal["live", "shadow", "off"] | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe as it is written, and where everything in it stands."""

    use: str
    """Its name and version: missed-call-text-back@1."""
    form: RecipeForm
    document: Document

    def fill(self, inputs: Mapping[str, str], *, name: str | None = None, mode: str | None = None) -> list[Any]:
        """Its rules with the blanks filled in; `name` and `mode` stand above what the recipe says."""
        defaults = {key: form.default for key, form in self.form.inputs.items() if form.default is not None}
        rules = fill(self.form.rules, {**defaults, **inputs})
        if name is not None:
            alone = len(rules) == 1
            rules = [{**rule, "name": name if alone else f"{name}: {rule.get('name', '')}"} for rule in rules]
        return rules if mode is None else [{**rule, "mode": mode} for rule in rules]

    def where(self, spot: Place, message: str) -> str:
        """A place in the recipe, in words: its file and line, the keys that lead there, the inputs put in there."""
        line, _ = self.document.position(spot, message)
        blanks = BLANK.findall(value) if isinstance(value := _at(self.document.tree, spot), str) else ()
        filled = f", from {' and '.join(f'`{name}`' for name in blanks)}" if blanks else ""
        return f"{self.document.path.name}:{line} ({'.'.join(str(part) for part in spot)}{filled})"


@dataclass(frozen=True, slots=True)
class Entry:
    """A rule about to be read, and where its mistakes are told."""

    written: Any
    """Its variables not yet filled in; whole, so that the ledger can keep it without the recipe."""
    filled: Any
    place: Place
    """In relay.yaml, or in the recipe."""
    complain: Complain
    warn: Complain


def entries(document: Document, written: Any, section: Any) -> Iterator[Entry]:
    """The rules under `rules:`, with every use of a recipe replaced by the recipe's rules; mistakes are told."""
    for index, (raw, filled) in enumerate(zip(written, section, strict=True)):
        place = ("rules", index)
        if isinstance(raw, Mapping) and "use" in raw:
            yield from _used(document, raw, filled, place)
        else:
            yield Entry(raw, filled, place, document.complain, document.warn)


def _used(document: Document, raw: Mapping[str, Any], filled: Any, place: Place) -> Iterator[Entry]:
    if any(spot[: len(place)] == place for spot in document.unfilled):
        return
    form = read_form(UseForm, filled, place, document.complain)
    recipe = None if form is None else _found(document, form.use, (*place, "use"))
    if form is None or recipe is None:
        return
    here = (*place, "use")
    problems = list(input_problems(recipe.use, recipe.form.inputs, form.inputs))
    for name, message in problems:
        document.complain(here if name is None else (*place, "inputs", name), message)
    if problems:
        return

    def complain(spot: Place, message: str) -> None:
        document.complain(here, f"{recipe.where(spot, message)}: {message}")

    def warn(spot: Place, message: str) -> None:
        document.warn(here, f"{recipe.where(spot, message)}: {message}")

    as_written = recipe.fill(raw.get("inputs") or {}, name=form.name, mode=form.mode)
    as_filled = recipe.fill(form.inputs, name=form.name, mode=form.mode)
    for index, (rule, other) in enumerate(zip(as_written, as_filled, strict=True)):
        yield Entry(rule, other, ("rules", index), complain, warn)


def _found(document: Document, use: str, here: Place) -> Recipe | None:
    """The recipe, or None after its mistakes were told at the place of its use."""
    try:
        return find_recipe(use, document.path.parent / OWN_FOLDER)
    except ValueError as error:
        document.complain(here, str(error))
    except ConfigError as error:
        for mistake in error.mistakes:
            document.complain(here, f"{use} cannot be used: {replace(mistake, file=Path(mistake.file).name)}")
    return None


def find_recipe(use: str, own: Path) -> Recipe:
    """The recipe NAME@VERSION from the file of that name in the folder `own`, or else among those shipped.

    Raises:
        ValueError: there is none.
        ConfigError: its file cannot be used.
    """
    files = {path.stem: path for folder in (shipped("recipes"), own) for path in sorted(folder.glob("*.yaml"))}
    if use not in files:
        raise ValueError(unknown(use, files, "recipe"))
    return read_recipe(files[use])


def read_recipe(path: Path) -> Recipe:
    """The recipe in a file called NAME@VERSION.yaml.

    Raises:
        ConfigError: with every mistake in the file.
    """
    document = read_document(path)
    form = read_form(RecipeForm, document.tree, (), document.complain)
    if form is not None:
        use = f"{form.name}@{form.version}"
        if use != path.stem:
            document.complain(("name",), f"the file of {use} is called {use}.yaml, not {path.name}")
        check_inputs(document, "rules", form.inputs)
    document.raise_mistakes()
    if form is None:
        raise AssertionError("a recipe without mistakes was not read")  # pragma: no cover
    return Recipe(f"{form.name}@{form.version}", form, document)


def _at(tree: Any, spot: Place) -> Any:
    """What stands at a place, None where nothing does."""
    for part in spot:
        if isinstance(tree, Mapping):
            tree = tree.get(part)
        elif isinstance(tree, list) and isinstance(part, int) and part < len(tree):
            tree = tree[part]
        else:
            return None
    return tree

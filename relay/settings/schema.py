"""The JSON Schema of relay.yaml, for editors: every key, every fact, every connector's options and steps.

It is looser than `relay check`: it knows which keys there are and what kind of value they take, and `${NAME}` may
stand anywhere. Values in YAML are text to the relay, so `010` and `yes` are as good here as they are quoted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.intake.reading import ALIASES
from relay.models import CALLSCALER
from relay.numbers.groups import GroupForm
from relay.rules.conditions import WORDS
from relay.rules.fields import FIELDS
from relay.rules.rule import EVENT_TYPES, RuleForm
from relay.rules.steps import VERBS, Approval, common_fields, own_fields
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
)
from relay.settings.meanings import inner_forms, meanings
from relay.settings.names import SECTIONS
from relay.settings.numbers_section import RegroupForm
from relay.settings.recipes import UseForm
from relay.settings.shipped import shipped
from relay.texting import TextingForm

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from relay.connector import Connector
    from relay.models import Form
    from relay.rules.kinds import Field

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SCALAR: Schema = {"type": ["string", "number", "boolean", "null"]}
_PLAIN = {"string", "number", "integer", "boolean"}
_CONDITION: Schema = {"$ref": "#/$defs/condition"}


def _keys(*names: str, **more: Schema) -> Schema:
    """A mapping with these keys and no others."""
    properties: Schema = {**dict.fromkeys(names, _SCALAR), **more}
    return {"type": "object", "properties": properties, "additionalProperties": False}


_TOLD: Mapping[str, Schema] = {
    "wait": {"anyOf": [_SCALAR, _keys("until", "days")]},
    "tag": _keys("caller"),
}
"""What a kind of step is told in a mapping."""
PLAIN_SECTIONS = {
    "store": "Where the ledger is: `sqlite:///relay.db` (the default), beside relay.yaml; or `postgresql://…`.",
    "lists": "Files of phone numbers, one a line, by a name that conditions use: `caller.number: {in_list: welcome}`.",
}
"""Sections without keys of their own."""
FORMS: Mapping[str, type[Form]] = {
    "business": BusinessForm,
    "server": ServerForm,
    "network": NetworkForm,
    "retention": RetentionForm,
    "callscaler": CallScalerForm,
    "texting": TextingForm,
    "regroup": RegroupForm,
    "alerts": AlertsForm,
    "spam": SpamForm,
}
NAMED: Mapping[str, type[Form]] = {"sources": SourceForm}
LISTED: Mapping[str, type[Form]] = {"groups": GroupForm, "tests": ScenarioForm}


def schema(connectors: Mapping[str, type[Connector[Any, Any]]]) -> Schema:
    """The JSON Schema of a relay.yaml that may use these connector classes, by type."""
    defs: Schema = {"condition": _condition(), "time": _keys("every", "at", "plus", "cron"), "step": _step(connectors)}
    forms: dict[str, type[Form]] = {**FORMS, **NAMED, **LISTED, "rule": RuleForm, "use": UseForm, "own": MannersForm}
    defs |= {f"options_{kind}": _form(cls.Options, defs) for kind, cls in connectors.items()}
    defs |= {f"section_{name}": _form(form, defs) for name, form in forms.items()}
    _ask_conditions(defs)
    defs |= {"approval": _form(Approval, defs), "given": _given()}
    defs["section_tests"]["properties"]["given"]["items"] = _ref("given")
    defs["section_use"]["properties"]["use"] = {"anyOf": [{"enum": _recipes()}, {"type": "string"}]}
    defs["section_rule"]["properties"] |= {"when": _when(), "then": {"type": "array", "items": _ref("step")}}
    sections: Schema = {name: _ref(f"section_{name}") for name in FORMS}
    sections |= {name: {"type": "object", "additionalProperties": _ref(f"section_{name}")} for name in NAMED}
    sections |= {name: {"type": "array", "items": _ref(f"section_{name}")} for name in LISTED}
    sections |= {
        "store": _SCALAR,
        "lists": {"type": "object", "additionalProperties": _SCALAR},
        "connectors": {"type": "object", "additionalProperties": _any_connector(connectors, defs)},
        "rules": {"type": "array", "items": {"anyOf": [_ref("section_rule"), _ref("section_use")]}},
    }
    return {
        "$schema": DIALECT,
        "title": "relay.yaml of CallScaler Relay",
        "type": "object",
        "additionalProperties": False,
        "properties": {name: sections[name] for name in SECTIONS},
        "$defs": defs,
    }


def facts() -> list[dict[str, Any]]:
    """Every name that conditions and templates may use: its type, what it means, and all that it can say."""
    return [
        {"name": field.name, "type": str(field.kind), "meaning": field.meaning, "choices": list(field.choices)}
        for field in FIELDS.values()
    ]


def table_of_facts() -> str:
    """The same as a table in Markdown, as docs/facts.md holds it."""
    rows = [f"| `{field.name}` | {field.kind} | {_meaning(field)} |" for field in FIELDS.values()]
    return "\n".join(("| name | type | what it says |", "|---|---|---|", *rows))


def _meaning(field: Field) -> str:
    """What a field means, and all that it can say where the words do not name it."""
    unsaid = [choice for choice in field.choices if choice not in field.meaning]
    return f"{field.meaning} ({', '.join(field.choices)})" if unsaid else field.meaning


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _form(form: type[Form], defs: Schema) -> Schema:
    """What a form takes, with its inner forms among `defs`; every value may be written as text."""
    made = form.model_json_schema(ref_template="#/$defs/{model}")
    inner = {one.__name__: one for one in inner_forms(form)}
    defs |= {name: _said(inner.get(name), _titled(_loose(one))) for name, one in made.pop("$defs", {}).items()}
    return _said(form, _titled(_loose(made)))


def _titled(made: Schema) -> Schema:
    """The same under a name for people, which editors offer, and its keys without another spelling of theirs."""
    keys = {key: {word: said for word, said in one.items() if word != "title"} for key, one in _keys_of(made).items()}
    title = made.get("title", "").removesuffix("Form").removesuffix("Options").lower()
    return {**made, **({"title": title} if title else {}), **({"properties": keys} if keys else {})}


def _keys_of(made: Schema) -> dict[str, Schema]:
    return dict(made.get("properties", {}))


def _said(form: type[Form] | None, made: Schema) -> Schema:
    """The same, with what each key means; editors show it."""
    for key, text in ({} if form is None else meanings(form)).items():
        if key in made.get("properties", {}):
            made["properties"][key] = {**made["properties"][key], "description": text}
    return made


def _loose(made: Any) -> Any:
    """The same, with a text allowed wherever a number or a truth value is wanted, and the other way round."""
    if isinstance(made, list):
        return [_loose(part) for part in made]
    if not isinstance(made, dict):
        return made
    kind = made.get("type")
    if isinstance(kind, str) and kind in _PLAIN and not {"enum", "const"} & set(made):
        return {**{key: made[key] for key in ("description", "title", "default") if key in made}, **_SCALAR}
    loose = {key: _loose(part) for key, part in made.items() if key not in {"default", "properties"}}
    if "properties" in made:  # a key of the file may well be called default
        loose["properties"] = {key: _loose(part) for key, part in made["properties"].items()}
    if kind == "array" and loose.get("items", {}).get("type") == _SCALAR["type"]:
        return {"anyOf": [loose, _SCALAR]}  # several forms take one for a list of one
    return loose


def _ask_conditions(defs: Schema) -> None:
    """Conditions are read by a reader of their own; their forms only say that something stands there."""
    for form in defs.values():
        properties = form.get("properties", {})
        for key in {"if", "leave_below"} & set(properties):
            properties[key] = _CONDITION


def _condition() -> Schema:
    """A mapping of names to what they should be, or a list of such, all of which must hold."""
    named: Schema = {field.name: _wanted(field) for field in FIELDS.values()}
    named |= dict.fromkeys(("all", "any", "not"), _CONDITION)
    pattern = {r"^(call\.raw|steps)\.": _wanted(None)}
    mapping = {"type": "object", "properties": named, "patternProperties": pattern, "additionalProperties": False}
    return {"anyOf": [mapping, {"type": "array", "items": _CONDITION}]}


def _wanted(field: Field | None) -> Schema:
    """What may be demanded of a field: a value, one of several, present, missing, or a word with a value."""
    one: Schema = {"enum": [*field.choices, "present", "missing"]} if field is not None and field.choices else _SCALAR
    many: Schema = {"type": "array", "items": one}
    words = {word: many if word in {"in", "not_in"} else _SCALAR for word in WORDS}
    said = {} if field is None else {"description": field.meaning}
    return {**said, "anyOf": [one, many, _keys(**words)]}


def _when() -> Schema:
    one = {"anyOf": [{"enum": [*EVENT_TYPES, "call.*"]}, _ref("time")]}
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


def _step(connectors: Mapping[str, type[Connector[Any, Any]]]) -> Schema:
    """A step of any kind; what a `send` may say depends on the connector, so it may say what any of them carries."""
    carried = sorted({name for kind, cls in connectors.items() if kind != CALLSCALER for name in _names(cls.Action)})
    kinds = []
    for verb in VERBS:
        own = carried if verb == "send" else own_fields(verb)
        step = _keys(**{verb: _TOLD.get(verb, {})}, **{key: {} for key in (*own, *common_fields(verb))})
        if "approve" in own:
            step["properties"]["approve"] = _ref("approval")
        if "if" in step["properties"]:
            step["properties"]["if"] = _CONDITION
        if "cancel_if" in step["properties"]:
            step["properties"]["cancel_if"] = _CONDITION
        kinds.append({**step, "required": [verb]})
    return {"anyOf": kinds}


def _names(form: type[Form]) -> Iterable[str]:
    return (field.alias or name for name, field in form.model_fields.items())


def _any_connector(connectors: Mapping[str, type[Connector[Any, Any]]], defs: Schema) -> Schema:
    """One of the section `connectors`; its types stand together, so that an editor offers all of them."""
    kinds = {"enum": [kind for kind in connectors if kind != CALLSCALER]}
    return {"type": "object", "properties": {"type": kinds}, "anyOf": list(_connectors(connectors, defs))}


def _given() -> Schema:
    """What happens in a scenario: an event with fields of its body in any spelling, or the time of a rule."""
    spellings = [spelling for spellings in ALIASES.values() for spelling in spellings]
    named = dict.fromkeys(("tick", "at", "body", *spellings), _SCALAR) | {"event": {"enum": list(EVENT_TYPES)}}
    return {"type": "object", "properties": named, "additionalProperties": True}


def _recipes() -> list[str]:
    """The recipes that come along; there may be others beside relay.yaml."""
    return sorted(path.stem for path in shipped("recipes").glob("*.yaml"))


def _connectors(connectors: Mapping[str, type[Connector[Any, Any]]], defs: Schema) -> Iterable[Schema]:
    """Each type's options with what every connector may set; a preset has keys of its own."""
    shared = defs["section_own"]["properties"]
    for kind in (kind for kind in connectors if kind != CALLSCALER):
        options = defs[f"options_{kind}"]
        properties = {**shared, **options.get("properties", {}), "type": {"const": kind}}
        required = ["type", *options.get("required", ())]
        yield {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    yield {"type": "object", "properties": {"type": _SCALAR, "preset": _SCALAR, **shared}, "required": ["preset"]}

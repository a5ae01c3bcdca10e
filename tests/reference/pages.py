"""The reference pages as the code has them: `make reference` writes them, a test holds docs/reference against them."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from pydantic_core import PydanticUndefined

import relay.errors as errors_of_ours
import relay.store.sqlite.schema as sqlite_schema
from connectors.table import CONNECTORS
from relay import problems
from relay.admin import Admin
from relay.alerts import Quiet, Sight, troubles
from relay.app import App
from relay.cli import relay as main
from relay.hours import STATES
from relay.metrics import Metrics
from relay.models import CALLSCALER, Standing
from relay.settings import read_settings
from relay.settings.meanings import inner_forms, meanings
from relay.settings.schema import FORMS, LISTED, NAMED, PLAIN_SECTIONS, schema
from relay.settings.schema import MannersForm as Manners
from relay.settings.schema import RuleForm as Rule
from relay.settings.schema import UseForm as Use
from relay.store import RequestNote
from relay.store.sqlite import SqliteStore
from relay.store.sqlite.schema import LATEST
from relay.trying import offer_trials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from relay.hours.states import Window
    from relay.models import Form

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
EDITORS = FOLDER.parents[1] / "config" / "relay.schema.json"
HEAD = "Written by `make reference` from the code; a test holds the two together.\n"


def _cell(text: Any) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")


def _line(text: str) -> str:
    """A meaning as the table shows it, docstring or not: no capital, no full stop where it is one sentence."""
    one = _cell(text)
    if ". " not in one:
        one = one.removesuffix(".")
    return one if one[1:2].isupper() else one[:1].lower() + one[1:]


def _table(form: type[Form], *, without: frozenset[str] = frozenset()) -> Iterator[str]:
    """A form's keys, with their defaults and meanings."""
    said = meanings(form)
    yield "| key | default | meaning |"
    yield "|---|---|---|"
    for name, field in form.model_fields.items():
        key = field.alias or name
        if key not in without:
            yield f"| `{key}` | {_default(field)} | {_line(said.get(key, ''))} |"


def _default(field: Any) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined or value in ("", [], {}, ()) or str(value) == "":
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if hasattr(type(value), "model_fields"):
        return "see below"
    if isinstance(value, float) and field.annotation is float:
        return f"`{_span(value)}`"
    if isinstance(value, (list, tuple)):
        return f"`[{', '.join(map(str, value))}]`"
    return f"`{_cell(getattr(value, 'written', value))}`"


def _span(seconds: float) -> str:
    """Seconds as people write them: 900 is 15m."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"


def _section(title: str, form: type[Form], *, level: str = "##") -> Iterator[str]:
    yield f"{level} {title}"
    yield ""
    yield from _table(form)
    yield ""
    for inner in inner_forms(form):
        yield f"{level}# {_within(form, inner) or inner.__name__}"
        yield ""
        yield from _table(inner)
        yield ""


def _within(form: type[Form], inner: type[Form]) -> str:
    """The key under which a form stands in another: `quiet_hours`."""
    for one in (form, *inner_forms(form)):
        for name, field in one.model_fields.items():
            if inner.__name__ in str(field.annotation):
                return f"`{field.alias or name}`"
    return ""


def configuration() -> str:
    """Every section and key of relay.yaml."""
    lines = [
        "# Configuration",
        "",
        HEAD,
        "All of relay.yaml. Spans of time are written `90s`, `15m`, `24h`, `3d`, or `90 seconds`, `15 minutes`,",
        "`1 day`; secrets as `${NAME}` or `${file:PATH}`. Names that conditions and templates may use:",
        "[facts](../facts.md). Connectors:",
        "[connectors](connectors.md). What a rule may say, word by word: [writing rules](../rules.md).",
        "",
    ]
    for name, meaning in PLAIN_SECTIONS.items():
        lines += [f"## {name}", "", meaning, ""]
    for name, form in FORMS.items():
        lines += _section(name, form)
    for name, form in NAMED.items():
        lines += _section(f"{name}, each under a name of your choosing", form)
    for name, form in LISTED.items():
        lines += _section(f"{name}, each", form)
    lines += _section("rules, each", Rule)
    lines += _section("rules, each taken from a recipe", Use)
    return "\n".join(lines).rstrip() + "\n"


def connectors() -> str:
    """Every connector's options and what a step may say."""
    lines = ["# Connectors", "", HEAD, "## What each may set", "", *_table(Manners), ""]
    for kind, cls in sorted(CONNECTORS.items()):
        if kind == CALLSCALER:
            continue
        lines += _section(f"{kind}: options", cls.Options)
        lines += _section(f"{kind}: what a step says", cls.Action)
    return "\n".join(lines).rstrip() + "\n"


def commands() -> str:
    """Every command with its arguments and options."""
    lines = ["# Commands", "", HEAD]
    lines += ["`--json` where it is named prints JSON on stdout; everything else goes to stderr.", ""]
    lines += ["Exit codes: 0 ok, 1 failure, 2 usage, 3 configuration invalid, 4 not found, 5 a remote service failed,"]
    lines += ["6 a check or plan found something.", ""]
    root = click.Context(main, info_name="relay")
    for name in sorted(main.list_commands(root)):
        command = main.get_command(root, name)
        assert command is not None
        lines += _command(command, click.Context(command, info_name=name, parent=root))
    return "\n".join(lines).rstrip() + "\n"


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"## `{usage}`"
    yield ""
    yield _cell(command.help or command.short_help or "").replace("\x08", "")
    yield ""
    options = [param for param in command.params if isinstance(param, click.Option) and not param.hidden]
    if options:
        yield "| option | meaning |"
        yield "|---|---|"
        for option in options:
            yield f"| `{_cell(', '.join((*option.opts, *option.secondary_opts)))}` | {_cell(option.help or '')} |"
        yield ""
    if isinstance(command, click.Group) and command.name != "api":
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _command(inner, click.Context(inner, info_name=name, parent=context))


def http() -> str:
    """Every route of both listeners."""

    async def routes() -> tuple[Any, ...]:
        store = SqliteStore(None)
        try:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "relay.yaml"
                path.write_text("business: {name: Bright Plumbing}\n")
                path.chmod(0o600)
                app = App(read_settings(path, CONNECTORS, {"RELAY_HOOK_SECRET": "false-" * 6}), store, CONNECTORS)
                offer_trials(app, CONNECTORS)
            return Admin(store, Metrics(), time.time, deeds=app.deeds).routes
        finally:
            await store.close()

    lines = [
        "# HTTP",
        "",
        HEAD,
        "The public listener takes webhooks; the admin listener shows and steers. The JSON API is described in",
        "OpenAPI at `/openapi.json`; errors are `application/problem+json`.",
        "",
        "## Public listener",
        "",
        "| route | answers |",
        "|---|---|",
        "| `POST /hooks/<source>` | 202 once the event is written down, 200 for a repeat or a test |",
        "| `GET /healthz` | 200 while the process answers |",
        "",
        "## Admin listener",
        "",
        "| route | who may | what it does |",
        "|---|---|---|",
    ]
    for route in asyncio.run(routes()):
        if route.hidden or route.tells == "text/html":
            continue
        who = "anybody" if route.open else str(route.role)
        lines.append(f"| `{route.method} {route.path}` | {who} | {_cell(route.says)} |")
    return "\n".join(lines) + "\n"


def metrics() -> str:
    """Every metric, with its labels."""
    lines = ["# Metrics", "", HEAD, "In Prometheus's text form at `/metrics` of the admin listener.", ""]
    lines += ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    for metric in Metrics().registry._collector_to_names:
        (family,) = metric.collect()
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = "fixed" if name == "relay_build_info" else ", ".join(metric._labelnames) or "none"
        lines.append(f"| `{name}` | {family.type} | {labels} | {_cell(family.documentation)} |")
    return "\n".join(lines) + "\n"


def errors() -> str:
    """What the door answers, what alerts say, and every error of the code."""
    lines = [
        "# Errors and alerts",
        "",
        HEAD,
        "What a newcomer meets, by its words: [troubleshooting](../troubleshooting.md).",
        "",
    ]
    lines += ["## What a sender is answered", "", "As `application/problem+json`, with these titles.", ""]
    lines += ["| status | title | cause |", "|---|---|---|"]
    lines += [
        f"| {status} | {problems._TITLES[status]} | {_cell(cause)} |" for status, cause in problems.CAUSES.items()
    ]
    lines += ["", "## Alerts", "", "As `relay alerts` tells them, here of a connector `crm` and made-up figures.", ""]
    lines += ["| kind | what it says | what to do |", "|---|---|---|"]
    for trouble in troubles(_TROUBLED):
        lines.append(f"| `{trouble.cause.partition(':')[0]}` | {_cell(trouble.what)} | {_cell(trouble.remedy)} |")
    lines += ["", "Those about [texting](../texts.md), [moves of numbers](../numbers.md), the clock and the"]
    lines += ["upkeep of the ledger ([survival](../survival.md)) tell their remedy, too."]
    lines += ["", "## Errors in the code", "", "What a connector raises says what becomes of the delivery.", ""]
    lines += ["| error | is a | meaning |", "|---|---|---|"]
    for name, cls in vars(errors_of_ours).items():
        if (
            isinstance(cls, type)
            and issubclass(cls, errors_of_ours.RelayError)
            and cls is not errors_of_ours.RelayError
        ):
            lines.append(f"| `{name}` | `{cls.__base__.__name__}` | {_line((cls.__doc__ or '').splitlines()[0])} |")
    return "\n".join(lines) + "\n"


_NOW = 1_000_000.0
_TROUBLED = Sight(
    now=_NOW,
    owed_since={"crm": _NOW - 600},
    standings={
        "team": Standing("team", opened_at=_NOW, fault="answered 503"),
        "call-log": Standing("call-log", paused_at=_NOW, paused_why="the sheet is not shared"),
    },
    dead={"crm": (3, "answered 404")},
    doubtful_since=[_NOW - 1200],
    disk_free=0.04,
    refused=[RequestNote("refused", _NOW, "callscaler", 401, "the header is missing", "192.0.2.1", {}, b"")] * 20,
    accepted_at=_NOW,
    holes=4,
    unwritten="the ledger could not be written: database is locked",
    busiest=60,
    restored=True,
    parts=["planner: KeyError"],
    reload="relay.yaml:31:7: `cooldwn` is no known key",
    erring={"Text back missed callers": 2},
    quiet=Quiet(usual=14, found=0, hours=3),
)
"""Everything that alerts look for, at once."""


def ledger() -> str:
    """What each migration of the ledger adds."""
    lines = [
        "# The ledger's changes",
        "",
        HEAD,
        "Each by name, once, in this order; `relay.db.before-N` in a copy's name is how many",
    ]
    lines += ["there were after the change. How to go back: [upgrading](../upgrading.md).", ""]
    lines += ["| migration | what it is for |", "|---|---|"]
    made = sorted(LATEST, key=lambda name: getattr(sqlite_schema, name).__code__.co_firstlineno)
    lines += [f"| `{name}` | {_line(getattr(sqlite_schema, name).__doc__.splitlines()[0])} |" for name in made]
    return "\n".join(lines) + "\n"


def states() -> str:
    """The hours of states as texts keep to them, for somebody who knows the law to read."""

    def clock(window: Window) -> str:
        return "none" if window is None else "-".join(f"{at // 60:02}:{at % 60:02}" for at in window)

    lines = ["| state | Monday to Friday | Saturday | Sunday | source | read on |", "|---|---|---|---|---|---|"]
    for name, hours in sorted(STATES.items()):
        spans = " | ".join(clock(window) for window in (hours.weekdays, hours.saturday, hours.sunday))
        lines.append(f"| {name} | {spans} | {_cell(hours.source)} | {hours.read_on} |")
    return f"# Hours of states\n\n{HEAD}{_ABOUT_STATES}" + "\n".join(lines) + "\n"


_ABOUT_STATES = """
When people in these states may be texted at all, on their own clock, by what their statutes say of
telephone solicitation at its strictest reading. What counts is the narrower of these hours and
`texting: quiet_hours: allow`; elsewhere that alone. The state is told by the number's area code; where a
number fits several clocks, all must agree, and where it fits none, noon to seven in New York is kept.
`states: off` lifts the table. It is an engineering default and no legal advice.

"""


def rows() -> str:
    """Every fault and attack with the tests that hold it, in the words of the tests."""
    from tests import test_rows, test_rows_of_survival, test_rows_of_the_door  # noqa: PLC0415 - they import much

    told = {**test_rows_of_the_door.ROWS, **test_rows_of_survival.ROWS, **test_rows.ROWS}
    lines = []
    for letter, what in _CHAPTERS.items():
        lines += [f"\n## {what} ({letter})\n", "| row | held by |", "|---|---|"]
        for row in sorted((row for row in told if row[0] == letter), key=lambda row: int(row[1:])):
            tests = (test.partition("::") for test in told[row])
            said = (f"{name.removeprefix('test_').replace('_', ' ')} (`{file}`)" for file, _, name in tests)
            lines.append(f"| {row} | {_cell('; '.join(said))} |")
    return f"# Where each fault and attack is held\n\n{HEAD}{_ABOUT_ROWS}" + "\n".join(lines) + "\n"


_ABOUT_ROWS = """
Each row is a case that was thought of before the code; beside it, in their own words, the tests
that are about it. A test demands that they exist, not that they say all of it. Files are those of
`tests/`; what stands in `soak/` runs with `make soak`.
"""
_CHAPTERS = {
    "I": "The door", "S": "The ledger", "D": "Deliveries", "X": "Addresses that may not be reached", "C": "Connectors",
    "R": "Rules, templates, configuration", "T": "Texts", "A": "The API and the groups of numbers",
    "W": "Admin pages", "O": "Process, clock, network, logs",
}  # fmt: skip
PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands,
    "configuration.md": configuration,
    "connectors.md": connectors,
    "errors.md": errors,
    "http.md": http,
    "ledger.md": ledger,
    "metrics.md": metrics,
    "rows.md": rows,
    "states.md": states,
}


def editors() -> str:
    """The schema that the files of config/ point editors at; a line for each key, so that changes can be seen."""
    return json.dumps(schema(CONNECTORS), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    EDITORS.write_text(editors(), encoding="utf-8")
    for name, made in PAGES.items():
        (FOLDER / name).write_text(made(), encoding="utf-8")

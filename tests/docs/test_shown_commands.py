"""Every command that a page shows is one that there is, with options that it takes."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from relay.cli import relay

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
SPAN = re.compile(r"`((?:[\w./-]*/)?relay [^`]+)`")
LINE = re.compile(r"^(?: {4}|\$ )?(?:[A-Z_]+=\S+ |sudo )*((?:/[\w./-]*/)?relay (?!$).*)$", re.MULTILINE)
PLACEHOLDERS = str.maketrans({"[": " ", "]": " ", "…": " ", "\\": " ", "|": " ", "(": " ", ")": " ", "'": '"'})
"""What a page writes where something is to be chosen or left out; all of it must be there."""


def shown(text):
    """Commands of a page, from code within its sentences and from its blocks."""
    fenced = re.findall(r"```(?:sh|console)\n(.*?)```", text, re.DOTALL)
    outside = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    indented = re.findall(r"(?:^ {4}.*\n)+", outside, re.MULTILINE)
    found = SPAN.findall(outside) + [line for block in fenced + indented for line in LINE.findall(block)]
    return [re.split(r"\s#|;|\s\|\s|\s&|\s>", one)[0] for one in found]


def mistakes(line):
    """What is wrong with a command as a page writes it."""
    words = line.translate(PLACEHOLDERS).split()[1:]
    command, context = relay, click.Context(relay, info_name="relay")
    wrong = []
    while words:
        word = words.pop(0).strip(',.:"')
        options = {
            name: param for param in command.get_params(context) for name in (*param.opts, *param.secondary_opts)
        }
        if word.startswith("-") and len(word) > 1:
            name = word.partition("=")[0]
            if name not in options:
                wrong.append(f"{context.command_path} has no {name}")
            elif not options[name].is_flag and "=" not in word and words:
                words.pop(0)
        elif isinstance(command, click.Group) and re.fullmatch(r"[a-z-]+", word):
            inner = command.get_command(context, word)
            if inner is None:
                return [*wrong, f"{context.command_path} has no command {word}"]
            command, context = inner, click.Context(inner, info_name=word, parent=context)
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_on_a_page_is_one_that_there_is(page):
    lines = shown(page.read_text(encoding="utf-8"))
    assert {line: wrong for line in lines if (wrong := mistakes(line))} == {}


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("relay send missed-call --set caller_number=+1", []),
        ("relay -c relay.yaml why last", []),
        ("relay [demo] [--once|--json]", []),
        ("relay sends missed-call", ["relay has no command sends"]),
        ("relay send missed-call --sett a=b", ["relay send has no --sett"]),
        ("relay texts of", ["relay texts has no command of"]),
    ],
)
def test_a_command_that_there_is_not_is_noticed(line, wrong):
    assert mistakes(line) == wrong


def test_commands_are_found_wherever_a_page_shows_them():
    page = "`relay url` and `why`\n```sh\nrelay check  # at once\n```\n\n    X=1 relay send test\n"
    assert shown(page) == ["relay url", "relay check ", "relay send test"]

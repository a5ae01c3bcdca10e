"""Presets: options from a file, with the user's own put in and above."""

from pathlib import Path

import pytest

from relay.settings.presets import preset_files, read_preset

HUBSPOT = 'connectors: {crm: {type: crm, preset: hubspot, token: "${HUBSPOT_TOKEN}"}}\n'
TOKEN = {"HUBSPOT_TOKEN": "false-token"}
OWN = """\
type: crm
about: our own
inputs: {key: {about: the key, secret: true}}
options:
  base_url: https://crm.example.com
  auth: {bearer: $(key)}
  find: {path: "/c?phone={{ match | urlencode }}"}
"""


@pytest.fixture
def own(tmp_path):
    (tmp_path / "presets").mkdir()

    def write(text, name="ours"):
        (tmp_path / "presets" / f"{name}.yaml").write_text(text)

    return write


def test_a_preset_becomes_the_options_with_the_token_put_in(load):
    crm = load(HUBSPOT, TOKEN).connectors["crm"]
    assert crm.options.base_url == "https://api.hubapi.com"
    assert crm.options.auth.bearer.get_secret_value() == "false-token"
    assert crm.manners.rate == "3/s"


def test_what_is_written_beside_it_stands_above(load):
    written = HUBSPOT.replace("token:", "rate: 1/s, match_as: [digits], token:")
    crm = load(written, TOKEN).connectors["crm"]
    assert (crm.manners.rate, crm.options.match_as) == ("1/s", ["digits"])


def test_a_preset_of_ones_own_lies_beside_the_file(load, own):
    own(OWN)
    crm = load("connectors: {c: {type: crm, preset: ours, key: '$${x}'}}\n").connectors["c"]
    assert crm.options.auth.bearer.get_secret_value() == "${x}"


def test_its_own_stands_above_a_shipped_one_of_the_same_name(load, own):
    own(OWN, "hubspot")
    settings = load('connectors: {c: {type: crm, preset: hubspot, key: "${K}"}}\n', {"K": "false"})
    assert settings.connectors["c"].options.base_url == "https://crm.example.com"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("preset: hubspt, token: a", "1:39: `hubspt` is no known preset; did you mean `hubspot`?"),
        ("preset: hubspot", "the preset hubspot needs the input `token`"),
        ("preset: hubspot, token: ''", "`token` is a text that is not empty"),
        ("preset: hubspot, token: a, tokn: b", "`tokn`"),
        ("preset: hubspot, token: a, rate: often", "often"),
    ],
)
def test_mistakes_are_told_at_their_place(mistakes, written, told):
    found = mistakes(f"connectors: {{crm: {{type: crm, {written}}}}}\n")
    assert any(told in mistake for mistake in found), found


def test_a_preset_for_another_connector_is_refused(mistakes):
    (told,) = mistakes("connectors: {crm: {type: slack, preset: hubspot, token: a}}\n")
    assert "hubspot is a preset for `type: crm`" in told


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("$(key)", "$(kye)", "ours.yaml:6:18: `kye`"),
        ("about: our own\n", "", "`about` is missing"),
        ("https://crm.example.com", "ftp://x", "ours.yaml, base_url: base_url must begin with https://"),
        ("$(key)", "'$(key)${HOME}'", "no variables are read here"),
    ],
)
def test_a_faulty_preset_is_told_where_it_is_used(mistakes, own, old, new, told):
    own(OWN.replace(old, new, 1))
    found = mistakes("connectors: {c: {type: crm, preset: ours, key: abc}}\n")
    assert any(told in mistake for mistake in found), found


def test_a_token_written_out_is_warned_about_and_refused_where_others_can_read_it(load, mistakes):
    written = HUBSPOT.replace("${HUBSPOT_TOKEN}", "false-token")
    warnings = load(written).warnings
    assert any("a secret stands in the file" in str(warning) for warning in warnings)
    assert any("refused" in mistake for mistake in mistakes(written, mode=0o644))
    assert not any("a secret stands" in str(warning) for warning in load(HUBSPOT, TOKEN).warnings)


@pytest.mark.parametrize("path", sorted(preset_files(Path("none")).values()), ids=lambda p: p.stem)
def test_every_shipped_preset_loads_with_its_examples(load, path):
    inputs = read_preset(path).form.inputs
    blanks = ", ".join(f'{name}: "${{{name.upper()}}}"' for name in inputs)
    environment = {name.upper(): form.example for name, form in inputs.items()}
    assert load(f"connectors: {{crm: {{type: crm, preset: {path.stem}, {blanks}}}}}\n", environment).connectors

from __future__ import annotations

import os

import pytest

from relay.cli.environment import load_beside


@pytest.fixture
def place(tmp_path, monkeypatch):
    for name in ("FALSE_ONE", "FALSE_TWO", "FALSE_THREE"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)

    def write(text, mode=0o600):
        file = tmp_path / ".env"
        file.write_text(text, encoding="utf-8")
        file.chmod(mode)
        return tmp_path / "relay.yaml"

    return write


def test_what_stands_beside_the_file_is_added_and_what_is_set_wins(place, monkeypatch):
    monkeypatch.setenv("FALSE_TWO", "from outside")
    load_beside(place("FALSE_ONE='a $HOME b'\nexport FALSE_TWO=from the file\nFALSE_THREE=\n# a remark\n"))
    assert os.environ["FALSE_ONE"] == "a $HOME b"
    assert os.environ["FALSE_TWO"] == "from outside"
    assert "FALSE_THREE" not in os.environ


def test_a_file_that_others_can_read_is_told_of_and_used(place, capsys):
    load_beside(place("FALSE_ONE=x\n", mode=0o644))
    assert "can be read by others: chmod 600" in capsys.readouterr().err
    assert os.environ["FALSE_ONE"] == "x"


def test_no_file_is_no_trouble(tmp_path):
    load_beside(tmp_path / "relay.yaml")


def test_a_file_that_an_editor_saved_in_another_encoding_is_told(place, tmp_path, capsys):
    config = place("")
    (tmp_path / ".env").write_bytes("FALSE_ONE=x\n".encode("utf-16"))
    with pytest.raises(SystemExit) as ended:
        load_beside(config)
    assert ended.value.code == 3
    assert (
        capsys.readouterr().err == f"{tmp_path}/.env is not UTF-8: save it as UTF-8, or as plain text without accents\n"
    )

"""The one list of connectors."""

from pathlib import Path

import pytest

import connectors
from connectors.table import CONNECTORS
from relay.connector import Connector, Form

FOLDER = Path(connectors.__file__).parent


def test_every_file_and_folder_of_a_service_is_in_the_list():
    written = {path.stem for path in FOLDER.glob("[!_]*") if path.suffix == ".py" or (path / "__init__.py").is_file()}
    listed = {cls.__module__.split(".")[1] for cls in CONNECTORS.values()}
    assert written - {"table"} == listed


@pytest.mark.parametrize("word", sorted(CONNECTORS))
def test_each_says_how_it_is_filled_in(word):
    cls = CONNECTORS[word]
    assert issubclass(cls, Connector)
    assert issubclass(cls.Options, Form)
    assert issubclass(cls.Action, Form)
    assert (cls.__doc__ or "").strip()

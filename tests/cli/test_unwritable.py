"""Places that cannot be written are told in plain words, with what to do."""

import errno
import os
from pathlib import Path

import pytest

from relay.cli.unwritable import unwritable


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("file/below", "a part of that path is a file; name a folder"),
        ("nowhere/below", "there is no such place, and none can be made; name another"),
        ("folder", "Is a directory; name another place"),
        ("x" * 300, "the name is too long; name a shorter one"),
    ],
)
def test_a_place_is_told_with_what_to_do(tmp_path, place, why):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="Errno") as refused, (tmp_path / place).open("w"):
        pass
    assert unwritable(Path(place), refused.value) == f"{place} cannot be written: {why}"


def test_a_full_disk_is_told_as_one():
    with pytest.raises(OSError, match="No space left") as refused:
        Path("/dev/full").write_text("x")
    assert unwritable(Path("/backups"), refused.value).endswith(
        "that disk is full; free some room, or name a place on another"
    )


@pytest.mark.parametrize(
    "number", [errno.EACCES, errno.EPERM, errno.EROFS, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EEXIST]
)
def test_no_word_of_the_system_is_left(number):
    assert os.strerror(number) not in unwritable(Path("x"), OSError(number, os.strerror(number)))

"""Files and folders that are replaced whole: modes, links, pipes, protected files, and what is left after an error."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.privileges import UNPRIVILEGED, needs_permissions
from tests.waiting import HANGING
from virtkit import outputs
from virtkit.errors import InputError
from virtkit.outputs import replace_folder, replacing, write_text, writing


def unprivileged(output: Path) -> subprocess.CompletedProcess[str]:
    """Write a small table to a file, as a user who has to obey permissions."""
    words = ["virtkit", "--quiet", "guests", "--drivers", "rhel6.10", "--format", "csv", "-o", str(output)]
    command = [*UNPRIVILEGED, sys.executable, "-m", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=HANGING, check=False)


def names(folder: Path) -> list[str]:
    """The entries of a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_a_failed_block_keeps_the_earlier_files(tmp_path: Path) -> None:
    """When a block raises, no file changes and nothing else is left in the folder."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("old")

    def interrupted() -> None:
        with replacing(one, two) as scratches:
            for scratch in scratches:
                scratch.write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert one.read_text() == "old"
    assert names(tmp_path) == ["one"]


def test_a_link_stays_and_the_file_keeps_its_mode(tmp_path: Path) -> None:
    """A file that is written through a link keeps its mode, and the link still points to it."""
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to("file")
    write_text(link, "new\r\n")
    assert link.is_symlink()
    assert file.read_bytes() == b"new\r\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_new_file_has_the_mode_of_the_umask(tmp_path: Path) -> None:
    """A new file is as readable as one that the shell creates."""
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "file", "")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_a_pipe_is_written_directly(tmp_path: Path) -> None:
    """A named pipe gets the text and stays a pipe."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    seen: list[str] = []
    reader = threading.Thread(target=lambda: seen.append(pipe.read_text()))
    reader.start()
    write_text(pipe, "text")
    reader.join(HANGING)
    assert seen == ["text"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("place", ["folder", "file/below", "none/file", "/dev/full"])
def test_what_cannot_be_written_is_named(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the file that was asked for, with the reason, and nothing is left behind."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("old")
    with pytest.raises(InputError) as caught:
        write_text(Path(place), "new")
    assert str(caught.value).startswith(f"{place}: cannot be written: ")
    assert names(tmp_path) == ["file", "folder"]
    assert (tmp_path / "file").read_text() == "old"


@needs_permissions
@pytest.mark.slow
def test_a_protected_file_stays(tmp_path: Path) -> None:
    """A file without permission to write is not replaced, although its folder would allow that."""
    file = tmp_path / "file"
    file.write_text("old")
    file.chmod(0o444)
    done = unprivileged(file)
    assert (done.returncode, done.stderr) == (1, f"virtkit: {file}: cannot be written: Permission denied\n")
    assert names(tmp_path) == ["file"]
    assert file.read_text() == "old"


@needs_permissions
@pytest.mark.slow
def test_a_file_in_a_protected_folder_is_written(tmp_path: Path) -> None:
    """A file that may be written gets the new text, although nothing can be created in its folder."""
    file = tmp_path / "folder" / "file"
    file.parent.mkdir()
    file.write_text("old")
    file.parent.chmod(0o555)
    done = unprivileged(file)
    file.parent.chmod(0o755)
    assert (done.returncode, done.stderr) == (0, "")
    assert file.read_text().startswith("guest,kind,")


def test_a_folder_that_vanishes(tmp_path: Path) -> None:
    """When the folder is removed while a file is written, the error names the file."""
    file = tmp_path / "folder" / "file"
    file.parent.mkdir()

    def vanishing() -> None:
        with writing(file) as (scratch,):
            scratch.unlink()
            file.parent.rmdir()

    with pytest.raises(InputError) as caught:
        vanishing()
    reason = "cannot be written: No such file or directory"
    assert str(caught.value) == f"{file}: {reason}; create the folder {file.parent} first"


@pytest.mark.parametrize("swaps", [True, False])
def test_a_folder_replaces_another(swaps: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder takes the place of an earlier one, also where the file system cannot swap two names."""
    if not swaps:
        monkeypatch.setattr(outputs, "_exchanged", lambda one, other: False)
    for text in ("first", "second"):
        (tmp_path / "new").mkdir()
        (tmp_path / "new" / "file").write_text(text)
        replace_folder(tmp_path / "new", tmp_path / "place")
        assert names(tmp_path) == ["place"]
        assert (tmp_path / "place" / "file").read_text() == text

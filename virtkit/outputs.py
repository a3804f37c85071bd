"""Files that are written whole: a reader sees the earlier file or the new one, and a failed write keeps the earlier.

The text goes to a file beside the place, ``.virtkit-XXXXXXXX.part``, which is then renamed. A device or a pipe, such as
/dev/stdout, is written directly, because it cannot be replaced.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from virtkit.errors import InputError

__all__ = ["failure", "replace_folder", "replacing", "write_bytes", "write_text", "writing"]

_HERE = -100  # AT_FDCWD of Linux: paths are relative to the working folder
_EXCHANGE = 2  # RENAME_EXCHANGE of Linux

#: Folders whose entries are devices and files that are open already.
_OPEN = ("/dev/", "/proc/")
_FILES = "/dev/shm/"  # noqa: S108 - a file system in memory, not a predictable name


def failure(error: OSError, place: str | Path) -> InputError:
    """The error for a file that cannot be written, with the reason in the words of the system."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    folder = Path(place).parent
    if error.errno == errno.ENOENT and not folder.exists():
        reason += f"; create the folder {folder} first"
    return InputError(f"cannot be written: {reason}", str(place))


def write_text(place: Path, text: str) -> None:
    """Write a text file in UTF-8 without changing line ends. Raises InputError when it cannot be written."""
    write_bytes(place, text.encode("utf-8", "surrogateescape"))


def write_bytes(place: Path, data: bytes) -> None:
    """Write a file. Raises InputError when it cannot be written."""
    with writing(place) as (scratch,):
        scratch.write_bytes(data)


@contextmanager
def writing(*places: Path) -> Iterator[tuple[Path, ...]]:
    """As ``replacing``, for blocks that do nothing but write. Raises InputError in place of OSError."""
    try:
        with replacing(*places) as scratches:
            yield scratches
    except OSError as error:
        raise failure(error, places[0] if len(places) == 1 else places[0].parent) from None


@contextmanager
def replacing(*places: Path) -> Iterator[tuple[Path, ...]]:
    """Paths to write to, one for each place; when the block ends they become the files, and none of them if it raises.

    A link stays a link, and a file keeps its mode and owner. Raises OSError.
    """
    made: list[tuple[Path, Path]] = []
    try:
        for place in places:
            final = place if _is_open(place) else Path(os.path.realpath(place))
            made.append((_scratch(final), final))
        yield tuple(scratch for scratch, _ in made)
        with _lock_on({final.parent for _, final in made} if len(made) > 1 else set()):
            for scratch, final in made:
                _put(scratch, final)
    finally:
        for scratch, final in made:
            if scratch != final:
                with suppress(OSError):
                    scratch.unlink(missing_ok=True)


def replace_folder(new: Path, place: Path) -> None:
    """Let the folder ``new`` become ``place``, and remove the one that was there. Raises OSError.

    On Linux both swap their names in one step, so that ``place`` is whole at every moment.
    """
    if not place.exists():
        new.rename(place)
        return
    # A name that no other process knows, so that none begins to write in the folder that is about to be removed.
    own = new.with_name(_own_name())
    new.rename(own)
    if not _exchanged(own, place):
        old = new.with_name(_own_name())
        place.rename(old)
        try:
            own.rename(place)
        except OSError:
            old.rename(place)
            own.rename(new)
            raise
        own = old
    shutil.rmtree(own, ignore_errors=True)


def _exchanged(one: Path, other: Path) -> bool:
    """Whether the system could swap the names of two folders; some file systems cannot."""
    import ctypes

    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    done: int = rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE)
    return done == 0


def _is_open(place: Path) -> bool:
    """Whether a path names a device, a pipe, a folder, or a file by its number: what no file can take the place of."""
    absolute = os.path.abspath(place)
    if absolute.startswith(_OPEN) and not absolute.startswith(_FILES):
        return True
    try:
        return not stat.S_ISREG(place.stat().st_mode)
    except OSError:
        return False


def _scratch(final: Path) -> Path:
    """An empty file beside the place, with the mode and the owner of the file that is there."""
    if _is_open(final):
        return final
    name = _own_name()
    if final.exists() and not os.access(final, os.W_OK):
        # To replace a file, only the folder has to be writable; a file that is protected stays.
        final.open("r+b").close()
    try:
        scratch = _created(final.with_name(name))
    except PermissionError:
        # Nothing can be created in the folder, but a file there may still be writable.
        if not final.exists():
            raise
        from tempfile import gettempdir

        scratch = _created(Path(gettempdir()) / name)
    try:
        before = final.stat()
    except OSError:
        return scratch
    with suppress(OSError):
        if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
            os.chown(scratch, before.st_uid, before.st_gid)
    with suppress(OSError):
        scratch.chmod(stat.S_IMODE(before.st_mode))
    return scratch


def _own_name() -> str:
    return f".virtkit-{os.urandom(4).hex()}.part"


def _created(scratch: Path) -> Path:
    os.close(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    return scratch


def _put(scratch: Path, final: Path) -> None:
    """Let the new file take its place."""
    if scratch == final:
        return
    if scratch.parent == final.parent:
        try:
            scratch.replace(final)
        except OSError as error:
            # The file itself may be a mount point, as in a container: it can be written, but not replaced.
            if error.errno not in (errno.EBUSY, errno.EXDEV) or not final.is_file():
                raise
        else:
            return
    before = final.read_bytes()
    try:
        final.write_bytes(scratch.read_bytes())
    except BaseException:
        final.write_bytes(before)
        raise


@contextmanager
def _lock_on(folders: set[Path]) -> Iterator[None]:
    """Wait until no other process replaces several files in these folders, where the file system has locks."""
    held: list[int] = []
    try:
        with suppress(ModuleNotFoundError, OSError):
            import fcntl

            for folder in sorted(folders):
                held.append(os.open(folder, os.O_RDONLY))
                fcntl.flock(held[-1], fcntl.LOCK_EX)
        yield
    finally:
        for number in held:
            os.close(number)

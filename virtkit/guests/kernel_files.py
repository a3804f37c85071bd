"""Reads the configuration and the modules of a kernel from a file, a folder or a Debian package.

Source: Debian Policy, deb(5): an ar archive with control.tar and data.tar; Linux, Documentation/kbuild: a configuration
has lines CONFIG_NAME=VALUE and "# CONFIG_NAME is not set".
"""

from __future__ import annotations

import gzip
import io
import lzma
import re
import tarfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from virtkit.errors import GuestError

__all__ = ["KernelFiles", "read_kernel"]

#: No configuration or package is larger; more is refused.
_LIMIT = 1 << 30
_SET = re.compile(r"CONFIG_([A-Za-z0-9_]+)=([ym])")
_UNSET = re.compile(r"# CONFIG_([A-Za-z0-9_]+) is not set")
_CONFIG = re.compile(r"(?:\.?/)?(?:usr/)?(?:boot|lib/modules/[^/]+)/config(?:-[^/]+)?")
_MODULE = re.compile(r"\.ko(?:\.(?:xz|gz|zst))?$")


@dataclass(frozen=True, slots=True)
class KernelFiles:
    """What a kernel is built with: options (without CONFIG_) and the names of its modules.

    ``modules`` is None where only a configuration was read. ``package`` and ``version`` are "" outside a package.
    """

    options: Mapping[str, str]
    modules: frozenset[str] | None
    package: str = ""
    version: str = ""
    arch: str = ""

    def value(self, option: str) -> str:
        """The value of an option: y, m, n (not set) or - (the configuration does not name it)."""
        return self.options.get(option, "-")

    def module(self, name: str) -> str:
        """Whether the kernel has a module: present, absent, or "" where no modules were read."""
        if self.modules is None:
            return ""
        return "present" if name.replace("-", "_") in self.modules else "absent"


def read_kernel(path: Path) -> KernelFiles:
    """The kernel in a Debian package (.deb), a configuration file (also gzipped), or a folder with boot/config-*.

    Raises GuestError for a file that is none of these.
    """
    if path.is_dir():
        return _folder(path)
    try:
        if path.stat().st_size > _LIMIT:
            raise GuestError(f"{path}: larger than {_LIMIT >> 30} GiB; expected a kernel package or configuration")
        data = path.read_bytes()
    except OSError as error:
        raise GuestError(f"{path}: cannot be read: {error.strerror}") from None
    if data.startswith(b"!<arch>\n"):
        return _package(data, path)
    if data.startswith(b"\x1f\x8b"):
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
                data = stream.read(_LIMIT)
        except (OSError, EOFError, zlib.error) as error:
            raise GuestError(f"{path}: broken gzip data: {error}") from None
    return KernelFiles(_options(data, path), None)


def _folder(path: Path) -> KernelFiles:
    """The newest kernel of a folder into which a package was unpacked, or of a root file system."""
    found = sorted([*path.glob("boot/config-*"), *path.glob("lib/modules/*/config")])
    if not found:
        raise GuestError(f"{path}: expected boot/config-* or lib/modules/*/config, found neither")
    release = found[-1].name.removeprefix("config-")
    release = found[-1].parent.name if release == "config" else release
    names = _names(str(one) for one in (path / "lib" / "modules" / release).rglob("*.ko*"))
    return KernelFiles(_options(found[-1].read_bytes(), path), names)


def _package(data: bytes, path: Path) -> KernelFiles:
    control: dict[str, str] = {}
    options: Mapping[str, str] = {}
    files: list[str] = []
    for name, member in _members(data, path):
        try:
            with tarfile.open(fileobj=io.BytesIO(member)) as archive:
                for one in archive:
                    files.append(one.name)
                    wanted = name.startswith("control") and PurePosixPath(one.name).name == "control"
                    stream = archive.extractfile(one) if wanted or _CONFIG.fullmatch(one.name) else None
                    if stream is None:
                        continue
                    text = stream.read(_LIMIT)
                    if wanted:
                        control = _fields(text.decode("utf-8", "replace"))
                    else:
                        options = _options(text, path)
        except tarfile.TarError as error:
            why = str(error).partition(":")[0]
            raise GuestError(f"{path}: {name} cannot be read ({why}); unpack it and name the folder") from None
        except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
            raise GuestError(f"{path}: {name} is broken: {error}; download the package again") from None
    if not options:
        raise GuestError(f"{path}: no boot/config-* in it; expected a kernel package such as linux-image-amd64")
    fields = (control.get(key, "") for key in ("Package", "Version", "Architecture"))
    return KernelFiles(options, _names(files), *fields)


def _members(data: bytes, path: Path) -> Iterable[tuple[str, bytes]]:
    """The two tar archives of a package."""
    at = 8
    while at + 60 <= len(data):
        name = data[at : at + 16].decode("ascii", "replace").strip().rstrip("/")
        size = data[at + 48 : at + 58].strip()
        if not size.isdigit():
            raise GuestError(f"{path}: not a Debian package: a member has no size")
        start = at + 60
        if start + int(size) > len(data):
            raise GuestError(f"{path}: {name} is cut off: expected {int(size):,} bytes, got {len(data) - start:,}")
        if name.startswith(("control.tar", "data.tar")):
            yield name, data[start : start + int(size)]
        at = start + int(size) + int(size) % 2


def _fields(text: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in text.splitlines() if ": " in line and not line.startswith(" "))


def _options(data: bytes, path: Path) -> Mapping[str, str]:
    found = {}
    for line in data.decode("utf-8", "replace").splitlines():
        if match := _SET.fullmatch(line.strip()):
            found[match[1]] = match[2]
        elif match := _UNSET.fullmatch(line.strip()):
            found[match[1]] = "n"
    if not found:
        raise GuestError(f"{path}: expected lines such as CONFIG_VIRTIO_BLK=m, found none")
    return found


def _names(files: Iterable[str]) -> frozenset[str]:
    """The names of modules among files, with underscores."""
    return frozenset(
        _MODULE.sub("", PurePosixPath(one).name).replace("-", "_") for one in files if _MODULE.search(one)
    )

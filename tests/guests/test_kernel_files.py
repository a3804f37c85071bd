"""Reading a kernel: its configuration and modules, from a package, a file and a folder."""

from __future__ import annotations

import csv
import gzip
import io
import tarfile
from pathlib import Path

import pytest

from virtkit.cli import main
from virtkit.errors import GuestError
from virtkit.guests.kernel_files import read_kernel

CONFIG = b"# a comment\nCONFIG_VIRTIO_BLK=m\nCONFIG_VIRTIO_PCI=y\n# CONFIG_VIRTIO_MEM is not set\nCONFIG_NAME=\"x\"\n"


def archive(files: dict[str, bytes]) -> bytes:
    """A tar archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:xz") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def package() -> bytes:
    """A Debian package with a configuration and one module."""
    members = {
        "debian-binary": b"2.0\n",
        "control.tar.xz": archive({"./control": b"Package: linux-image-t\nVersion: 9.9-1\nArchitecture: amd64\n"}),
        "data.tar.xz": archive({"./boot/config-9.9": CONFIG, "./lib/modules/9.9/kernel/virtio_blk.ko.xz": b"x"}),
    }
    data = b"!<arch>\n"
    for name, content in members.items():
        data += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode() + content
        data += b"\n" * (len(content) % 2)
    return data


def test_package(tmp_path: Path) -> None:
    """A package gives its name, version, options and modules."""
    file = tmp_path / "k.deb"
    file.write_bytes(package())
    found = read_kernel(file)
    assert (found.package, found.version, found.arch) == ("linux-image-t", "9.9-1", "amd64")
    values = {name: found.value(f"VIRTIO_{name}") for name in ("BLK", "PCI", "MEM", "NET")}
    assert values == {"BLK": "m", "PCI": "y", "MEM": "n", "NET": "-"}
    assert (found.module("virtio_blk"), found.module("virtio-net")) == ("present", "absent")


def test_configuration_and_folder(tmp_path: Path) -> None:
    """A configuration, gzipped or not, says nothing of modules; a folder has both."""
    (tmp_path / "plain").write_bytes(CONFIG)
    (tmp_path / "config.gz").write_bytes(gzip.compress(CONFIG))
    for name in ("plain", "config.gz"):
        found = read_kernel(tmp_path / name)
        assert (found.value("VIRTIO_BLK"), found.module("virtio_blk")) == ("m", "")
    (tmp_path / "boot").mkdir()
    (tmp_path / "boot" / "config-9.9").write_bytes(CONFIG)
    modules = tmp_path / "lib" / "modules" / "9.9" / "kernel"
    modules.mkdir(parents=True)
    (modules / "virtio-blk.ko").touch()
    assert read_kernel(tmp_path).module("virtio_blk") == "present"


def test_other_files(tmp_path: Path) -> None:
    """A file that is no kernel and an empty folder are refused with what was expected."""
    (tmp_path / "text").write_text("hello")
    with pytest.raises(GuestError, match=r"expected lines such as CONFIG_VIRTIO_BLK=m, found none"):
        read_kernel(tmp_path / "text")
    (tmp_path / "none").mkdir()
    with pytest.raises(GuestError, match=r"expected boot/config-\* or lib/modules/\*/config, found neither"):
        read_kernel(tmp_path / "none")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x1f\x8bgarbage", r"broken gzip data"),
        (gzip.compress(CONFIG)[:-12], r"broken gzip data"),
        (package()[:-100], r"data\.tar\.xz is cut off: expected [\d,]+ bytes, got [\d,]+"),
        (package().replace(b"\xfd7zXZ", b"\xfd7zXY"), r"control\.tar\.xz cannot be read"),
        (package()[:-60] + bytes(60), r"data\.tar\.xz (is broken|cannot be read)"),
        (b"!<arch>\n" + b"x" * 70, r"not a Debian package"),
    ],
    # Compressed data names the second in which it was made, so it is no name that all workers agree on.
    ids=["garbage", "gzip cut off", "data cut off", "control broken", "data broken", "no package"],
)
def test_broken_files(tmp_path: Path, data: bytes, message: str) -> None:
    """A file that is cut off or damaged is refused with what is wrong with it."""
    (tmp_path / "k").write_bytes(data)
    with pytest.raises(GuestError, match=message):
        read_kernel(tmp_path / "k")


def test_refresh(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """data refresh --kernel writes the tables with the kernel as a further flavour of its guest."""
    (tmp_path / "k.deb").write_bytes(package())
    out = tmp_path / "facts"
    line = ["data", "refresh", "--kernel", str(tmp_path / "k.deb"), "-o", str(out)]
    assert main(line) == 2
    assert "--kernel and --kernel-name go together" in capsys.readouterr().err
    assert main([*line, "--kernel-name", "debian12:mine"]) == 0
    text = (out / "guests" / "kernel-options.csv").read_text()
    rows = list(csv.DictReader(one for one in text.splitlines() if not one.startswith("#")))
    mine = {row["option"]: (row["value"], row["module"]) for row in rows if "debian12:mine" in row["kernels"].split()}
    assert (mine["VIRTIO_BLK"], mine["VIRTIO_MEM"]) == (("m", "present"), ("n", "absent"))
    assert "debian12,mine,,amd64,linux-image-t,9.9-1" in (out / "guests" / "flavours.csv").read_text()
    assert main([*line, "--kernel-name", "debian12:rt-amd64"]) == 1
    assert "choose another" in capsys.readouterr().err
    assert main([*line, "--kernel-name", "nosuch:mine"]) == 1
    assert "no guest OS called 'nosuch'" in capsys.readouterr().err

"""Every command that writes files, with real options, and the program that runs them under faults.

``python -m tests.faults.writers`` reads cases as JSON from standard input, runs each in a process of its own, and
prints what came of it: one interpreter starts, so that a hundred cases take seconds.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.commands import KEY_TABLES
from tests.guests.test_kernel_files import CONFIG
from tests.writing import domain
from virtkit import read, resolve
from virtkit.cli import program

ROOT = Path(__file__).resolve().parents[2]
#: Command lines by name; IN is a or b, and everything is written below the folder "out".
WRITERS = {
    "resolve to a file": "resolve IN.xml -o out/r.xml",
    "resolve to a folder": "resolve IN.xml -o out",
    "args": "args IN.xml -o out/r.args",
    "check": "check IN.xml -o out/r.txt",
    "check to a folder": "check IN.xml -o out/",
    "check --fix": "check IN.xml --fix -o out/r.xml",
    "check --picture": "check IN.xml --fix -o out/r.xml --picture out/p.svg",
    "topology as text": "topology IN.xml -o out/t.txt",
    "topology as JSON": "topology IN.xml -o out/t.json",
    "topology as SVG": "topology IN.xml -o out/t.svg",
    "topology as PNG": "topology IN.xml -o out/t.png",
    "topology --capacity": "topology IN.xml --capacity -o out/t.txt",
    "moves --picture": "moves IN.xml --machine q35:pc --picture out/m.svg",
    "attach to a folder": "attach IN.xml disk -o out",
    "attach to a file": "attach IN.xml disk --config -o out/r.xml",
    "detach": "detach IN.xml vda --config -o out/r.xml",
    "pin": "pin IN.xml -o out/r.xml",
    "domcaps": "domcaps -o out/c.xml",
    "guests": "guests debian1* --format csv -o out/g.csv",
    "recommend": "recommend --guest rhel6.10 -o out/r.txt",
    "matrix as CSV": "matrix --guests rhel6.10 --machines q35 -o out/m.csv",
    "matrix as JSON": "matrix --guests rhel6.10 --machines q35 -o out/m.json",
    "matrix as Parquet": "matrix --guests rhel6.10 --machines q35 -o out/m.parquet",
    "matrix as a page": "matrix --guests rhel6.10 --machines q35 -o out/m.html",
    "policy check": "policy check recommended IN.xml --format json -o out/p.json",
    "policy score": "policy score recommended --guests rhel6.10 --format csv -o out/s.csv",
    "policy compare": "policy compare libvirt recommended --guests rhel6.10 --format csv -o out/s.csv",
    "policy decide": "policy decide recommended --guests rhel6.10 --format csv -o out/s.csv",
    "policy slots": "policy slots --guests rhel6.10 --format csv -o out/s.csv",
    "policy review": "policy review recommended --guests rhel6.10 --record out/r.md",
    "policy rollout": "policy rollout nic-model IN.xml -o out/r.txt",
    "interface": "interface interface.csv -o out/a.csv",
    "names": "names names.csv -o out/a.csv",
    "firmware": "firmware firmware.csv -o out/a.csv",
    "man": "man -o out/virtkit.1",
    "audit as CSV": "audit IN.xml --jobs 1 -o out/a.csv",
    "audit as JSON": "audit IN.xml --jobs 1 -o out/a.json",
    "audit as Parquet": "audit IN.xml --jobs 1 -o out/a.parquet",
    "audit as a dataset": "audit IN.xml --jobs 1 -o out/a",
    "data refresh --osinfo": "data refresh --osinfo osinfo-IN -o out",
    "data refresh --kernel": "data refresh --kernel config-IN --kernel-name debian12:IN -o out",
}
_DISK = "<disk type='file'><source file='/{0}'/><target dev='vda' bus='virtio'/></disk>"
_NIC = "<interface type='user'><mac address='52:54:00:00:00:0{0}'/><model type='virtio'/></interface>"


def inputs(folder: Path) -> None:
    """Write the files that the command lines read."""
    for number, name in enumerate("ab", 1):
        devices = _DISK.format(name) + _NIC.format(number) + "<rng model='virtio'><backend model='random'/></rng>"
        (folder / f"{name}.xml").write_bytes(domain(devices))
        (folder / f"config-{name}").write_bytes(CONFIG + b"CONFIG_VIRTIO_NET=m\n" * number)
        system = folder / f"osinfo-{name}" / "os" / "x.org" / f"x-{number}.xml"
        system.parent.mkdir(parents=True)
        system.write_text(
            f'<libosinfo version="0.0.1"><os id="http://x.org/x/{number}"><short-id>x{number}</short-id>'
            f"<name>X</name><version>{number}</version>"
            f'<devices><device id="http://pcisig.com/pci/1af4/1000"/></devices></os></libosinfo>'
        )
    for name, text in KEY_TABLES.items():
        (folder / f"{name}.csv").write_text(text)


def content(folder: Path) -> dict[str, str]:
    """The digest of each file below a folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in files}


def _mounted(options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", "out"], check=True)


def _full_disk() -> None:
    """Move "out" to a disk of 1 MiB without a free block."""
    kept = shutil.copytree("out", "kept")
    _mounted("size=1m")
    shutil.copytree(kept, "out", dirs_exist_ok=True)
    with open("out/filler", "wb", buffering=0) as stream:
        for size in (4096, 1):
            try:
                while stream.write(bytes(size)):
                    pass
            except OSError:
                pass


def _read_only() -> None:
    kept = shutil.copytree("out", "kept")
    _mounted("size=8m")
    shutil.copytree(kept, "out", dirs_exist_ok=True)
    subprocess.run(["mount", "-o", "remount,ro", "out"], check=True)


def _size_limit() -> None:
    """Let no file grow above 1 byte, as ulimit -f does."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1))


def _killed_while_writing() -> None:
    """Have the kernel kill the process when it writes the second byte of a file."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _size_limit()


def _before_renaming(action: Callable[[], object]) -> None:
    """Do something before the first file takes its place."""

    def stopping(original: Callable[..., None]) -> Callable[..., None]:
        def replacement(*words: Any, **options: Any) -> None:
            action()
            original(*words, **options)

        return replacement

    os.replace, os.rename = stopping(os.replace), stopping(os.rename)


FAULTS: dict[str, Callable[[], None]] = {
    "none": lambda: None,
    "full disk": _full_disk,
    "read-only": _read_only,
    "size limit": _size_limit,
    "killed while writing": _killed_while_writing,
    "SIGINT": lambda: _before_renaming(lambda: os.kill(os.getpid(), signal.SIGINT)),
    "SIGTERM": lambda: _before_renaming(lambda: os.kill(os.getpid(), signal.SIGTERM)),
    "SIGKILL": lambda: _before_renaming(lambda: os.kill(os.getpid(), signal.SIGKILL)),
    "vanishing folder": lambda: _before_renaming(lambda: shutil.rmtree("out", ignore_errors=True)),
}


def _begun(words: list[str], folder: str, fault: str) -> tuple[int, int]:
    """Start a command line under a fault; the process and a pipe with its messages."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    os.close(reading)
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    os.dup2(writing, 2)
    code = 99
    try:
        os.chdir(folder)
        FAULTS[fault]()
        sys.argv = ["virtkit", "--quiet", *words]
        code = program()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 98
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def _ended(child: int, reading: int) -> dict[str, Any]:
    """The exit code (of a signal as in a shell), the messages."""
    with os.fdopen(reading, errors="replace") as stream:
        said = stream.read()
    _, status = os.waitpid(child, 0)
    return {"code": os.waitstatus_to_exitcode(status), "said": said}


def main() -> None:
    """Run the cases: each has "folder", "fault" and "lines", command lines that run at the same time."""
    from virtkit.draw import picture
    from virtkit.policy import comparison, document

    # Modules and facts are loaded once, for all cases.
    # Nothing is drawn here: the processes would share the position in the open file of a font.
    loaded = [picture, resolve(read(domain())), comparison.evaluate(document.select("recommended"), "rhel6.10")]
    assert all(one is not None for one in loaded)
    gc.freeze()
    found = []
    for case in json.load(sys.stdin):
        begun = [_begun(words, case["folder"], case["fault"]) for words in case["lines"]]
        ended = [_ended(*one) for one in begun]
        out = Path(case["folder"]) / "out"
        found.append({"ended": ended, "content": content(out) if out.is_dir() else {}})
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()

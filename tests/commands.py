"""Every command and verb of virtkit, for tests that try them all, and the tables that some of them read."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator

from virtkit.commands.parser import build, commands_of

__all__ = ["KEY_TABLES", "parsers", "untried", "verbs"]

#: A table of keys for each command that adds columns to one, by the name of the command.
KEY_TABLES = {
    "interface": "arch,machine,kind,model,location\nx86_64,pc-q35-8.2,net,virtio,pcie-port\n",
    "names": "qemu,machine,variant,place,nic,systemd,scheme,sysfs_path\n",
    "firmware": "firmware,firmware_version,qemu,arch,machine,device,interface,place\n",
}


def parsers() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """The parser of the program, whose name is "", and those of its commands and their verbs."""
    waiting: list[tuple[str, argparse.ArgumentParser]] = [("", build())]
    for name, parser in waiting:
        yield name, parser
        waiting += [(f"{name} {word}".strip(), sub) for word, sub in commands_of(parser).items()]


def verbs() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """The commands without verbs, and the verbs of the others."""
    return ((name, parser) for name, parser in parsers() if not commands_of(parser))


def untried(names: Iterable[str], lines: Iterable[str]) -> list[str]:
    """The commands and verbs with which no command line begins."""
    tried = {" ".join(line.split()[:count]) for line in lines for count in (1, 2)}
    return [name for name in names if name not in tried]

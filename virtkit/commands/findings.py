"""What a comparison with a real program finds, as text or as JSON."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping

from virtkit.wording import counted

__all__ = ["Findings", "add_format"]


def add_format(parser: argparse.ArgumentParser) -> None:
    """Add ``--format``."""
    parser.add_argument("--format", choices=("text", "json"), default="text", help="format of the result")


class Findings:
    """What differs, written as it is found, or as one JSON object at the end."""

    def __init__(self, form: str) -> None:
        self._json = form == "json"
        self._found: list[dict[str, object]] = []

    def say(self, text: str) -> None:
        """Write lines that JSON leaves out."""
        if not self._json:
            print(text)

    def add(self, name: str, lines: list[str]) -> None:
        """The differences of one domain."""
        if self._json:
            self._found.append({"name": name, "differences": lines})
        else:
            print(f"{name}: {counted(len(lines), 'difference')}", flush=True)
            print("".join(f"  {line}\n" for line in lines), end="")

    def end(self, text: str, peer: str, numbers: Mapping[str, int]) -> None:
        """The counts."""
        print(json.dumps({"peer": peer, **numbers, "domains": self._found}, indent=1) if self._json else text)

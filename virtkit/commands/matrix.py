"""``virtkit matrix``: which guest drives which device, on which machine type, with which model."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from virtkit.commands.options import add_database_options, add_host_options, chosen_catalogue, chosen_host

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

__all__ = ["register", "run"]

_TABLE = ("guest", "kind", "machine", "model", "placement", "interface", "verdict", "evidence", "why")
_EXAMPLE = """examples:
  virtkit matrix --guests rhel6.10,win10 --machines pc,q35 --kinds net,block --format table
  virtkit matrix --guests 'family=linux' --machines 'pc-q35-*' -o linux.parquet
  virtkit matrix --guests 'debian*,win10' --machines q35 --kinds net,block --plug hot --format table
  virtkit matrix --guests rhel9.4,win11 --machines pc --models all --kinds net,block --format table
  virtkit matrix --overrides off --kinds net,block -o strict.html
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the program's parser."""
    parser = subparsers.add_parser(
        "matrix",
        help="the compatibility matrix of guests, devices and machine types",
        description="Write the compatibility matrix, one row for each guest, device kind, machine type and model. "
        "SEL lists guests (short ids, patterns, family=F, distro=D), machine types (names, patterns, 'all') and so on.",
        epilog=_EXAMPLE,
    )
    parser.add_argument("--guests", metavar="SEL", help="default: all")
    parser.add_argument("--machines", metavar="SEL", help="default: pc,q35")
    parser.add_argument(
        "--models",
        metavar="SEL",
        help="default: the three virtio models; all adds the emulated NICs and disk controllers",
    )
    parser.add_argument("--kinds", metavar="SEL", help="default: all twelve kinds")
    parser.add_argument(
        "--placements",
        metavar="SEL",
        help="where the device sits: conventional-root, conventional-bridge, pcie-root, pcie-port, or all "
        "(default: auto, where libvirt puts it)",
    )
    parser.add_argument(
        "--plug",
        choices=("cold", "hot"),
        default="cold",
        help="hot: judge a device that is plugged into the running guest, not one that is there when it starts",
    )
    parser.add_argument("--arch", default="x86_64", help="architecture of the machine types (default: x86_64)")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="*.csv, *.parquet, *.json or *.html (default: CSV on standard output)"
    )
    parser.add_argument(
        "--format",
        choices=("csv", "json", "table"),
        help="format on standard output (default: csv); a table leaves the sources out",
    )
    add_host_options(parser, domains=False)
    add_database_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Writes the matrix. Raises UsageError and GuestError for a selection that matches nothing."""
    from virtkit.commands import tables
    from virtkit.errors import UsageError
    from virtkit.hotplug.matrix import matrix
    from virtkit.wording import counted

    if args.output and args.output != "-":
        if args.format:
            raise UsageError("--format applies to standard output; the suffix of a file names its format")
        suffix = args.output.rpartition(".")[2].lower()
    else:
        suffix = args.format or "csv"
    if suffix not in ("csv", "parquet", "json", "html") and not args.format:
        raise UsageError(f"-o {args.output}: expected a file name that ends in .csv, .parquet, .json or .html")
    frame = matrix(
        args.guests,
        args.machines,
        args.models,
        args.kinds,
        plug=args.plug,
        placements=args.placements,
        overrides=args.overrides == "on",
        host=chosen_host(args),
        arch=args.arch,
        guest_database=chosen_catalogue(args),
    )
    _write(frame, args.output, suffix)
    for guest in chosen_catalogue(args).select(args.guests):
        if guest.note:
            tables.say(f"note: {guest.note}")
    counts = frame["verdict"].value_counts()
    text = ", ".join(f"{count:,} {verdict}" for verdict, count in sorted(counts.items()) if count)
    tables.say(f"{counted(len(frame), 'cell')} from {frame.attrs['database']}: {text}")
    return 0


def _write(frame: pd.DataFrame, output: str | None, suffix: str) -> None:
    from virtkit.commands import longtable, tables

    if suffix == "parquet" and output:
        longtable.write_parquet(frame, output)
    elif suffix == "html" and output:
        from virtkit.draw.matrix import html_page
        from virtkit.notebook.guests import guest_labels

        if frame.attrs["placements"]:
            frame = frame.assign(machine=frame["machine"].astype(str) + " at " + frame["placement"].astype(str))
        labels = guest_labels(frame["guest"].unique())
        tables.emit(html_page(frame, f"Compatibility matrix, {frame.attrs['database']}", labels), output)
    elif suffix == "table":
        tables.show(_TABLE, list(_rows(frame)), "table", output)
    else:
        pieces = longtable.json_pieces if suffix == "json" else longtable.csv_pieces
        longtable.write_pieces(pieces(frame), output)


def _rows(frame: pd.DataFrame) -> Iterator[Sequence[object]]:
    """The rows of the table: "why" is the condition, or the reason where the device does not work."""
    for row in frame.astype(str).to_dict(orient="records"):
        why = row["condition"] or (row["reason"] if row["verdict"] != "works" else "")
        yield *(row[name] for name in _TABLE[:-1]), why

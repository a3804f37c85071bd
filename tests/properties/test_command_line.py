"""Any sequence of words as a QEMU command line: it is read and resolved, or refused with an error of virtkit."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import virtkit as vk
from virtkit.domain.domain import Domain
from virtkit.errors import VirtkitError
from virtkit.readers import readings
from virtkit.readers.contract import FoundDomain, ReaderOptions

pytestmark = pytest.mark.property

X86 = "qemu-system-x86_64"
WORDS = st.sampled_from(
    [
        X86, "-device", "-M", "q35", "pc", "-drive", "-nic", "-net", "nic", "e1000", "virtio-blk-pci,drive=x", "addr=1",
        "id=a", "bus=a", "pci-bridge,id=a,chassis_nr=1", "usb-tablet", "-usb", "scsi-hd", "lsi", "-global", "a.b=c",
        "'", '"', "\\\n", "\n", "$X", "${X", "${A[@]}", "A=(", ")", "`", "$(", "{", '{"driver":1}',
        '{"driver":"e1000","addr":9999}',
        "-readconfig", "-machine", "type=", "-hda", "if=virtio", "if=scsi", "index=99", "unit=-1", ",,", "=", "\0", "#",
        "-audio", "model=hda", "-smp", "cores=9999", "-m", "1T", "-name", "\x01", "é", "-vga", "virtio",
        "pxb,id=p", "bus=p",
    ]
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(WORDS, st.sampled_from([" ", ",", "", "\n"])), max_size=30))
@example([(X86, " "), ("-device", " "), ("pxb", ","), ("id=p", " "), ("-device", " "), ("pci-bridge", "")])
def test_only_errors_of_virtkit_come_out(parts: list[tuple[str, str]]) -> None:
    """Whatever a command line holds, it is read and resolved or refused with one of virtkit's errors."""
    text = f"{X86} " + "".join(word + sign for word, sign in parts)
    try:
        for part in readings(text.encode(errors="replace"), "x.sh", ReaderOptions()):
            if isinstance(part, FoundDomain):
                vk.resolve(Domain(part.document)).xml()
    except VirtkitError:
        pass

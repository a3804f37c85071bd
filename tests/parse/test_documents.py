"""Whatever is handed in: one clear message for what is no domain, and the same domain in every spelling of XML."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from lxml import etree

from tests.writing import domain, host
from virtkit import read, resolve
from virtkit.cli import main
from virtkit.domain.document import MAX_BYTES
from virtkit.errors import InputError, NotADomain, Refused, VirtkitError

GOOD = domain("<disk type='file'><source file='/d'/><target dev='vda'/></disk>")
DISK = "<disk type='file'><source file='/d'/><target dev='vda'/>{}</disk>"
ENTITIES = "".join(f'<!ENTITY b{n} "&b{n - 1};&b{n - 1};&b{n - 1};&b{n - 1};">' for n in range(1, 16))
BOMB = f'<!DOCTYPE domain [<!ENTITY b0 "boom">{ENTITIES}]>\n<domain type="kvm"><name>&b15;</name></domain>'.encode()

MALFORMED = {
    "empty file": (b"", ": empty"),
    "white space only": (b" \n\t\n", ": empty"),
    "truncated": (GOOD[:180], ":7: not well-formed"),
    "no XML": (b"ELF or so", ":1: not well-formed"),
    "bytes": (bytes(range(256)), "not readable as utf-8: got the byte 0x80; name the encoding"),
    "null byte": (GOOD.replace(b"case", b"ca\0se"), ":2: not well-formed"),
    "a second root that is cut off": (b"<domain type='kvm'/>\n<domain type='kvm'>", ":2: not well-formed"),
    "not a domain": (b"\n<network><name>n</name></network>", ":2: the root element is <network>, not <domain>"),
    "snapshot": (b"<domainsnapshot><domain/></domainsnapshot>", "a snapshot without the definition of its domain"),
    "capabilities": (b"<domainCapabilities/>", "use them with --qemu"),
    "another namespace": (b"<domain xmlns='urn:x'/>", "<{urn:x}domain>, not <domain>"),
    "entity bomb": (BOMB, ":1: domain XML must not have a document type (<!DOCTYPE …>)"),
    "external entity": (
        b"<?xml version='1.0'?>\n<!-- x -->\n<!DOCTYPE d [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>\n"
        b"<domain type='kvm'><name>&x;</name></domain>",
        ":3: domain XML must not have a document type",
    ),
    "document type in UTF-16": (
        "<!DOCTYPE domain><domain type='kvm'/>".encode("utf-16"),
        ":1: domain XML must not have a document type",
    ),
    "unknown entity": (GOOD.replace(b"case", b"&who;"), ":2: not well-formed XML: an entity that is not defined"),
    "too deep": (domain("<a>" * 300 + "</a>" * 300), ":7: elements are nested too deeply"),
    "unknown encoding": (b"<?xml version='1.0' encoding='klingon'?><domain/>", "not readable as klingon"),
    "encoding that is none": (b"<?xml version='1.0' encoding='rot13'?><domain/>", "not readable as rot13"),
    "Latin-1 undeclared": (GOOD.decode().replace("case", "caf\xe9").encode("latin-1"), "not readable as utf-8"),
    "unknown architecture": (domain(arch="vax"), "architecture 'vax' with QEMU 11.1; known: aarch64, arm,"),
    "unknown machine": (domain(machine="pc-q35-99.0"), "does not support machine type 'pc-q35-99.0'; nearest known:"),
    "another hypervisor": (GOOD.replace(b"'qemu'", b"'xen'"), "domain type 'xen' is not one of"),
    "no type": (GOOD.replace(b" type='qemu'", b""), "domain type '' is not one of"),
    "no os": (b"<domain type='kvm'><name>n</name></domain>", "an os <type> must be specified"),
    "another os type": (GOOD.replace(b">hvm<", b">xenpv<"), "os type 'xenpv' is not known"),
    "slot out of range": (
        domain(DISK.format("<address type='pci' bus='0' slot='0x20'/>")),
        ":7: XML error: Invalid PCI address slot='0x20', must be <= 0x1F [disk vda]",
    ),
    "address of no type": (
        domain(DISK.format("<address slot='1'/>")), ":7: XML error: Missing required attribute 'type'"
    ),
}  # fmt: skip
#: Those that are no domain: a folder may contain them.
OTHERS = ("not a domain", "snapshot", "capabilities")


@pytest.mark.parametrize(("data", "message"), MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_domain_is_refused_in_one_message(data: bytes, message: str) -> None:
    """It says what is wrong, in which file, and on which line where there is one."""
    with pytest.raises(VirtkitError) as caught:
        resolve(read(data, "bad.xml"), host())
    text = str(caught.value)
    assert isinstance(caught.value, InputError | Refused)
    assert text.startswith("bad.xml:")
    assert message in text
    assert "\n" not in text


def test_good_files_beside_bad_ones_still_come_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each bad one gives NAME.error and one line on standard error, and what is no domain the line only; the exit code
    is 1."""
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for number, (data, _message) in enumerate(MALFORMED.values()):
        (source / f"{number:02}-bad.xml").write_bytes(data)
    for name in ("00-good.in.xml", "zz-good.xml"):
        (source / name).write_bytes(GOOD)
    with (source / "huge.xml").open("wb") as stream:
        stream.truncate(100 * 1024 * 1024)
    (source / "nothing").mkdir()
    (source / "link.xml").symlink_to("gone.xml")
    (source / "notes.txt").write_text("no domain, and no business of ours")
    paths = [str(source), str(source / "nothing"), str(tmp_path / "missing.xml")]
    assert main(["resolve", *paths, "-o", str(out)]) == 1
    bad = {f"{number:02}-bad.error" for number, kind in enumerate(MALFORMED) if kind not in OTHERS}
    expected = bad | {"00-good.xml", "zz-good.xml", "huge.error", "nothing.error", "missing.error", "link.error"}
    assert {path.name for path in out.iterdir()} == expected
    messages = capsys.readouterr().err.splitlines()
    assert len(messages) == len(MALFORMED) + 4 + 1
    assert sum(": skipped: " in message for message in messages) == len(OTHERS)
    assert messages[-1] == f"virtkit: 2 domains resolved, {len(bad) + 4} rejected"
    assert "Traceback" not in "".join(messages)
    for number, (kind, (_data, message)) in enumerate(MALFORMED.items()):
        assert kind in OTHERS or message in (out / f"{number:02}-bad.error").read_text(encoding="utf-8")
    assert "larger than 16 MiB" in (out / "huge.error").read_text()
    assert "the folder has no *.xml" in (out / "nothing.error").read_text()
    for name in ("missing", "link"):
        assert "No such file" in (out / f"{name}.error").read_text()


@pytest.mark.slow
def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    """By the library as by the command line; bytes too."""
    huge = tmp_path / "huge.xml"
    with huge.open("wb") as stream:
        stream.truncate(100 * 1024 * 1024)
    with pytest.raises(InputError, match="larger than 16 MiB"):
        read(huge)
    with pytest.raises(InputError, match="larger than 16 MiB"):
        read(b" " * (MAX_BYTES + 1))


def test_what_cannot_be_opened_is_said(tmp_path: Path) -> None:
    """A folder and a missing file."""
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path)
    with pytest.raises(InputError, match=r"gone\.xml: cannot be read: No such file"):
        read(tmp_path / "gone.xml")


def test_not_a_domain_has_a_class_of_its_own() -> None:
    """Programs can distinguish it from broken XML."""
    with pytest.raises(NotADomain):
        read(b"<pool/>")


NAMED = GOOD.decode().replace("case", "Büro")
SPELLINGS = {
    "UTF-8": NAMED.encode(),
    "UTF-8 with a mark": codecs.BOM_UTF8 + NAMED.encode(),
    "UTF-8 declared": b'<?xml version="1.0" encoding="utf-8"?>\n' + NAMED.encode(),
    "UTF-16": f'<?xml version="1.0" encoding="UTF-16"?>\n{NAMED}'.encode("utf-16"),
    "UTF-16 big-endian": codecs.BOM_UTF16_BE + NAMED.encode("utf-16-be"),
    "UTF-32": NAMED.encode("utf-32"),
    "Latin-1": f"<?xml version='1.0' encoding='ISO-8859-1'?>\n{NAMED}".encode("latin-1"),
    "Windows": f"<?xml version='1.0' encoding = 'windows-1252' ?>\n{NAMED}".encode("cp1252"),
    "a mark against the declaration": codecs.BOM_UTF8 + f"<?xml version='1.0' encoding='latin1'?>{NAMED}".encode(),
}


@pytest.mark.parametrize("data", SPELLINGS.values(), ids=SPELLINGS)
def test_every_encoding_gives_the_same_domain(data: bytes) -> None:
    """And the result is UTF-8 and declares nothing else."""
    found = resolve(read(data), host())
    assert found.name == "Büro"
    written = found.xml().encode()
    again = etree.fromstring(written)
    assert again.findtext("name") == "Büro"
    assert again.find("devices/disk/address").get("bus") == "0x02"  # type: ignore[union-attr]
    assert resolve(read(written), host()).xml().encode() == written


def test_the_words_of_a_document_type_are_only_that_before_the_root() -> None:
    """A comment and a CDATA section may hold them."""
    text = GOOD.replace(b"<name>", b"<description><![CDATA[<!DOCTYPE x>]]></description><!-- <!DOCTYPE y> --><name>")
    found = resolve(read(b"<!-- <!DOCTYPE z> -->" + text), host()).xml()
    assert found.count("<!DOCTYPE") == 3


NOISE = """<!-- </devices><disk> 'one quote -->
    <?editor <disk> fold="yes"?>
    <emulator><![CDATA[</devices><disk type='file'>]]></emulator>
    <q:disk xmlns:q='urn:q' q:type="a>b"/>
    <disk type='file' q:x="it's /> here" xmlns:q='urn:q'
          ><source file="/d"/><target
       dev = "vda"  /><!-- kept --></disk>
\t<rng model="virtio"><backend model='random'>/dev/urandom</backend><?kept too?></rng>"""


def test_noise_is_neither_read_nor_changed() -> None:
    """Comments, processing instructions, CDATA and foreign elements look like markup and are none."""
    found = resolve(read(domain(NOISE)), host())
    assert [device.label for device in found.devices if not device.added] == ["disk vda", "rng virtio"]
    text = found.xml()
    for kept in (
        '<!-- </devices><disk> \'one quote -->\n    <?editor <disk> fold="yes"?>\n',
        "<emulator><![CDATA[</devices><disk type='file'>]]></emulator>\n",
        "<q:disk xmlns:q='urn:q' q:type=\"a>b\"/>\n",
        "<disk type='file' q:x=\"it's /> here\" xmlns:q='urn:q'\n          ><source file=\"/d\"/>",
        '<target\n       dev = "vda"',
        "<!-- kept -->",
        "<?kept too?>",
    ):
        assert kept in text


@pytest.mark.parametrize("devices", ["", "<devices/>", "<devices></devices>", "<devices>\n  </devices>"])
def test_a_domain_without_devices_gets_them(devices: str) -> None:
    """Wherever they have to be written."""
    text = f"<domain type='kvm'>\n  <os><type arch='x86_64' machine='pc'>hvm</type></os>\n  {devices}\n</domain>"
    root = etree.fromstring(resolve(read(text.encode()), host()).xml())
    assert len(root.findall("devices")) == 1
    assert [child.get("type") for child in root.findall("devices/controller")] == ["usb", "pci"]


def test_windows_line_ends_stay() -> None:
    """In every line that was there."""
    data = GOOD.replace(b"\n", b"\r\n")
    text = resolve(read(data), host()).xml()
    for line in data.decode().split("\r\n"):
        if "<disk" not in line and "<type" not in line:
            assert f"{line}\r\n" in text


def test_a_message_is_one_printable_line() -> None:
    """Whatever signs it quotes from the input."""
    with pytest.raises(Refused) as caught:
        resolve(read(domain("<rng model='a&#10;b&#x202e;c'/>")), host())
    assert "'a\\nb\\u202ec'" in str(caught.value)
    assert str(caught.value).isprintable()

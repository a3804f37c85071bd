"""The documents in which libvirt keeps a domain, and the folders in which it keeps the documents."""

from __future__ import annotations

import struct
import tarfile
from pathlib import Path

import pytest

import virtkit as vk
from tests.writing import domain
from virtkit.cli import main
from virtkit.domain.document import MAX_BYTES
from virtkit.domain.domain import Domain
from virtkit.errors import InputError, NotADomain, Refused
from virtkit.fleet.archives import gather
from virtkit.fleet.survey import survey
from virtkit.inputs import InMemory, domains_in, sources, sources_below
from virtkit.readers.contract import SAVE_IMAGE, Skipped

DISK = "<disk type='file' device='disk'><source file='/d'/><target dev='vda'/></disk>"
DOMAIN = domain(DISK).decode()
LIVE = DOMAIN.replace("<domain ", "<domain id='7' ").replace("/></disk>", "/><alias name='virtio-disk0'/></disk>")


def found(text: str | bytes, name: str = "in.xml") -> list[object]:
    """What is in an input, in order."""
    data = text if isinstance(text, bytes) else text.encode()
    return [one for _, one in domains_in(InMemory("in", None, name, data=data))]


def indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())


@pytest.mark.parametrize(
    "around",
    [
        "<domstatus state='paused' reason='user' pid='12'>\n  <vcpus/>\n{}</domstatus>\n",
        "<domainsnapshot>\n  <name>s</name><memory snapshot='internal'/>\n{}</domainsnapshot>\n",
        "<domaincheckpoint>\n  <name>c</name><disks/>\n{}</domaincheckpoint>\n",
        "<!--\nWARNING: THIS IS AN AUTO-GENERATED FILE.\n-->\n\n<domstatus>\n{}</domstatus>\n",
    ],
    ids=["status", "snapshot", "checkpoint", "comment"],
)
def test_a_domain_inside_another_document(around: str) -> None:
    """The domain of a status file, snapshot or checkpoint is read, with the lines of the file."""
    text = around.format(indented(LIVE))
    (one,) = found(text)
    assert isinstance(one, vk.Domain)
    assert one.name == "case"
    (line,) = [number for number, words in enumerate(text.splitlines(), 1) if "<disk " in words]
    (disk,) = one.devices
    assert disk.line == line
    assert vk.resolve(one).xml().startswith("<domain ")


def test_the_domain_of_a_running_snapshot_comes_before_its_definition() -> None:
    """A snapshot with both a running domain and its definition is the running domain."""
    other = DOMAIN.replace("<name>case", "<name>other").replace("domain", "inactiveDomain")
    (one,) = found(f"<domainsnapshot>\n{LIVE}\n{other}</domainsnapshot>")
    assert isinstance(one, vk.Domain)
    assert one.name == "case"


def test_documents_in_one_stream() -> None:
    """Several documents, each with its own declaration, are several domains, each with its lines."""
    second = DOMAIN.replace("<name>case", "<name>other")
    text = f"<?xml version='1.0'?>\n{DOMAIN}\n<!-- next -->\n<?xml version='1.0'?>\n{second}\n<network/>\n"
    one, two, rest = found(text)
    assert isinstance(one, vk.Domain)
    assert isinstance(two, vk.Domain)
    assert (one.name, two.name) == ("case", "other")
    lines = [number for number, words in enumerate(text.splitlines(), 1) if "<disk " in words]
    assert [one.devices[0].line, two.devices[0].line] == lines
    assert isinstance(rest, Skipped)


def test_the_two_documents_of_an_installation() -> None:
    """``virt-install --print-xml`` prints the domain during and after the installation; a question about one domain is
    about the last."""
    uuid = "<uuid>8f37fb07-20f4-4b79-a8eb-80044eb6e6ee</uuid>"
    after = DOMAIN.replace("</name>", f"</name>{uuid}")
    during = after.replace(DISK, DISK + DISK.replace("vda", "vdb"))
    assert [part.name for part, _ in domains_in(InMemory("in", None, data=f"{during}{after}".encode()))] == [
        "case",
        "case.2",
    ]
    assert len(vk.read(during + after).devices) == 1
    assert len(vk.read(during + after, name="case.2").devices) == 1
    with pytest.raises(InputError, match=r"contains 2 domains; name one of them: case, case\.2"):
        vk.read(DOMAIN + DOMAIN.replace("</name>", f"</name>{uuid}"))


@pytest.mark.parametrize("before", ["\n  ", "<!-- by hand -->\n", "\n<!-- a -->\n<!-- b -->\n"])
def test_what_comes_before_a_declaration(before: str) -> None:
    """White space and comments before the XML declaration, which XML does not allow, do no harm."""
    (one,) = found(f"{before}<?xml version='1.0' encoding='utf-8'?>\n{DOMAIN}")
    assert isinstance(one, vk.Domain)


def test_a_document_type_between_documents_is_refused() -> None:
    """A document type is refused wherever it stands, because it can define entities."""
    kind = "<!DOCTYPE domain [<!ENTITY x 'y'>]>"
    status = f"<!-- x -->{kind}<domstatus>{DOMAIN}</domstatus>"
    for text in (f"{DOMAIN}{kind}{DOMAIN}", f"{kind}{DOMAIN}{DOMAIN}", status):
        (problem,) = found(text)
        assert isinstance(problem, InputError)
        assert "document type" in problem.what


@pytest.mark.parametrize("codec", ["utf-16", "utf-8-sig", "utf-32"])
def test_encodings_of_documents_with_several_domains(codec: str) -> None:
    """Several documents are read in every encoding that one is."""
    assert [type(one) for one in found((DOMAIN + DOMAIN.replace("case", "käse")).encode(codec))] == [vk.Domain] * 2


def test_a_fixed_domain_of_a_status_file_is_a_domain(tmp_path: Path) -> None:
    """check --fix of a domain inside another document writes the domain alone."""
    path = tmp_path / "status.xml"
    path.write_text(f"<domstatus>\n\n{indented(LIVE)}</domstatus>\n")
    out = tmp_path / "fixed.xml"
    assert main(["check", str(path), "--guest", "rhel6.10", "--fix", "-o", str(out)]) == 0
    assert out.read_text().startswith("<domain ")
    assert "virtio-transitional" in out.read_text()


def test_a_save_image(tmp_path: Path) -> None:
    """The domain XML at the beginning of a save image is read, and not the memory of the guest after it."""
    header = struct.pack("<16s5I56x", b"LibvirtQemudSave", 2, 5000, 0, 0, len(DOMAIN) + 1)
    image = tmp_path / "guest.save"
    with image.open("wb") as stream:
        stream.write(header + DOMAIN.encode() + b"\0<cookie/>\0" + bytes(3000))
        stream.truncate(1 << 30)
    assert vk.read(image).name == "case"
    assert main(["resolve", str(image), "-o", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "guest.xml").exists()
    image.write_bytes(header + DOMAIN.encode()[:100])
    with pytest.raises(InputError, match="it may be cut off"):
        vk.read(image)


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """A folder such as /etc/libvirt/qemu, with three domains, one of which cannot be read and one starts with the
    host."""
    folder = tmp_path / "qemu"
    for name in ("autostart", "networks/autostart", "nvram"):
        (folder / name).mkdir(parents=True)
    warning = "<!--\nWARNING: THIS IS AN AUTO-GENERATED FILE.\nUse: virsh edit\n-->\n\n"
    for name in ("one", "two"):
        (folder / f"{name}.xml").write_text(warning + DOMAIN.replace("<name>case", f"<name>{name}"))
    (folder / "three.xml").write_text(warning + domain("<rng/>").decode())
    (folder / "one.xml~").write_text("an editor's copy")
    (folder / "nvram" / "one_VARS.fd").write_bytes(bytes(64))
    (folder / "autostart" / "one.xml").symlink_to(folder / "one.xml")
    (folder / "networks" / "default.xml").write_text("<network><name>default</name></network>")
    (folder / "networks" / "autostart" / "default.xml").symlink_to(folder / "networks" / "default.xml")
    return folder


def test_the_folder_of_libvirt(etc: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each domain is read once, networks are skipped with one line each, and other files are left alone."""
    assert [source.label for source in sources_below(etc)] == [
        "networks/default.xml",
        "one.xml",
        "three.xml",
        "two.xml",
    ]
    seen = survey(str(etc))
    assert [item.file for item in seen.items] == ["one.xml", "two.xml"]
    assert [file for file, _ in seen.refusals] == ["three.xml"]
    assert [file for file, _ in seen.skipped] == ["networks/default.xml"]
    assert main(["check", str(etc)]) == 1
    skipped = [line for line in capsys.readouterr().err.splitlines() if "skipped" in line]
    assert skipped == [
        f"virtkit: {etc}/networks/default.xml: skipped: the root element is <network>, not <domain>; "
        "this is a virtual network"
    ]


@pytest.mark.parametrize("how", ["dangling", "copied", "elsewhere"])
def test_a_copy_of_the_folder_of_libvirt(etc: Path, how: str) -> None:
    """In a copy, links of autostart lead nowhere, to the original, or are files: each domain is still read once."""
    link = etc / "autostart" / "one.xml"
    link.unlink()
    if how == "copied":
        link.write_bytes((etc / "one.xml").read_bytes())
    else:
        (etc.parent / "one.xml").write_bytes((etc / "one.xml").read_bytes())
        link.symlink_to(etc.parent / "one.xml" if how == "elsewhere" else etc / "gone.xml")
    assert survey(str(etc)).total == 3


def test_a_named_file_without_a_domain_is_an_error(etc: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a folder contains beside domains is skipped; the same file named by itself is an error."""
    network = str(etc / "networks" / "default.xml")
    assert main(["check", network]) == 1
    assert f"{network}:1: the root element is <network>" in capsys.readouterr().err
    with pytest.raises(NotADomain, match="this is a virtual network"):
        vk.read(network)


def test_links_among_named_files(etc: Path) -> None:
    """A link to a file that was named already is not read again; a file that is named twice is."""
    one, link = str(etc / "one.xml"), str(etc / "autostart" / "one.xml")
    assert len(list(sources([one, link]))) == 1
    assert len(list(sources([link, one]))) == 1
    assert len(list(sources([one, one]))) == 2
    assert len(list(sources([one, str(etc)]))) == 4


def test_save_images_are_found_in_folders_and_archives(tmp_path: Path) -> None:
    """A folder and an archive give their save images; another file that ends in .save is left out."""
    folder = tmp_path / "save"
    folder.mkdir()
    (folder / "web.save").write_bytes(SAVE_IMAGE + bytes(76) + DOMAIN.encode() + b"\0" + bytes(MAX_BYTES))
    (folder / "notes.save").write_text("an editor's copy", encoding="utf-8")
    packed = tmp_path / "all.tar"
    with tarfile.open(packed, "w") as archive:
        archive.add(folder, "save")
    for found in (list(sources([str(folder)])), list(gather([str(packed)]))):
        (image,) = found
        assert image.name == "web"
        ((_, read),) = domains_in(image)
        assert isinstance(read, Domain)
        assert read.name == "case"


def test_a_survey_counts_a_domain_once_beside_its_states(tmp_path: Path) -> None:
    """A snapshot, a status file and a save image of a defined domain are skipped; those of another domain count."""
    uuid = "<uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>"
    text = DOMAIN.replace("<name>case</name>", f"<name>case</name>{uuid}")
    other = text.replace("c7a5", "C7A6")
    (tmp_path / "case.xml").write_text(text, encoding="utf-8")
    (tmp_path / "a-snapshot.xml").write_text(f"<domainsnapshot><name>s</name>{text}</domainsnapshot>", encoding="utf-8")
    (tmp_path / "b-status.xml").write_text(f"<domstatus state='running'>{text}</domstatus>", encoding="utf-8")
    (tmp_path / "c.save").write_bytes(SAVE_IMAGE + bytes(76) + text.encode() + b"\0")
    (tmp_path / "d.save").write_bytes(SAVE_IMAGE + bytes(76) + other.encode() + b"\0")
    found = survey(str(tmp_path))
    assert [item.file for item in found.items] == ["case.xml", "d.save"]
    reason = "of the domain that case.xml defines"
    assert dict(found.skipped) == {
        "a-snapshot.xml": f"this is a snapshot {reason}",
        "b-status.xml": f"this is a domain status file {reason}",
        "c.save": f"this is a save image {reason}",
    }
    assert not found.refusals


def test_libvirt_9_0_refuses_the_type_of_a_nic_back_end() -> None:
    """libvirt 9.0 refuses every <backend type=…> of a NIC, also passt; later releases accept passt."""
    nic = domain("<interface type='user'><backend type='passt'/></interface>")
    vk.resolve(nic)
    with pytest.raises(Refused, match="Invalid value for attribute 'type' in element 'backend': 'passt'"):
        vk.resolve(nic, vk.Host.default("9.0"))

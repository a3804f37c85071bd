

def test_a_compressed_zip_archive_that_ends_early_is_one_error(tmp_path: Path) -> None:
    """A zip archive inside gzip is copied first; where the copy fails, the archive is an error."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.xml", GOOD)
        archive.writestr("b.txt", bytes(range(256)) * 600)
    file = tmp_path / "a.zip.gz"
    file.write_bytes(gzip.compress(out.getvalue()))
    assert results(file) == (1, [])
    file.write_bytes(gzip.compress(out.getvalue(), 0)[:140_000])
    _, errors = results(file)
    assert len(errors) == 1
    assert errors[0].startswith(f"{file}: the archive cannot be read: ")


def test_the_copy_of_a_zip_archive_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compressed zip archive that unpacks to more than the limit is refused before it fills the disk."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.xml", GOOD)
        archive.writestr("b.txt", bytes(1 << 20))
    file = tmp_path / "a.zip.gz"
    file.write_bytes(gzip.compress(out.getvalue()))
    monkeypatch.setattr(archives.limits, "ARCHIVE_BYTES", replace(limits.ARCHIVE_BYTES, most=1 << 19))
    _, errors = results(file)
    assert errors == [f"{file}: the archive cannot be read: larger than 512 KiB, the largest size that is accepted; "
                      "the environment variable VIRTKIT_MAX_ARCHIVE_BYTES raises this limit"]  # fmt: skip

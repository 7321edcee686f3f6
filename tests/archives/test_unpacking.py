"""Reading an archive that may be damaged, foreign or made to harm."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from app.archives import MANIFEST, ArchiveUnusable, Manifest
from app.archives.unpacking import settings_of, unpack
from tests.archives.factories import (
    HEAD,
    MAIL,
    NOW,
    Content,
    altered,
    archive,
    content,
    maildir,
    nothing,
    packed,
    plain,
)


@pytest.fixture
def file(data_dir: Path) -> Path:
    maildir(data_dir / "mailbox", MAIL)
    return archive(data_dir)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "outside" / "folder"
    made.mkdir(parents=True)
    return made


def refused(file: Path, folder: Path) -> str:
    """The words with which it is refused; whatever it is, it wrote nothing outside of the folder."""
    with pytest.raises(ArchiveUnusable) as caught:
        unpack(file, folder)
    assert list(folder.parent.iterdir()) == [folder]
    return str(caught.value)


def unpacked(folder: Path) -> Content:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_was_packed_is_unpacked(file: Path, folder: Path) -> None:
    manifest = unpack(file, folder)

    members = content(file)
    del members[MANIFEST]
    assert unpacked(folder) == members
    assert (manifest.made_at, manifest.revision, manifest.delivery) == (NOW, HEAD, "sandbox")
    assert settings_of(folder) == {"PORT": "8000", "SECRET_KEY": None}
    assert {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()} == {0o600}


def test_an_archive_that_was_cut_off_anywhere_is_refused(file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    lengths = {0, 1, 2, 10, 11, *range(20, len(whole), len(whole) // 40), *range(len(whole) - 12, len(whole))}
    for length in sorted(lengths):
        cut, folder = tmp_path / "cut.tar.gz", tmp_path / f"outside-{length}" / "folder"
        cut.write_bytes(whole[:length])
        folder.mkdir(parents=True)
        assert "It is damaged" in refused(cut, folder) or length < 2


def test_an_archive_with_a_changed_byte_is_refused_or_the_byte_did_not_matter(file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    refusals = 0
    for position in range(0, len(whole), len(whole) // 60):
        changed = bytearray(whole)
        changed[position] ^= 0x10
        (tmp_path / "changed.tar.gz").write_bytes(changed)
        folder = tmp_path / f"folder-{position}"
        folder.mkdir()
        try:
            unpack(tmp_path / "changed.tar.gz", folder)
        except ArchiveUnusable:
            refusals += 1
        else:
            assert hashlib.sha256((folder / "redress.db").read_bytes()).hexdigest() in str(content(file)[MANIFEST])
    assert refusals >= 58


@pytest.mark.parametrize("data", [b"", b"x", b"this is a shopping list", b"PK\x03\x04zip", b"SQLite format 3\x00"])
def test_what_is_no_archive_is_said_to_be_none(tmp_path: Path, folder: Path, data: bytes) -> None:
    (tmp_path / "list").write_bytes(data)

    assert refused(tmp_path / "list", folder).startswith("It is no backup of Redress.")


def test_an_archive_of_something_else_is_said_to_be_none(tmp_path: Path, folder: Path) -> None:
    file = packed(tmp_path / "other.tar.gz", plain({"README": b"hello"}))

    assert refused(file, folder).startswith("It is no backup of Redress.")


def test_a_file_that_is_not_there_or_a_folder_is_said(tmp_path: Path, folder: Path) -> None:
    assert "no such file" in refused(tmp_path / "none", folder)
    assert "is a directory" in refused(tmp_path, folder)


def test_a_newer_format_is_said(file: Path, folder: Path) -> None:
    assert refused(altered(file, nothing, manifest={"format": 2}), folder).startswith("A newer version of Redress")


NONSENSE: list[dict[str, object]] = [
    {"format": None},
    {"format": "1"},
    {"made_at": 5},
    {"made_at": "yesterday"},
    {"made_at": None},
    {"delivery": "\x1b[2J"},
    {"delivery": None},
    {"members": []},
    {"members": {"redress.db": {}}},
    {"members": {"redress.db": {"size": -1, "sha256": ""}}},
    {"members": {"redress.db": {"size": 1.5, "sha256": ""}}},
    {"members": {"redress.db": {"size": "1", "sha256": ""}}},
    {"members": {"redress.db": [1, ""]}},
    {"members": {}},
]


@pytest.mark.parametrize("manifest", NONSENSE)
def test_a_manifest_that_makes_no_sense_is_refused(file: Path, folder: Path, manifest: dict[str, object]) -> None:
    assert refused(altered(file, nothing, manifest=manifest), folder)


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"format": 1}', b'{"format": 1e999}'])
def test_a_manifest_of_another_shape_is_refused(tmp_path: Path, folder: Path, data: bytes) -> None:
    assert refused(packed(tmp_path / "odd.tar.gz", plain({MANIFEST: data})), folder)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"PORT": 8000}', b'{"PORT": {"PORT": "1"}}', b'"PORT"']
)
def test_settings_of_another_shape_are_refused(folder: Path, data: bytes) -> None:
    (folder / "settings.json").write_bytes(data)

    with pytest.raises(ArchiveUnusable, match="It is damaged"):
        settings_of(folder)


def _drop(name: str) -> Callable[[Content], None]:
    def change(members: Content) -> None:
        del members[name]

    return change


@pytest.mark.parametrize("name", ["redress.db", "settings.json"])
def test_an_archive_without_what_it_must_hold_is_refused(file: Path, folder: Path, name: str) -> None:
    assert "damaged" in refused(altered(file, _drop(name)), folder)


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "/evil",
        "mailbox/new/../../../evil",
        "mailbox/new/..",
        "mailbox/new/",
        "mailbox/new/a/b",
        "mailbox/new/.hidden",
        "mailbox/tmp/1764000000.M1P1Q1.example",
        "mailbox/new/" + "x" * 300,
        "tables/../../evil",
        "./redress.db",
        "redress.db/",
        "redress.db-wal",
        "secret-key",
        "run.lock",
    ],
)
def test_a_member_of_an_unknown_name_is_refused_even_if_the_manifest_names_it(
    file: Path, folder: Path, name: str
) -> None:
    assert "damaged" in refused(altered(file, lambda members: members.update({name: b"evil"})), folder)


def special(kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo("mailbox/new/1.M1P1Q1.x")
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    "info",
    [
        special(tarfile.SYMTYPE, "/etc/passwd"),
        special(tarfile.SYMTYPE, "../../../outside"),
        special(tarfile.LNKTYPE, "redress.db"),
        special(tarfile.DIRTYPE),
        special(tarfile.FIFOTYPE),
        special(tarfile.CHRTYPE),
        special(tarfile.CONTTYPE),
    ],
    ids=lambda info: f"{info.type!r}{info.linkname}",
)
def test_what_is_no_plain_file_is_refused(file: Path, folder: Path, info: tarfile.TarInfo) -> None:
    members = content(altered(file, lambda members: members.update({info.name: b""})))
    del members[info.name]

    assert "damaged" in refused(packed(file.with_name("odd.tar.gz"), [*plain(members), (info, b"")]), folder)


def test_a_member_that_is_there_twice_is_refused(file: Path, folder: Path) -> None:
    members = plain(content(file))

    assert "damaged" in refused(packed(file.with_name("twice.tar.gz"), [*members, members[1]]), folder)


def test_a_member_that_the_manifest_does_not_name_is_refused(file: Path, folder: Path) -> None:
    members = content(file) | {"mailbox/new/2.M1P1Q1.x": b"hello"}

    assert "damaged" in refused(packed(file.with_name("more.tar.gz"), plain(members)), folder)


def test_a_member_that_is_missing_or_another_one_than_the_manifest_says_is_refused(file: Path, folder: Path) -> None:
    name = f"mailbox/new/{MAIL}"
    members = content(file)
    other = packed(file.with_name("other.tar.gz"), plain(members | {name: members[name][::-1]}))
    longer = packed(file.with_name("longer.tar.gz"), plain(members | {name: members[name] + b"x"}))
    del members[name]
    missing = packed(file.with_name("missing.tar.gz"), plain(members))

    for made in (other, longer, missing):
        target = folder.parent / made.name / "folder"
        target.mkdir(parents=True)
        assert "damaged" in refused(made, target)


def zeros(file: Path, size: int, before: bytes = b"") -> Path:
    """A few bytes of gzip that become `size` zeros."""
    with gzip.open(file, "wb", compresslevel=1) as out:
        out.write(before)
        for _ in range(size // 1_000_000):
            out.write(bytes(1_000_000))
    return file


def test_zeros_without_end_are_read_no_further_than_the_manifest_allows(file: Path, folder: Path) -> None:
    whole = gzip.decompress(file.read_bytes())

    assert "damaged" in refused(zeros(file.with_name("bomb.tar.gz"), 30_000_000, whole), folder)
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 1_000_000


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.REGTYPE])
def test_a_header_or_manifest_without_end_is_read_no_further_than_a_manifest_can_be(
    tmp_path: Path, folder: Path, kind: bytes
) -> None:
    info = tarfile.TarInfo(MANIFEST)
    info.type, info.size = kind, 8_000_000_000
    bomb = zeros(tmp_path / "bomb.tar.gz", 70_000_000, info.tobuf(tarfile.GNU_FORMAT))

    assert refused(bomb, folder)
    assert list(folder.iterdir()) == []


def test_an_archive_that_does_not_fit_on_the_disk_is_refused_before_it_is_tried(file: Path, folder: Path) -> None:
    huge = {"redress.db": {"size": 10**18, "sha256": "x"}, "settings.json": {"size": 2, "sha256": "x"}}

    assert "Make room, then try again." in refused(altered(file, nothing, manifest={"members": huge}), folder)
    assert list(folder.iterdir()) == []


def test_what_a_manifest_says_is_read_back(file: Path, folder: Path) -> None:
    manifest = unpack(file, folder)

    assert isinstance(manifest, Manifest)
    assert json.loads(manifest.as_json()) == json.load(io.BytesIO(content(file)[MANIFEST]))

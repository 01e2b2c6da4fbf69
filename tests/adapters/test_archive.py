"""The store of files: one port over a folder and over whatever fsspec reaches, whole or not at all, each file once."""

import errno
import json
import os
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from models.domain.errors import FileStoreRefusedError
from tasks.adapters.archive import FolderArchive, SharedArchive, archive_at, sha256_of, write_all_whole, write_whole
from tasks.adapters.texts import vietnamese
from tests.s3_server import make_bucket, options_for


@pytest.fixture(params=["folder", "file", "memory", "s3"])
def archive(request, tmp_path):
    """An archive of each kind."""
    if request.param == "folder":
        yield archive_at("", tmp_path / "archive")
    elif request.param == "file":
        yield archive_at(f"file://{tmp_path}/kho", tmp_path / "archive")
    elif request.param == "memory":
        yield archive_at("memory://kho/dondoc", tmp_path / "archive")
        MemoryFileSystem.store.clear()
    else:
        address = request.getfixturevalue("s3")
        bucket = f"kho-{tmp_path.name.replace('_', '-')}"[:60].lower()
        make_bucket(address, bucket)
        yield archive_at(f"s3://{bucket}/dondoc", tmp_path / "archive", options_for(address))


def test_bytes_that_were_removed_are_gone_and_may_be_kept_again(archive):
    digest = archive.keep(b"of last year")
    for _ in range(2):  # the second time there is nothing, and nothing is said
        archive.remove(digest)
    with pytest.raises(FileNotFoundError):
        archive.size(digest)
    assert archive.keep(b"of last year") == digest
    assert archive.read(digest) == b"of last year"


def test_bytes_come_back_under_their_digest(archive):
    digest = archive.keep("Báo cáo".encode())
    assert digest == sha256_of("Báo cáo".encode())
    assert archive.read(digest) == "Báo cáo".encode()
    assert archive.size(digest) == len("Báo cáo".encode())


def test_many_are_kept_at_once_in_their_order_and_the_same_bytes_once(archive):
    contents = [b"%d" % (number % 20) * 1000 for number in range(60)]
    digests = archive.keep_all(contents)
    assert digests == [sha256_of(content) for content in contents]
    assert [archive.read(digest) for digest in digests] == contents


def test_a_file_that_is_not_there_is_told_from_a_store_that_is_not(archive):
    archive.keep(b"something else")
    with pytest.raises(FileNotFoundError):
        archive.read(sha256_of(b"never kept"))


def test_bytes_of_another_size_are_put_anew_when_they_are_kept_again(archive):
    digest = archive.keep(b"whole")
    archive._put(digest, b"ha")  # noqa: SLF001 - as a disk that was full, or another program, would leave it
    assert archive.size(digest) == len(b"ha")
    assert archive.keep(b"whole") == digest
    assert archive.read(digest) == b"whole"


def test_what_is_kept_together_is_on_the_disk_before_any_of_it_has_its_name(tmp_path, monkeypatch):
    order = []
    synced, renamed = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: (order.append("sync"), synced(number))[1])
    monkeypatch.setattr(os, "replace", lambda *paths: (order.append("rename"), renamed(*paths))[1])
    write_all_whole({tmp_path / name / "file": name.encode() for name in ("a", "b", "c")})
    assert order == ["sync"] * 3 + ["rename"] * 3 + ["sync"] * 3


def test_of_what_finds_no_room_no_part_is_left(tmp_path, monkeypatch):
    def full(_number):
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no room"):
        FolderArchive(tmp_path).keep_all([b"one", b"two"])
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_two_machines_find_each_others_files_at_one_address(tmp_path):
    first, second = (archive_at(f"file://{tmp_path}/kho", tmp_path / name) for name in ("one", "two"))
    assert second.read(first.keep(b"from the first")) == b"from the first"


def test_two_that_keep_the_same_bytes_at_once_leave_one_file_and_no_part(tmp_path):
    archive = FolderArchive(tmp_path)
    with ThreadPoolExecutor(8) as several:
        assert len(set(several.map(lambda _: archive.keep(b"x" * 100_000), range(40)))) == 1
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_a_store_that_renames_has_a_file_only_when_it_is_whole(tmp_path):
    """As on a share: what is being written has another name until all of it is there."""
    files = MemoryFileSystem()
    archive = SharedArchive(files, "/share/dondoc", "smb")
    digest = archive.keep(b"whole")
    assert archive.read(digest) == b"whole"
    assert not [path for path in files.find("/share") if path.endswith(".part")]
    MemoryFileSystem.store.clear()


class OfAShare(MemoryFileSystem):
    """Says of a file that is not there what the client of SMB says: an error of its own, with the system's number."""

    class SmbError(OSError):
        pass

    def info(self, path, **given):
        try:
            return super().info(path, **given)
        except FileNotFoundError as gone:
            raise self.SmbError(errno.ENOENT, str(gone)) from gone


def test_a_file_that_a_share_has_not_is_missing_and_not_a_share_that_failed():
    archive = SharedArchive(OfAShare(), "/share/dondoc", "smb")
    assert archive.read(archive.keep(b"new on the share")) == b"new on the share"
    with pytest.raises(FileNotFoundError):
        archive.size("0" * 64)
    MemoryFileSystem.store.clear()


def test_bytes_that_were_changed_in_the_store_are_refused_and_never_read_as_the_units_own(tmp_path):
    archive = FolderArchive(tmp_path)
    digest = archive.keep(b"figures")
    (tmp_path / digest[:2] / digest[2:]).write_bytes(b"others")
    with pytest.raises(FileStoreRefusedError) as refused:
        archive.read(digest)
    assert digest in vietnamese().error(refused.value)


def test_a_store_that_does_not_answer_is_one_sentence_without_its_secret(tmp_path):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        options = json.loads(options_for(f"http://127.0.0.1:{nobody.getsockname()[1]}"))
        options["config_kwargs"] = {"retries": {"max_attempts": 0}}
        archive = archive_at("s3://kho/dondoc", tmp_path, json.dumps(options))
        with pytest.raises(FileStoreRefusedError) as refused:
            archive.keep(b"bytes")
    said = vietnamese().error(refused.value)
    assert "Không vào được kho tệp s3://kho/dondoc" in said
    assert "bi-mat" not in said


@pytest.mark.parametrize(
    ("url", "options", "said"),
    [
        ("thư-mục://kho", "", "Không đọc được địa chỉ kho tệp"),
        ("smb://may/kho", "", "chưa cài"),
        ("memory://kho", "key=bi-mat", "không phải là một đối tượng JSON"),
    ],
)
def test_a_store_that_cannot_be_opened_says_what_to_set(tmp_path, url, options, said):
    with pytest.raises(FileStoreRefusedError) as refused:
        archive_at(url, tmp_path, options)
    assert said in vietnamese().error(refused.value)
    assert "bi-mat" not in vietnamese().error(refused.value)


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    """Else a power cut leaves a name with nothing under it."""
    order = []
    synced, renamed = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: (order.append("sync"), synced(number))[1])
    monkeypatch.setattr(os, "replace", lambda *paths: (order.append("rename"), renamed(*paths))[1])
    write_whole(tmp_path / "a" / "file", b"content")
    assert order == ["sync", "rename", "sync"]
    assert (tmp_path / "a" / "file").read_bytes() == b"content"

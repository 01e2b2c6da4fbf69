"""One archive of a home in use: brought back elsewhere it is the same, by each hash, and nothing secret is in it."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing
from threading import Event, Thread
from uuid import uuid4

import pytest
from alembic import command
from sqlalchemy import insert, inspect
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from deployments.cli import app
from deployments.credentials import credentials_of
from models.db.base import Base
from models.db.engine import alembic_config, migrate, open_engine, revision_of
from models.db.records import arrivals, heartbeats
from models.db.records.files import RemovedFile, decide_to_remove, kept_files
from models.db.sessions import chaining_sessions
from models.db.tables import ArrivalRow
from models.domain.errors import BackupRefusedError, DatabaseRefusedError, FileStoreRefusedError
from models.domain.vocabulary import Channel, KeptKind
from tasks.adapters.archive import archive_at, sha256_of
from tasks.adapters.texts import vietnamese
from tasks.audits import verify_audit
from tasks.backups import FOLDERS, check_backup, make_backup, restore_backup
from tasks.settings import Settings
from tests.builders import hanoi
from tests.db.test_audit_chain import an_arrival
from tests.meta.source_code import ROOT
from tests.s3_server import make_bucket, options_for

SECRET = "mat-khau-hop-thu-7391"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def used_home(request, opened_home, tmp_path_factory):
    """A home in use, with something of everything, in each kind of database; and what makes an empty database."""
    folder = tmp_path_factory.mktemp("used")
    shutil.copytree(opened_home.home, folder / "home")
    home = folder / "home"
    (home / "drop" / "van-thu").mkdir(parents=True)
    (home / "drop" / "van-thu" / "giấy.xlsx").write_bytes(b"x")
    (home / "dondoc.env").write_text(f"DONDOC_IMAP_PASSWORD={SECRET}\n")
    credentials_of(home)
    if request.param == "sqlite":
        yield Settings(home=home), lambda: ""
        return
    server = request.getfixturevalue("postgresql")
    settings = Settings(home=home, database_url=server.new_database())
    _copy_rows(Settings(home=home).url, settings.url)
    yield settings, lambda: server.new_database(empty=True)


def _copy_rows(source, target):
    engines = [open_engine(source), open_engine(target)]
    with engines[0].connect() as old, engines[1].begin() as new:
        for table in Base.metadata.sorted_tables:
            rows = [dict(row) for row in old.execute(table.select()).mappings()]
            if rows:
                new.execute(table.insert(), rows)
    for engine in engines:
        engine.dispose()


def rows_of(url):
    engine = open_engine(url)
    with engine.connect() as connection:
        names = [name for name in inspect(connection).get_table_names() if name != "heartbeat"]
        found = {name: sorted(map(str, connection.exec_driver_sql(f'SELECT * FROM "{name}"').all())) for name in names}
    engine.dispose()
    return found


def files_of(home):
    return {
        str(path.relative_to(home)): path.read_bytes()
        for folder in FOLDERS
        for path in (home / folder).rglob("*")
        if path.is_file()
    }


def test_a_home_in_use_comes_back_the_same_on_another_machine(used_home, tmp_path):
    settings, new_database = used_home
    with _written_to_all_the_time(settings.url):
        made = make_backup(settings, tmp_path / "a.zip")
    elsewhere = Settings(home=tmp_path / "elsewhere", database_url=new_database())
    assert restore_backup(elsewhere, tmp_path / "a.zip") == made == check_backup(tmp_path / "a.zip")
    assert rows_of(elsewhere.url) == rows_of(settings.url)
    assert files_of(elsewhere.home) == files_of(settings.home)
    assert len(rows_of(elsewhere.url)["duty"]) == 76
    audited = verify_audit(elsewhere.url)  # the rows of one kind of database were brought to the other, too
    assert (audited.n_breaks, audited.n_entries > 1) == (0, True)
    engine = open_engine(elsewhere.url)
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO outage (name, since, detail) VALUES ('x', '2025-01-01 00:00:00', '')")
    engine.dispose()


class _written_to_all_the_time:  # noqa: N801 - read as words
    def __init__(self, url):
        self._engine, self._stop = open_engine(url), Event()
        self._thread = Thread(target=self._write)

    def _write(self):
        while not self._stop.is_set():
            with Session(self._engine) as session, session.begin():
                heartbeats.beat(session, "x", at=hanoi("2025-05-16 08:00"))

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        self._engine.dispose()


def test_nothing_secret_is_in_it(used_home, tmp_path):
    settings, _ = used_home
    make_backup(settings, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
        assert not [name for name in archive.namelist() if "env" in name or name.startswith(("prefect", "logs"))]
    assert SECRET.encode() not in everything
    assert credentials_of(settings.home).encode() not in everything


class Machine:
    """A home that is worked on as an operator does: each command a process of its own."""

    def __init__(self, home, **settings):
        self.home = home
        self._environment = os.environ | {"DONDOC_HOME": str(home)} | settings

    def begun(self, *arguments):
        command = [sys.executable, "-m", "deployments.cli", *map(str, arguments), "--json"]
        return subprocess.Popen(
            command, cwd=ROOT, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def ended(self, process, *, status=0):
        printed, complaint = process.communicate(timeout=300)
        assert process.returncode == status, complaint
        return json.loads(printed)

    def said(self, *arguments, status=0):
        return self.ended(self.begun(*arguments), status=status)


@pytest.mark.timeout(900)  # six processes, each of which loads the program anew
@pytest.mark.parametrize("kind", ["SQLite and a folder", "PostgreSQL and an S3 store"])
def test_an_operator_saves_an_office_at_work_and_brings_it_back_elsewhere_by_the_command_line(
    kind, request, opened_home, tmp_path
):
    shutil.copytree(opened_home.home, tmp_path / "home")
    here, there = {}, {}
    if "S3" in kind:
        server, s3 = request.getfixturevalue("postgresql"), request.getfixturevalue("s3")
        here, there = (
            _of_several_machines(server.new_database(), s3),
            _of_several_machines(server.new_database(empty=True), s3),
        )
        _copy_rows(Settings(home=tmp_path / "home").url, here["DONDOC_DATABASE_URL"])
        store = archive_at(here["DONDOC_FILES_URL"], None, here["DONDOC_FILES_OPTIONS"])
        store.keep_all(path.read_bytes() for path in (tmp_path / "home" / "archive").rglob("*") if path.is_file())
        shutil.rmtree(tmp_path / "home" / "archive")
    office, elsewhere = Machine(tmp_path / "home", **here), Machine(tmp_path / "elsewhere", **there)
    strange = [tmp_path / f"{number}.eml" for number in range(3)]
    for number, path in enumerate(strange):
        path.write_text(f"From: a{number}@example.invalid\nSubject: x\n\n{number}\n")
    url = here.get("DONDOC_DATABASE_URL") or Settings(home=office.home).url
    with _written_to_all_the_time(url):
        taking_in = office.begun("intake", *strange, "--operator", "van-thu")
        made = office.said("backup", tmp_path / "a.zip")
        office.ended(taking_in, status=1)
    assert made["n_lacking"] == 0
    assert office.said("backup", tmp_path / "a.zip", "--check") == made
    assert elsewhere.said("restore", tmp_path / "a.zip").items() >= made.items()
    question = ("explain", "bc-6t-2025", "so-y-te", "--as-of", "2025-06-20T08:00")
    assert elsewhere.said(*question) == office.said(*question)
    settings = Settings(
        home=elsewhere.home,
        **{name.removeprefix("DONDOC_").lower(): value for name, value in there.items()},
    )
    store = archive_at(settings.files_url, settings.shared / "archive", settings.files_options.get_secret_value())
    assert all(store.read(digest) for digest in spoken_of(settings))


def _of_several_machines(url, s3):
    bucket = f"machine-{uuid4().hex}"
    make_bucket(s3, bucket)
    return {
        "DONDOC_DATABASE_URL": url,
        "DONDOC_FILES_URL": f"s3://{bucket}/dondoc",
        "DONDOC_FILES_OPTIONS": options_for(s3),
    }


@pytest.fixture
def small(tmp_path):
    """A home with one file, its archive, and where to bring it back."""
    home = tmp_path / "home"
    archive_at("", home / "archive").keep(b"kept")
    settings = Settings(home=home)
    engine = open_engine(settings.url)
    migrate(engine)
    engine.dispose()
    make_backup(settings, tmp_path / "a.zip")
    return tmp_path, Settings(home=tmp_path / "elsewhere")


@pytest.mark.parametrize("options", [[], ["--json"]])
@pytest.mark.parametrize(("is_lacking", "is_tampered"), [(True, True), (False, True), (True, False), (False, False)])
def test_a_restore_tells_of_files_that_are_lacking_and_of_rows_that_were_changed(
    tmp_path, monkeypatch, options, is_lacking, is_tampered
):
    settings = Settings(home=tmp_path / "home")
    digest = archive_at("", settings.home / "archive").keep(b"kept")
    engine = open_engine(settings.url)
    migrate(engine)
    with chaining_sessions(engine, lambda: hanoi("2025-05-16 08:00")).begin() as session:
        arrivals.take(session, [an_arrival(1) | ({} if is_lacking else {"digest": digest})])
    if is_tampered:
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE arrival SET operator = 'Người khác'")
    engine.dispose()
    make_backup(settings, tmp_path / "a.zip")
    monkeypatch.setenv("DONDOC_HOME", str(tmp_path / "elsewhere"))
    answer = CliRunner().invoke(app, ["restore", str(tmp_path / "a.zip"), *options])
    assert answer.exit_code == (1 if is_lacking or is_tampered else 0), answer.output
    if options:
        said = json.loads(answer.output)
        assert (said["n_lacking"], said["audit"]["n_breaks"]) == (is_lacking, is_tampered)
    else:
        assert ("thiếu hoặc hỏng" in answer.output, "sửa ngoài" in answer.output) == (is_lacking, is_tampered)


def _rewritten(folder, change):
    with zipfile.ZipFile(folder / "a.zip") as old, zipfile.ZipFile(folder / "b.zip", "w") as new:
        parts = {name: old.read(name) for name in old.namelist()}
        manifest = json.loads(parts.pop("manifest.json"))
        change(manifest, parts)
        for name, content in (parts | {"manifest.json": json.dumps(manifest).encode()}).items():
            new.writestr(name, content)
    return folder / "b.zip"


KEPT = f"archive/{sha256_of(b'kept')[:2]}/{sha256_of(b'kept')[2:]}"


def _changed(manifest, parts):
    parts[KEPT] = b"kept, and more"


def _replaced_with_its_line(manifest, parts):
    parts[KEPT] = b"another"
    manifest["files"][KEPT] = [sha256_of(b"another"), len(b"another")]


def _lacking(manifest, parts):
    del parts[KEPT]


def _climbing(manifest, parts):
    manifest["files"]["archive/../../evil"] = manifest["files"][KEPT]
    parts["archive/../../evil"] = b"kept"


def _of_the_future(manifest, parts):
    manifest["format"] = 99


@pytest.mark.parametrize("change", [_changed, _replaced_with_its_line, _lacking, _climbing, _of_the_future])
def test_an_archive_that_is_not_as_it_was_is_refused_and_nothing_stays(small, change):
    folder, elsewhere = small
    with pytest.raises(BackupRefusedError) as refused:
        restore_backup(elsewhere, _rewritten(folder, change))
    assert vietnamese().error(refused.value)
    assert list(elsewhere.home.rglob("*")) == []
    assert not (folder / "evil").exists()


def test_a_file_that_is_damaged_in_the_folder_is_counted_and_comes_back_as_it_is(small):
    folder, elsewhere = small
    (folder / "home" / KEPT).write_bytes(b"ke")
    assert make_backup(Settings(home=folder / "home"), folder / "d.zip").n_lacking == 1
    assert restore_backup(elsewhere, folder / "d.zip").n_lacking == 1
    with pytest.raises(FileStoreRefusedError):
        archive_at("", elsewhere.home / "archive").read(sha256_of(b"kept"))


def test_what_is_no_archive_is_refused_in_words(small):
    folder, elsewhere = small
    (folder / "c.zip").write_bytes(b"not at all")
    with pytest.raises(BackupRefusedError) as refused:
        restore_backup(elsewhere, folder / "c.zip")
    assert "c.zip" in vietnamese().error(refused.value)


def test_neither_a_home_nor_a_database_nor_an_archive_is_overwritten(small):
    folder, elsewhere = small
    restore_backup(elsewhere, folder / "a.zip")
    with pytest.raises(BackupRefusedError):
        restore_backup(elsewhere, folder / "a.zip")
    shutil.rmtree(elsewhere.home / "archive")
    with pytest.raises(BackupRefusedError):
        restore_backup(elsewhere, folder / "a.zip")
    with pytest.raises(BackupRefusedError):
        make_backup(elsewhere, folder / "a.zip")


@pytest.fixture
def stored_elsewhere(opened_home, tmp_path, s3):
    """A home in use whose files lie in a store of several machines; and one that is new, with a store of its own."""
    shutil.copytree(opened_home.home, tmp_path / "home")
    buckets = [f"{name}-{uuid4().hex}" for name in ("here", "there")]
    for name in buckets:
        make_bucket(s3, name)
    here, there = ({"files_url": f"s3://{name}/dondoc", "files_options": options_for(s3)} for name in buckets)
    store = archive_at(here["files_url"], None, here["files_options"])
    store.keep_all(path.read_bytes() for path in (tmp_path / "home" / "archive").rglob("*") if path.is_file())
    shutil.rmtree(tmp_path / "home" / "archive")
    return Settings(home=tmp_path / "home", **here), Settings(home=tmp_path / "elsewhere", **there)


def spoken_of(settings):
    engine = open_engine(settings.url)
    with Session(engine) as session:
        found = {file.digest for file in kept_files(session)}
    engine.dispose()
    return found


def test_what_lies_in_a_store_of_several_machines_comes_along_and_goes_into_the_store_of_the_new_home(
    stored_elsewhere, tmp_path
):
    settings, elsewhere = stored_elsewhere
    made = make_backup(settings, tmp_path / "a.zip")
    assert made.n_lacking == 0
    assert restore_backup(elsewhere, tmp_path / "a.zip") == made == check_backup(tmp_path / "a.zip")
    assert rows_of(elsewhere.url) == rows_of(settings.url)
    store = archive_at(elsewhere.files_url, None, elsewhere.files_options.get_secret_value())
    digests = spoken_of(elsewhere)
    assert len(digests) > 76
    assert {sha256_of(store.read(digest)) for digest in digests} == digests
    assert not (elsewhere.home / "archive").exists()


def test_a_backup_of_a_store_comes_back_into_a_folder_and_one_of_a_folder_into_a_store(
    stored_elsewhere, small, tmp_path
):
    settings, elsewhere = stored_elsewhere
    make_backup(settings, tmp_path / "b.zip")
    alone = Settings(home=tmp_path / "alone")
    restore_backup(alone, tmp_path / "b.zip")
    folder = archive_at("", alone.home / "archive")
    assert all(folder.read(digest) for digest in spoken_of(alone))
    make_backup(alone, tmp_path / "c.zip")
    restore_backup(elsewhere, tmp_path / "c.zip")
    store = archive_at(elsewhere.files_url, None, elsewhere.files_options.get_secret_value())
    assert all(store.read(digest) for digest in spoken_of(elsewhere))


def test_what_the_store_has_lost_is_counted_and_what_was_purged_is_not(stored_elsewhere, tmp_path):
    settings, _ = stored_elsewhere
    store = archive_at(settings.files_url, None, settings.files_options.get_secret_value())
    lost, damaged, purged, *_ = sorted(spoken_of(settings))
    for digest in (lost, purged):
        store.remove(digest)
    store.files.pipe_file(f"{store.root}/{damaged[:2]}/{damaged[2:]}", b"something else")
    engine = open_engine(settings.url)
    with Session(engine) as session, session.begin():
        at = hanoi("2026-07-01 08:00")
        removed = [RemovedFile(digest=purged, kind=KeptKind.FORM, n_octets=1)]
        decide_to_remove(session, removed, at=at)
    engine.dispose()
    assert make_backup(settings, tmp_path / "a.zip").n_lacking == 2
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert json.loads(archive.read("manifest.json"))["lacking"] == [lost, damaged]


def test_a_store_out_of_reach_makes_no_archive(small):
    folder, _ = small
    options = options_for("http://127.0.0.1:1")
    settings = Settings(home=folder / "home", files_url="s3://x/dondoc", files_options=options)
    engine = open_engine(settings.url)
    with engine.begin() as connection:
        row = {"key": "k", "received_at": hanoi("2025-06-03 09:00"), "taken_at": hanoi("2025-06-03 09:00")}
        fixed = {"channel": Channel.MAIL, "digest": "a" * 64, "is_cut": False, "operator": "", "file_name": ""}
        connection.execute(insert(ArrivalRow.__table__).values(**row, **fixed))
    engine.dispose()
    with pytest.raises(FileStoreRefusedError):
        make_backup(settings, folder / "x.zip")
    assert [path.name for path in folder.iterdir() if "x.zip" in path.name] == []


@pytest.mark.parametrize("revision", ["0001", "0004", "0006", "0007"])
def test_the_archive_of_an_older_version_is_brought_up_to_date(small, revision):
    folder, elsewhere = small
    older = Settings(home=folder / "home")
    engine = open_engine(older.url)
    with engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
    engine.dispose()
    assert make_backup(older, folder / "older.zip").revision == revision
    restore_backup(elsewhere, folder / "older.zip")
    engine = open_engine(elsewhere.url)
    with engine.connect() as connection:
        assert revision_of(connection) > revision
    engine.dispose()


def test_the_archive_of_a_newer_version_is_refused(small):
    folder, elsewhere = small
    with closing(sqlite3.connect(folder / "home" / "dondoc.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    make_backup(Settings(home=folder / "home"), folder / "newer.zip")
    with pytest.raises(DatabaseRefusedError):
        restore_backup(elsewhere, folder / "newer.zip")
    assert list(elsewhere.home.rglob("*")) == []

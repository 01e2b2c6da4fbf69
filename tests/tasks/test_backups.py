"""One archive of a home in use: brought back elsewhere it is the same, by each hash, and nothing secret is in it."""

import json
import shutil
import sqlite3
import zipfile
from contextlib import closing
from threading import Event, Thread

import pytest
from alembic import command
from sqlalchemy import inspect
from sqlalchemy.orm import Session

from deployments.credentials import credentials_of
from models.db.base import Base
from models.db.engine import alembic_config, migrate, open_engine, revision_of
from models.db.records import heartbeats
from models.domain.errors import BackupRefusedError, DatabaseRefusedError
from tasks.adapters.texts import vietnamese
from tasks.audits import verify_audit
from tasks.backups import FOLDERS, check_backup, make_backup, restore_backup
from tasks.settings import Settings
from tests.builders import hanoi

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


@pytest.fixture
def small(tmp_path):
    """A home with one file, its archive, and where to bring it back."""
    home = tmp_path / "home"
    (home / "archive" / "ab").mkdir(parents=True)
    (home / "archive" / "ab" / "cd").write_bytes(b"kept")
    settings = Settings(home=home)
    engine = open_engine(settings.url)
    migrate(engine)
    engine.dispose()
    make_backup(settings, tmp_path / "a.zip")
    return tmp_path, Settings(home=tmp_path / "elsewhere")


def _rewritten(folder, change):
    with zipfile.ZipFile(folder / "a.zip") as old, zipfile.ZipFile(folder / "b.zip", "w") as new:
        parts = {name: old.read(name) for name in old.namelist()}
        manifest = json.loads(parts.pop("manifest.json"))
        change(manifest, parts)
        for name, content in (parts | {"manifest.json": json.dumps(manifest).encode()}).items():
            new.writestr(name, content)
    return folder / "b.zip"


def _changed(manifest, parts):
    parts["archive/ab/cd"] = b"kept, and more"


def _lacking(manifest, parts):
    del parts["archive/ab/cd"]


def _climbing(manifest, parts):
    manifest["files"]["archive/../../evil"] = manifest["files"]["archive/ab/cd"]
    parts["archive/../../evil"] = b"kept"


def _of_the_future(manifest, parts):
    manifest["format"] = 99


@pytest.mark.parametrize("change", [_changed, _lacking, _climbing, _of_the_future])
def test_an_archive_that_is_not_as_it_was_is_refused_and_nothing_stays(small, change):
    folder, elsewhere = small
    with pytest.raises(BackupRefusedError) as refused:
        restore_backup(elsewhere, _rewritten(folder, change))
    assert vietnamese().error(refused.value)
    assert list(elsewhere.home.rglob("*")) == []
    assert not (folder / "evil").exists()


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


def test_where_files_lie_in_a_store_elsewhere_nothing_is_pretended(small):
    folder, _ = small
    elsewhere = Settings(home=folder / "home", files_url="memory://x")
    with pytest.raises(BackupRefusedError) as refused:
        make_backup(elsewhere, folder / "x.zip")
    assert "DONDOC_FILES_URL" in vietnamese().error(refused.value)
    assert not (folder / "x.zip").exists()


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

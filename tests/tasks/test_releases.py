"""Several machines are held to one release and one plan; a machine with another does nothing, and says what to do."""

import shutil
from importlib import metadata

import pytest
from alembic import command
from pydantic import SecretStr
from sqlalchemy import inspect, text

from models.db.engine import alembic_config, open_engine
from models.domain.errors import DatabaseRefusedError, OtherReleaseError
from tasks.adapters.texts import vietnamese
from tasks.release import release_here
from tasks.runtime import open_runtime
from tasks.settings import Settings


@pytest.fixture
def served(tmp_path, postgresql):
    """The settings of a machine on whose word the office works: it has been served there."""
    settings = Settings(home=tmp_path / "server", database_url=SecretStr(postgresql.new_database()))
    with open_runtime(settings, takes_over=True):
        pass
    return settings


def with_other_plan(settings, folder):
    """Return the settings of a machine on which somebody has edited the holidays."""
    copy = folder / "de_an_835"
    shutil.copytree(settings.programmes[0], copy)
    with (copy / "holidays.csv").open("a", encoding="utf-8") as file:
        file.write("\n")
    return settings.model_copy(update={"home": folder / "other", "programmes": (copy,)})


def of_another_release(monkeypatch):
    monkeypatch.setattr(metadata.Distribution, "version", "99.1", raising=False)
    assert release_here() == "99.1"


def refusal_of(settings):
    with pytest.raises(OtherReleaseError) as refused, open_runtime(settings):
        pass
    return vietnamese().error(refused.value)


def test_a_machine_with_the_offices_release_and_plan_works(served, tmp_path):
    with open_runtime(served.model_copy(update={"home": tmp_path / "second"})) as runtime:
        assert runtime.programmes


def test_a_machine_with_another_plan_is_refused_and_told_where_the_right_one_is(served, tmp_path):
    said = refusal_of(with_other_plan(served, tmp_path))
    assert "khác bản văn phòng đang dùng" in said
    assert "Đề nghị chép thư mục đề án" in said


def test_a_machine_with_another_release_is_refused_and_told_which_one_to_install(served, tmp_path, monkeypatch):
    of_another_release(monkeypatch)
    said = refusal_of(served.model_copy(update={"home": tmp_path / "second"}))
    assert "phiên bản 99.1" in said
    assert "Đề nghị cập nhật" in said


def test_a_refused_machine_does_not_touch_the_schema(served, tmp_path, monkeypatch):
    """A newer release would migrate it, and leave all other machines with a schema they do not know."""
    engine = open_engine(served.url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    of_another_release(monkeypatch)
    refusal_of(served.model_copy(update={"home": tmp_path / "second"}))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "0001"
    engine.dispose()


def test_the_office_changes_over_when_it_is_served_with_the_new_plan(served, tmp_path):
    changed = with_other_plan(served, tmp_path)
    with open_runtime(changed, takes_over=True):
        pass
    with open_runtime(changed) as runtime:
        assert runtime.programmes
    refusal_of(served)


def test_a_database_in_a_file_has_one_machine_whose_plan_may_change_at_any_time(tmp_path):
    settings = Settings(home=tmp_path / "home")
    with open_runtime(settings, takes_over=True):
        pass
    with open_runtime(with_other_plan(settings, tmp_path).model_copy(update={"home": settings.home})) as runtime:
        assert runtime.programmes


def test_an_older_schema_is_brought_up_and_a_newer_one_refused(served):
    engine, config = open_engine(served.url), alembic_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "-1")
    with open_runtime(served):
        assert inspect(engine).has_table("release_in_use")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseRefusedError) as refused, open_runtime(served):
        pass
    assert "phiên bản mới hơn" in vietnamese().error(refused.value)
    engine.dispose()

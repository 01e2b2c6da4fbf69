"""Several machines are held to one release and one plan; a machine with another does nothing, and says what to do."""

import shutil
from dataclasses import replace

import pytest
from alembic import command
from pydantic import SecretStr
from sqlalchemy import inspect, text

from models.db.engine import alembic_config, open_engine
from models.domain.errors import DatabaseRefusedError, FileStoreRefusedError, OtherReleaseError, SpreadingRefusedError
from tasks import release, spreading
from tasks.adapters.texts import vietnamese
from tasks.release import release_here
from tasks.runtime import open_runtime
from tasks.settings import PrefectSettings, Settings


@pytest.fixture
def served(tmp_path, postgresql):
    """The settings of a machine on whose word the office works: it has been served there."""
    settings = Settings(
        home=tmp_path / "server",
        database_url=SecretStr(postgresql.new_database()),
        files_url=f"file://{tmp_path / 'share' / 'store'}",
        shared_folder=tmp_path / "share" / "people",
    )
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
    monkeypatch.setattr(release, "RELEASE", "99.1")


def refusal_of(settings, kind=OtherReleaseError):
    with pytest.raises(kind) as refused, open_runtime(settings):
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


def test_the_release_is_that_of_the_code_in_memory_whatever_is_installed_while_it_runs(monkeypatch):
    running = release_here()
    monkeypatch.setattr(release, "version", lambda _name: "99.1")
    assert release_here() == running != "99.1"


def test_a_machine_that_lacks_a_programme_of_the_office_is_refused_and_told_which(served, tmp_path):
    other = tmp_path / "de_an_khac"
    shutil.copytree(served.programmes[0], other)
    plan = (other / "plan.yaml").read_text("utf-8")
    (other / "plan.yaml").write_text(plan.replace("code: de_an_835\n", "code: de_an_khac\n", 1), "utf-8")
    with open_runtime(served.model_copy(update={"programmes": (*served.programmes, other)}), takes_over=True):
        pass
    said = refusal_of(served.model_copy(update={"home": tmp_path / "second"}))
    assert "thiếu đề án mà văn phòng đang dùng: de_an_khac" in said


@pytest.mark.parametrize("folder", ["store", "people"])
@pytest.mark.parametrize("lies_there", ["nothing", "what an earlier office left"])
def test_a_machine_that_does_not_see_the_offices_store_or_folder_is_refused_and_makes_none(
    served, tmp_path, folder, lies_there
):
    """So it is where a share is not mounted; the earlier note is of the days before it was one."""
    place = tmp_path / "share" / folder
    with open_runtime(served):
        pass
    if lies_there == "nothing":
        shutil.rmtree(place)
    else:
        earlier = tmp_path / "earlier"
        shutil.copytree(place, earlier)
        with open_runtime(served, takes_over=True):
            pass
        shutil.rmtree(place)
        shutil.copytree(earlier, place)
    said = refusal_of(served.model_copy(update={"home": tmp_path / "second"}), FileStoreRefusedError)
    assert "Đề nghị kiểm tra" in said
    assert "chưa làm gì" in said or "Phần đã ghi thì giữ nguyên" in said
    assert place.exists() == (lies_there != "nothing")


def test_a_folder_that_cannot_be_written_is_not_taken_over_and_the_note_before_stays(served, tmp_path):
    in_the_way = tmp_path / "a-file"
    in_the_way.write_bytes(b"")
    moved = served.model_copy(update={"shared_folder": in_the_way})
    with pytest.raises(FileStoreRefusedError) as refused, open_runtime(moved, takes_over=True):
        pass
    assert "Không ghi được vào thư mục chung" in vietnamese().error(refused.value)
    with open_runtime(served) as runtime:
        assert runtime.programmes


@pytest.mark.parametrize("takes_over", [False, True])
def test_a_database_in_a_file_is_no_office_of_several_machines(tmp_path, takes_over):
    """A worker whose settings lack the database would open every cycle again, and write to every unit again."""
    alone = Settings(home=tmp_path / "worker")
    of_several = alone.model_copy(update={"prefect": PrefectSettings(api_url="http://may-1:4200/api")})
    with pytest.raises(DatabaseRefusedError) as refused, open_runtime(of_several, takes_over=takes_over):
        pass
    assert "DONDOC_DATABASE_URL" in vietnamese().error(refused.value)
    assert not (alone.home / "dondoc.db").exists()
    with open_runtime(alone, takes_over=takes_over) as runtime:
        assert runtime.programmes


def test_a_piece_is_refused_by_a_process_with_other_migrations_than_the_run(tmp_path, monkeypatch):
    monkeypatch.setenv("DONDOC_HOME", str(tmp_path))
    with open_runtime(Settings.load()) as runtime:
        place = spreading.place_with(runtime.programmes)
    assert spreading.runtime_here(place).programmes
    with pytest.raises(SpreadingRefusedError):
        spreading.runtime_here(replace(place, schema="0001"))


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


def test_an_older_schema_waits_for_the_office_to_be_served_anew_and_a_newer_one_is_refused(served):
    """A machine with code of a later day and the same release would leave the others with a schema they do not know."""
    engine = open_engine(served.url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    assert "bảng dữ liệu mới hơn" in refusal_of(served)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "0001"
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert "phiên bản mới hơn" in refusal_of(served, DatabaseRefusedError)
    engine.dispose()


def test_a_schema_older_than_the_note_is_brought_up_by_whoever_comes_first(served):
    engine, config = open_engine(served.url), alembic_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0009")
    with open_runtime(served):
        assert inspect(engine).has_table("release_in_use")
    engine.dispose()

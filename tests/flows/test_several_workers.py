"""One office on several machines, as processes of this one: a server with a password, two workers, own homes."""

import os
import subprocess
import sys

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from deployments.engine import EngineMisplacedError, prefect_settings, refuse_an_open_door
from models.db.engine import open_engine
from tasks.adapters.texts import vietnamese
from tasks.settings import PrefectSettings
from tests.machines import Loopback, several_machines
from tests.postgresql import NO_SERVER, server_programs

REPORT = "20 · BC 6T · mục III.1-c"
YEARLY = "21 · BC năm · mục III.1-d"
OPENING = {"as_of": "2025-05-16T08:00:00", "dry_run": False}


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ({"host": "0.0.0.0"}, "error.engine_open"),
        ({"host": "10.83.5.2"}, "error.engine_open"),
        ({"host": "10.83.5.2", "auth": "một-chữ"}, "error.engine_auth"),
        ({"host": "127.0.0.1", "auth": "tên:mật-khẩu"}, "error.engine_auth"),
        ({"host": "may-1.tinh.example.invalid", "auth": "van-phong:mat-khau"}, "error.engine_host"),
    ],
)
def test_a_server_that_others_could_reach_without_a_password_that_works_is_not_started(setting, code):
    with pytest.raises(EngineMisplacedError) as refused:
        refuse_an_open_door(PrefectSettings(**setting))
    assert refused.value.code == code
    assert vietnamese().error(refused.value)


@pytest.mark.parametrize("setting", [{}, {"host": "localhost"}, {"host": "0.0.0.0", "auth": "van-phong:mat-khau"}])
def test_a_server_of_one_machine_needs_no_password_and_one_of_several_has_it(setting):
    refuse_an_open_door(PrefectSettings(**setting))


@pytest.mark.parametrize("written", ["postgresql", "postgresql+psycopg", "postgresql+asyncpg"])
def test_the_servers_own_database_may_be_written_as_the_programs(tmp_path, written):
    shared = PrefectSettings(database_url=SecretStr(f"{written}://prefect:x@may:5432/prefect"))
    made = prefect_settings(tmp_path, 4200, shared)
    assert made["PREFECT_SERVER_DATABASE_CONNECTION_URL"] == "postgresql+asyncpg://prefect:x@may:5432/prefect"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "chưa biết máy chủ Prefect ở đâu"),
        ({"DONDOC_PREFECT_API_URL": "http://127.0.0.1:9/api"}, "không trả lời"),
    ],
)
def test_a_worker_without_a_server_says_what_to_set_and_takes_no_work(tmp_path, environment, said):
    answer = subprocess.run(
        [sys.executable, "-m", "deployments.cli", "worker"],
        env={"DONDOC_HOME": str(tmp_path), "PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 2
    assert said in answer.stderr


@pytest.mark.skipif(server_programs() is None, reason=NO_SERVER)
def test_two_workers_share_the_work_and_one_cycle_is_never_ticked_twice(tmp_path):
    morning = {"DONDOC_VIRTUAL_NOW": "2025-05-16T08:30:00+07:00", "DONDOC_SMTP_PORT": "1"}
    with several_machines(tmp_path, Loopback(), **morning) as (office, _):
        same = [office.begin(REPORT, obligation="O-20", **OPENING) for _ in range(2)]
        other = office.begin(YEARLY, obligation="O-21", **OPENING | {"dry_run": True})
        states = {run: office.ended(run) for run in (*same, other)}

        assert states[other]["state_type"] == "COMPLETED", states[other]["state"]
        (did,) = [run for run in same if states[run]["state_type"] != "CANCELLED"]
        # The mail server is down, so the round that opened the cycle is seen to be incomplete.
        assert "Còn 82 thư chưa gửi được" in states[did]["state"]["message"]
        assert {office.worker_of(did), office.worker_of(other)} == {"may-2", "may-3"}
        engine = open_engine(office.shared["DONDOC_DATABASE_URL"])
        with engine.connect() as database:
            assert database.scalar(text("SELECT count(*) FROM cycle")) == 1
            assert tuple(database.execute(text("SELECT count(*), count(form_digest) FROM duty")).one()) == (76, 76)
        engine.dispose()
    lying = [path for name in ("may-2", "may-3") for path in (tmp_path / name / "archive").rglob("*")]
    assert not lying, "forms lie in the store that all machines see"

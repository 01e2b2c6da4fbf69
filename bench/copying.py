"""Puts figures into PostgreSQL by COPY, as the program does, beside inserting them as a list of dicts, in turns.

It starts a server of its own, as the tests do; without one on this machine it says so and measures nothing.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from sqlalchemy import Engine, insert, text  # noqa: E402 - the programme's folder is found first
from sqlalchemy.orm import Session  # noqa: E402

from models.db.engine import open_engine  # noqa: E402
from models.db.inserting import insert_plain  # noqa: E402
from models.db.tables import FigureRow  # noqa: E402
from tests.postgresql import NO_SERVER, running_server, server_programs  # noqa: E402

N_FIGURES = 100_000
N_ROUNDS = 3
TIMES_FASTER = 2
Row = tuple[int, str, int, None, bool, str]


def copied(session: Session, rows: list[Row]) -> None:
    insert_plain(session, FigureRow, rows)


def inserted(session: Session, rows: list[Row]) -> None:
    names = FigureRow.__table__.columns.keys()
    session.connection().execute(insert(FigureRow.__table__), [dict(zip(names, row, strict=True)) for row in rows])


def seconds_for(work: Callable[[Session, list[Row]], None], engine: Engine, rows: list[Row]) -> float:
    with Session(engine) as session:
        session.execute(text("TRUNCATE figure"))
        started = time.perf_counter()
        work(session, rows)
        session.commit()
        return time.perf_counter() - started


def main(n: int = N_FIGURES) -> int:
    programs = server_programs()
    if programs is None:
        print(f"copying: {NO_SERVER}")
        return 0
    rows: list[Row] = [(number // 50, f"chi_tieu_{number % 50}", number, None, False, "") for number in range(n)]
    with running_server(programs) as server:
        engine = open_engine(server.new_database())
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE figure DROP CONSTRAINT fk_figure_submission_id_submission"))
        ours = baseline = 0.0
        for _ in range(N_ROUNDS):
            ours += seconds_for(copied, engine, rows)
            baseline += seconds_for(inserted, engine, rows)
        engine.dispose()
    ratio = baseline / ours
    print(f"copying {n:,} figures: ours {ours / N_ROUNDS:.2f} s baseline {baseline / N_ROUNDS:.2f} s ratio {ratio:.1f}")
    return int(ratio < TIMES_FASTER)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))

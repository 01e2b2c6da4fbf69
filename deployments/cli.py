"""The command line: what the flows do, for scripts and for people who live in a terminal.

Exit status: 0 done, 1 done with findings, 2 wrong use or bad input, with one sentence that says what to do.
A command imports what it needs when it runs: Prefect alone takes a second.
"""

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn, cast

import typer

from deployments.engine import TELL_NOBODY, use
from deployments.showing import show_purge, show_table, show_verdict, shown_bar
from models.domain.errors import DondocError, Fault, ProgrammeInvalidError
from models.domain.vocabulary import OFFICE_ZONE
from tasks.adapters.texts import vietnamese
from tasks.settings import Settings

if TYPE_CHECKING:
    from models.db.records.audit_entries import Verification

DONE: Final = 0
DONE_WITH_FINDINGS: Final = 1
BAD_INPUT: Final = 2


def _help(code: str) -> str:
    return vietnamese().say(f"cli.{code}")


app = typer.Typer(help=_help("app"), epilog=_help("example.app"), no_args_is_help=True, pretty_exceptions_enable=False)
roster_app = typer.Typer(help=_help("roster"), no_args_is_help=True)
app.add_typer(roster_app, name="roster")
audit_app = typer.Typer(help=_help("audit"), no_args_is_help=True)
app.add_typer(audit_app, name="audit")

AsJson = Annotated[bool, typer.Option("--json", help=_help("json"))]
AsOf = Annotated[str, typer.Option("--as-of", help=_help("as_of"))]
ProgrammeFolder = Annotated[Path, typer.Argument(help=_help("programme"))]


@app.command(help=_help("check"), epilog=_help("example.check"))
def check(programme: ProgrammeFolder, *, as_json: AsJson = False) -> None:
    """Validate a programme's folder and say every fault at once."""
    from tasks.adapters.programme import read_programme

    reading = read_programme(programme)
    faults = [_located(fault) for fault in reading.faults]
    if as_json:
        _print_json(faults)
    else:
        for fault in reading.faults:
            typer.echo(_written_fault(fault))
        for fault in reading.remarks:
            _say("cli.remark", fault=_written_fault(fault))
        _say("cli.faults_found" if faults else "cli.no_faults", n=len(faults), programme=programme)
    raise typer.Exit(BAD_INPUT if faults else DONE)


@app.command(help=_help("calendar"), epilog=_help("example.calendar"))
def calendar(
    programme: ProgrammeFolder,
    *,
    first: Annotated[int, typer.Option("--from", help=_help("from"))],
    last: Annotated[int, typer.Option("--to", help=_help("to"))],
    ics: Annotated[Path | None, typer.Option("--ics", help=_help("ics"))] = None,
    as_json: AsJson = False,
) -> None:
    """Show every cycle of the years; with `--ics`, write their deadlines to a calendar file, too."""
    from models.domain.cycles import planned_cycles
    from tasks.adapters.calendar_file import calendar_file
    from tasks.adapters.clock import SystemClock
    from tasks.adapters.programme import load_programme

    loaded = load_programme(programme)
    cycles = planned_cycles(loaded, first_year=first, last_year=last)
    rows = [
        {
            "obligation": cycle.obligation_code,
            "cycle": cycle.code,
            "clause": cycle.clause,
            "opens_at": cycle.opens_at,
            "due_at": cycle.due_at,
            "late_at": cycle.late_at,
            "last_working_day": loaded.calendar.last_working_day(cycle.last_day),
        }
        for cycle in cycles
    ]
    if ics is not None:
        asked = [cycle for cycle in cycles if loaded.obligation(cycle.obligation_code).is_scheduled]
        _write(ics, calendar_file([(loaded, asked)], vietnamese(), as_of=SystemClock().now()))
    _show(rows, as_json=as_json)


@app.command(help=_help("card"), epilog=_help("example.card"))
def card(
    programme: ProgrammeFolder,
    *,
    year: Annotated[int, typer.Option(help=_help("card_year"))],
    out: Annotated[Path, typer.Option(help=_help("card_out"))],
) -> None:
    """Write the one-page card for clerks of reporting units, to be printed or sent."""
    from tasks.adapters.programme import load_programme
    from tasks.adapters.unit_card import unit_card

    _write(out, unit_card(load_programme(programme), year, vietnamese()).encode())


@roster_app.command("import", help=_help("roster_import"), epilog=_help("example.roster_import"))
def roster_import(
    file: Annotated[Path, typer.Argument(help=_help("roster_file"))],
    *,
    operator: Annotated[str, typer.Option(help=_help("operator"))] = "",
    preview: Annotated[bool, typer.Option("--preview", help=_help("roster_preview"))] = False,
    as_json: AsJson = False,
) -> None:
    """Load a roster, all of it or nothing; or show what loading it would change."""
    from tasks.bring_roster import preview_lines
    from tasks.import_roster import import_roster
    from tasks.runtime import open_runtime

    with open_runtime(Settings.load()) as runtime:
        if preview:
            lines = preview_lines(runtime, file)
            _show([asdict(line) for line in lines], as_json=as_json)
            raise typer.Exit(DONE_WITH_FINDINGS if lines else DONE)
        result = import_roster(runtime, file, operator=operator)
    faults = [_located(fault) for fault in result.faults]
    remarks = [_located(fault) for fault in result.remarks]
    if as_json:
        _print_json({"n_units": result.n_units, "n_contacts": result.n_contacts, "faults": faults, "remarks": remarks})
    else:
        for fault in [*result.faults, *result.remarks]:
            typer.echo(_written_fault(fault))
        code = "cli.roster_refused" if faults else "cli.roster_imported"
        _say(code, n=len(faults), units=result.n_units, contacts=result.n_contacts)
    raise typer.Exit(BAD_INPUT if faults else DONE_WITH_FINDINGS if remarks else DONE)


@roster_app.command("show", help=_help("roster_show"), epilog=_help("example.roster_show"))
def roster_show(*, on: Annotated[str, typer.Option(help=_help("on"))], as_json: AsJson = False) -> None:
    """Show the units in force on a day."""
    from tasks.import_roster import roster_in_force
    from tasks.runtime import open_runtime

    with open_runtime(Settings.load()) as runtime:
        units = roster_in_force(runtime, _day(on))
    rows = [
        {
            "unit": unit.code,
            "name": unit.name,
            "group": unit.group,
            "parent": unit.parent_code,
            "valid_from": unit.valid_from,
            "valid_to": unit.valid_to,
        }
        for unit in units
    ]
    _show(rows, as_json=as_json)
    if not as_json:
        for group, n in sorted(Counter(unit.group for unit in units).items()):
            _say("cli.roster_group", group=group, n=n)


@roster_app.command("export", help=_help("roster_export"), epilog=_help("example.roster_export"))
def roster_export(file: Annotated[Path, typer.Argument(help=_help("roster_file"))]) -> None:
    """Write the present roster as a workbook that can be imported again."""
    from tasks.import_roster import export_roster
    from tasks.runtime import open_runtime

    with open_runtime(Settings.load()) as runtime:
        roster = export_roster(runtime, file)
    _say("cli.roster_exported", path=file, units=len(roster.units), relations=len(roster.relations))


@app.command(help=_help("tick"), epilog=_help("example.tick"))
def tick(
    obligation: Annotated[str, typer.Argument(help=_help("obligation"))],
    *,
    as_of: AsOf = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help=_help("dry_run"))] = False,
    as_json: AsJson = False,
) -> None:
    """Run the obligation's flow once, on the home's own Prefect server."""
    from deployments.engine import prefect_for

    instant = _instant(as_of) if as_of else None
    settings = Settings.load()
    with prefect_for(settings.home, settings.prefect):
        from deployments.registry import round_for
        from tasks.adapters.programme import load_programme

        flow = round_for(map(load_programme, settings.programmes), obligation)
        counts = cast("dict[str, Any]", flow(obligation, as_of=instant, dry_run=dry_run))
    _show([counts], as_json=as_json, is_one=True)


@app.command(help=_help("rehearse"), epilog=_help("example.rehearse"))
def rehearse(
    programme: ProgrammeFolder,
    *,
    year: Annotated[int, typer.Option(help=_help("year"))],
    scenario: Annotated[str, typer.Option(help=_help("scenario"))],
    out: Annotated[Path | None, typer.Option(help=_help("rehearsal_out"))] = None,
    as_json: AsJson = False,
) -> None:
    """Run the whole year under a virtual clock and list every letter; nothing real is touched."""
    from deployments.registry import ROUND_HOURS
    from deployments.rehearsing import show_rehearsal, shown_progress
    from models.domain.rehearsal import scenario_of
    from tasks.adapters.programme import load_programme
    from tasks.adapters.rehearsal_sheet import rehearsal_workbook
    from tasks.rehearse import rehearse as rehearse_year

    chosen, loaded, texts = scenario_of(scenario), load_programme(programme), vietnamese()
    hours = [int(hour) for hour in ROUND_HOURS.split(",")]
    with shown_progress(texts, is_shown=not as_json) as heard:
        rehearsed = rehearse_year(loaded, chosen, year, hours=hours, heard=heard)
    if out is not None:
        _write(out, rehearsal_workbook(rehearsed, texts))
    if not as_json:
        show_rehearsal(rehearsed, loaded, texts)
        return
    _print_json(
        [
            {
                "day": letter.day,
                "rung": ", ".join(letter.rungs),
                "unit": ", ".join(letter.units),
                "recipient": letter.recipient,
                "subject": letter.subject,
            }
            for letter in rehearsed.letters
        ]
    )


@app.command(help=_help("intake"), epilog=_help("example.intake"))
def intake(
    files: Annotated[list[Path], typer.Argument(help=_help("files"))],
    *,
    operator: Annotated[str, typer.Option(help=_help("operator"))] = "",
    as_of: AsOf = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help=_help("dry_run"))] = False,
    as_json: AsJson = False,
) -> None:
    """Hand files over as if they had arrived."""
    from tasks.hand_in import hand_in
    from tasks.runtime import open_runtime

    missing = [path for path in files if not path.is_file()]
    if missing:
        _fail("cli.no_such_file", path=missing[0])
    with open_runtime(Settings.load()) as runtime:
        instant = _instant(as_of) if as_of else runtime.clock.now()
        with shown_bar(runtime.texts.say("cli.intake_bar"), is_shown=not as_json) as bar:
            results = hand_in(runtime, files, operator=operator, as_of=instant, dry_run=dry_run, heard=bar.heard)
    if as_json:
        _print_json([asdict(result) for result in results])
    else:
        for result in (part for whole in results for part in whole.parts or [whole]):
            facts = {
                "outcome": _outcome_label(result.outcome),
                "unit": result.unit or "–",
                "cycle": result.cycle or "–",
            }
            _say("cli.taken", file=result.file, **facts)
            for reason in result.reasons:
                _say("cli.reason", message=reason["message"])
    raise typer.Exit(DONE if all(result.outcome == "accepted" for result in results) else DONE_WITH_FINDINGS)


@app.command(help=_help("status"), epilog=_help("example.status"))
def status(
    cycle: Annotated[str, typer.Argument(help=_help("cycle"))],
    *,
    parent: Annotated[str, typer.Option(help=_help("parent"))] = "",
    as_of: AsOf = "",
    as_json: AsJson = False,
) -> None:
    """Show where each duty of a cycle stands; with `--parent`, those of one parent's children."""
    from tasks.board import board_of
    from tasks.publish import board_rows
    from tasks.runtime import open_runtime

    with open_runtime(Settings.load()) as runtime:
        board = board_of(runtime, cycle, _instant(as_of) if as_of else runtime.clock.now(), parent_code=parent)
        shown = board_rows(runtime, board)
    if not as_json:
        _show(shown, as_json=False)
        return
    _print_json(
        [
            {
                "unit": line.unit_code,
                "standing": line.standing,
                "due_at": line.due_at,
                "received_at": line.received_at,
                "last_rung": line.last_rung or None,
                "next_rung": line.next_rung or None,
                "why": line.why,
                "never_reached": line.is_never_reached,
                "contact": line.health,
            }
            for line in board.lines
        ]
    )


@app.command(help=_help("explain"), epilog=_help("example.explain"))
def explain(
    cycle: Annotated[str, typer.Argument(help=_help("cycle"))],
    unit: Annotated[str, typer.Argument(help=_help("unit"))],
    *,
    as_of: AsOf = "",
    as_json: AsJson = False,
) -> None:
    """Say why a unit stands where it stands in a cycle: rule, dates, arrivals, letters, reasons."""
    from tasks.adapters.verdict_words import verdict_as_data, verdict_in_words
    from tasks.runtime import open_runtime
    from tasks.verdicts import verdict_on

    with open_runtime(Settings.load()) as runtime:
        verdict = verdict_on(runtime, cycle, unit, _instant(as_of) if as_of else runtime.clock.now())
        if as_json:
            _print_json(verdict_as_data(verdict, runtime.texts))
            return
        calendar = runtime.programme_of(verdict.cycle).calendar
        show_verdict(verdict_in_words(verdict, calendar, runtime.texts), verdict.as_of, runtime.texts)


@app.command("compile", help=_help("compile"), epilog=_help("example.compile"))
def compile_(
    cycle: Annotated[str, typer.Argument(help=_help("cycle"))],
    *,
    out: Annotated[Path, typer.Option(help=_help("out"))],
    final: Annotated[bool, typer.Option("--final", help=_help("final"))] = False,
    as_of: AsOf = "",
    as_json: AsJson = False,
) -> None:
    """Compile a cycle as it stands, and lay the files into a folder."""
    from models.domain.vocabulary import EditionKind
    from tasks.compile import compile_cycle, copy_files
    from tasks.runtime import open_runtime

    kind = EditionKind.FINAL if final else EditionKind.PROVISIONAL
    with open_runtime(Settings.load()) as runtime:
        instant = _instant(as_of) if as_of else runtime.clock.now()
        with shown_bar(runtime.texts.say("cli.compile_bar"), is_shown=not as_json):
            compiled = compile_cycle(runtime, cycle, instant, kind)
            files = copy_files(runtime, compiled.edition, out)
    edition = compiled.edition
    facts = {
        "edition": edition.number,
        "reported": edition.n_reported,
        "expected": edition.n_expected,
        "files": [str(path) for path in files],
    }
    if as_json:
        _print_json(facts)
        return
    typer.echo(vietnamese().say("cli.compiled" if compiled.is_new else "cli.compiled_before", **facts))
    for path in files:
        typer.echo(path)


@app.command("letters", help=_help("letters"), epilog=_help("example.letters"))
def letters_(*, as_json: AsJson = False) -> None:
    """List the letters that failed, and those of which nobody knows whether they left; of all time."""
    from models.db.records.letters import stuck_letters
    from tasks.runtime import open_runtime

    with open_runtime(Settings.load()) as runtime, runtime.sessions() as session:
        found = stuck_letters(session)
        texts = runtime.texts
    if as_json:
        _print_json([asdict(each) for each in found])
    else:
        rows = [asdict(each) | {"kind": texts.label(each.kind), "state": texts.label(each.state)} for each in found]
        _show(rows, as_json=False)
    raise typer.Exit(DONE_WITH_FINDINGS if found else DONE)


@app.command("board", help=_help("board"), epilog=_help("example.board"))
def board(*, as_of: AsOf = "", as_json: AsJson = False) -> None:
    """Make the status board of every cycle: a folder of pages that needs no server."""
    from tasks.runtime import open_runtime
    from tasks.status_board import make_board

    with open_runtime(Settings.load()) as runtime:
        instant = _instant(as_of) if as_of else runtime.clock.now()
        with shown_bar(runtime.texts.say("cli.board_bar"), is_shown=not as_json) as bar:
            made = make_board(runtime, instant, is_whole=True, heard=bar.heard)
    if as_json:
        _print_json(asdict(made))
    else:
        _say("cli.board_made", path=made.front, n=made.n_written, gone=made.n_gone)


@app.command("purge", help=_help("purge"), epilog=_help("example.purge"))
def purge_(
    *,
    yes: Annotated[bool, typer.Option("--yes", help=_help("purge_yes"))] = False,
    operator: Annotated[str, typer.Option(help=_help("operator"))] = "",
    reason: Annotated[str, typer.Option(help=_help("purge_reason"))] = "",
    as_of: AsOf = "",
    as_json: AsJson = False,
) -> None:
    """Say which files have been kept long enough; with `--yes` remove their bytes, signed."""
    from tasks.operators import sign
    from tasks.purge import plan_purge, purge
    from tasks.runtime import open_runtime

    with open_runtime(Settings.load()) as runtime:
        instant = _instant(as_of) if as_of else runtime.clock.now()
        if yes:
            signature = sign(runtime, operator, reason)
            with shown_bar(runtime.texts.say("cli.purge_bar"), is_shown=not as_json) as bar:
                found = purge(runtime, instant, signature=signature, heard=bar.heard)
        else:
            found = plan_purge(runtime, instant)
    if as_json:
        _print_json(asdict(found) | {"n_files": found.n_files, "n_octets": found.n_octets})
    else:
        show_purge(found, vietnamese())


@app.command("backup", help=_help("backup"), epilog=_help("example.backup"))
def backup(
    file: Annotated[Path, typer.Argument(help=_help("backup_file"))],
    *,
    check: Annotated[bool, typer.Option("--check", help=_help("backup_check"))] = False,
    as_json: AsJson = False,
) -> None:
    """Write one archive of the home, which may be in use; with `--check` read one to its end and write nothing."""
    from tasks.backups import check_backup, make_backup

    made = check_backup(file) if check else make_backup(Settings.load(), file)
    _say_backup("checked" if check else "made", file, asdict(made), as_json=as_json)
    raise typer.Exit(DONE_WITH_FINDINGS if made.n_lacking else DONE)


@app.command("restore", help=_help("restore"), epilog=_help("example.restore"))
def restore(file: Annotated[Path, typer.Argument(help=_help("backup_file"))], *, as_json: AsJson = False) -> None:
    """Bring an archive back into a home and a database that hold nothing yet, and look through its audit."""
    from tasks.audits import verify_audit
    from tasks.backups import restore_backup

    settings = Settings.load()
    restored = restore_backup(settings, file)
    found = verify_audit(settings.url)
    if as_json:
        _say_backup("restored", file, asdict(restored) | {"audit": _verified(found)}, as_json=True)
    else:
        _say_backup("restored", file, asdict(restored), as_json=False)
        _say_verified(found)
    raise typer.Exit(DONE_WITH_FINDINGS if restored.n_lacking or found.n_breaks else DONE)


@audit_app.command("verify", help=_help("audit_verify"), epilog=_help("example.audit_verify"))
def audit_verify(
    *,
    from_head: Annotated[str, typer.Option("--from-head", help=_help("audit_from_head"))] = "",
    as_json: AsJson = False,
) -> None:
    """Look through the chained audit and the rows that it covers."""
    from tasks.audits import verify_audit
    from tasks.runtime import open_runtime

    settings = Settings.load()
    with open_runtime(settings), shown_bar(vietnamese().say("audit.bar"), is_shown=not as_json) as bar:
        found = verify_audit(settings.url, from_head=from_head, heard=bar.heard)
    if as_json:
        _print_json(_verified(found, from_head))
    else:
        _say_verified(found, from_head)
    raise typer.Exit(DONE_WITH_FINDINGS if found.n_breaks else DONE)


@audit_app.command("list", help=_help("audit_list"), epilog=_help("example.audit_list"))
def audit_list(
    *,
    cycle: Annotated[str, typer.Option(help=_help("audit_cycle"))] = "",
    unit: Annotated[str, typer.Option(help=_help("audit_unit"))] = "",
    since: Annotated[str, typer.Option(help=_help("audit_since"))] = "",
    limit: Annotated[int, typer.Option(min=1, help=_help("audit_limit"))] = 50,
    as_json: AsJson = False,
) -> None:
    """List the newest entries of the chained audit that fit."""
    from tasks.audits import list_audit
    from tasks.runtime import open_runtime

    instant = _instant(since) if since else None
    with open_runtime(Settings.load()) as runtime:
        lines = list_audit(runtime, cycle_code=cycle, unit_code=unit, since=instant, limit=limit)
    rows = [asdict(line) for line in lines]
    # A hash is for `verify` and for programs; a person reads the rest, under headings of their own.
    _show(rows if as_json else list(map(_as_listed, rows)), as_json=as_json)


def _as_listed(entry: dict[str, Any]) -> dict[str, Any]:
    headings = {"kind": "decision", "subject": "concerns"}
    return {headings.get(name, name): value for name, value in entry.items() if name != "hash"}


def _verified(found: "Verification", from_head: str = "") -> dict[str, Any]:
    from tasks.audits import break_text

    breaks = [
        {
            "code": each.code,
            "entry": each.entry.number if each.entry else None,
            "at": each.entry.at if each.entry else None,
            "table": each.table,
            "key": each.key or None,
            "message": break_text(each, vietnamese(), from_head=from_head),
        }
        for each in found.breaks
    ]
    return asdict(replace(found, breaks=())) | {"breaks": breaks}


def _say_verified(found: "Verification", from_head: str = "") -> None:
    from tasks.audits import break_text, summary_lines

    for each in found.breaks:
        typer.echo(break_text(each, vietnamese(), from_head=from_head))
    if found.n_breaks > len(found.breaks):
        _say("audit.more", n=found.n_breaks - len(found.breaks))
    for line in summary_lines(found, vietnamese()):
        typer.echo(line)


def _say_backup(what: str, file: Path, facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        _print_json({"file": str(file), **facts})
        return
    texts = vietnamese()
    made = texts.instant(datetime.fromisoformat(facts["made_at"]))
    megabytes = texts.number(round(facts["n_octets"] / 1_000_000, 1))
    typer.echo(texts.say(f"cli.backup_{what}", file=file, made=made, n=facts["n_files"], size=megabytes))
    if facts["n_lacking"]:
        _say("cli.backup_lacking", n=facts["n_lacking"])


@app.command(help=_help("serve"), epilog=_help("example.serve"))
def serve(
    *,
    port: Annotated[int, typer.Option(help=_help("port"))] = 4200,
    works: Annotated[bool, typer.Option("--worker/--no-worker", help=_help("works"))] = True,
) -> None:
    """Run Prefect's server with its pages, all deployments and a worker, until interrupted."""
    from deployments.serve import serve_home

    serve_home(Settings.load(), port=port, works=works)


@app.command(help=_help("worker"), epilog=_help("example.worker"))
def worker(
    *,
    name: Annotated[str, typer.Option(help=_help("worker_name"))] = "",
    limit: Annotated[int, typer.Option(min=1, help=_help("worker_limit"))] = 2,
) -> None:
    """Do the work of an office whose server runs on another machine, until interrupted."""
    from socket import gethostname

    from deployments.serve import work_for_server

    work_for_server(Settings.load(), name=name or gethostname(), limit=limit)


@app.command(help=_help("demo"), epilog=_help("example.demo"))
def demo(
    *,
    port: Annotated[int, typer.Option(help=_help("port"))] = 0,
    quick: Annotated[bool, typer.Option("--quick", help=_help("quick"))] = False,
) -> None:
    """Replay the six-month report of 2025."""
    from deployments.demo import replay

    raise typer.Exit(replay(Settings.load().home, port=port, is_quick=quick))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; an operator's problem is one sentence and exit status 2, never a traceback."""
    use(TELL_NOBODY)
    try:
        app(args=list(arguments) if arguments is not None else None)
    except ProgrammeInvalidError as invalid:
        for fault in invalid.faults:
            typer.echo(_written_fault(fault), err=True)
        _fail("error.programme_invalid", n_faults=len(invalid.faults))
    except DondocError as error:
        typer.echo(vietnamese().error(error), err=True)
        sys.exit(BAD_INPUT)


def _located(fault: Fault) -> dict[str, Any]:
    texts = vietnamese()
    place = texts.say("cli.sheet", sheet=fault.sheet) if fault.sheet else ""
    return {"file": fault.file, "line": fault.line, "message": f"{place}{texts.fault(fault)}"}


def _written_fault(fault: Fault) -> str:
    """Return a fault as editors and people read it; one of the whole file has no line."""
    return vietnamese().say("cli.fault" if fault.line else "cli.fault_of_file", **_located(fault))


def _outcome_label(outcome: str) -> str:
    return vietnamese().say(f"label.outcome.{outcome}")


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        _fail("cli.bad_instant", text=text)
    return instant.astimezone(OFFICE_ZONE) if instant.tzinfo else instant.replace(tzinfo=OFFICE_ZONE)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        _fail("cli.bad_day", text=text)


def _write(path: Path, content: bytes) -> None:
    """Write a file that was asked for, and say on the error output where it is."""
    from tasks.adapters.archive import write_whole

    try:
        write_whole(path, content)
    except OSError as error:
        _fail("cli.cannot_write", path=path, detail=error.strerror)
    typer.echo(vietnamese().say("cli.written", path=path), err=True)


def _fail(code: str, **facts: object) -> NoReturn:
    typer.echo(vietnamese().say(code, **facts), err=True)
    raise SystemExit(BAD_INPUT)


def _say(code: str, **facts: object) -> None:
    typer.echo(vietnamese().say(code, **facts))


def _show(rows: Sequence[dict[str, Any]], *, as_json: bool, is_one: bool = False) -> None:
    if as_json:
        _print_json(rows[0] if is_one else rows)
        return
    columns = [vietnamese().by_code.get(f"cli.column.{column}", column) for column in (rows[0] if rows else ())]
    cells = [["–" if value is None else _written(value) for value in row.values()] for row in rows]
    show_table(columns, cells, texts=vietnamese())


def _written(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(OFFICE_ZONE):%d/%m/%Y %H:%M}"
    return f"{value:%d/%m/%Y}" if isinstance(value, date) else str(value)


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


if __name__ == "__main__":
    main()

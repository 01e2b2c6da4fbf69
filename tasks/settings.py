"""Every setting of the program, typed, read from the environment (`DONDOC_…`) or from `dondoc.env` in the home."""

import os
from pathlib import Path
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.domain.retention import Terms
from models.domain.vocabulary import KeptKind

MEBIBYTE = 1024 * 1024
PROJECT = Path(__file__).resolve().parent.parent


class SmtpSettings(BaseSettings):
    """The outgoing mail server."""

    model_config = SettingsConfigDict(env_prefix="DONDOC_SMTP_", frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    port: int = 25
    username: str = ""
    password: SecretStr = SecretStr("")
    security: Annotated[str, Field(pattern="^(none|starttls|tls)$")] = "none"
    """`starttls` on port 587, `tls` on port 465, `none` only for a server on this machine or a trusted network."""
    ca_file: Path | None = None
    connections: Annotated[int, Field(ge=1, le=32)] = 4
    timeout_seconds: float = 30.0


class ImapSettings(BaseSettings):
    """The mailbox to which units send."""

    model_config = SettingsConfigDict(env_prefix="DONDOC_IMAP_", frozen=True, extra="ignore")

    host: str = ""
    """Empty: there is no mailbox, and only the drop folder and the command line bring arrivals."""
    port: int = 993
    username: str = ""
    password: SecretStr = SecretStr("")
    security: Annotated[str, Field(pattern="^(none|starttls|tls)$")] = "tls"
    ca_file: Path | None = None
    folder: str = "INBOX"
    authserv_id: str = ""
    """The name under which our mail server notes what it found out about a sender; empty: no such note is believed."""
    timeout_seconds: float = 30.0


class PrefectSettings(BaseSettings):
    """Prefect's server, where it is more than one machine's own."""

    model_config = SettingsConfigDict(env_prefix="DONDOC_PREFECT_", frozen=True, extra="ignore")

    api_url: str = ""
    """Address at which other machines and browsers reach the server, such as `http://may-chu:4200/api`."""
    host: str = "127.0.0.1"
    """Address of this machine on which `dondoc serve` lets the server listen; `0.0.0.0` is every one."""
    auth: SecretStr = SecretStr("")
    """`name:password` that the server asks of everybody; without it it listens to nobody but this machine."""
    database_url: SecretStr = SecretStr("")
    """`postgresql://…` of a database of the server's own; empty: SQLite in the home."""


class LimitSettings(BaseSettings):
    """What a file or mail may cost before it is refused (measured in the guard's tests)."""

    model_config = SettingsConfigDict(env_prefix="DONDOC_LIMIT_", frozen=True, extra="ignore")

    mail_bytes: int = 25 * MEBIBYTE
    file_bytes: int = 20 * MEBIBYTE
    archive_members: int = 500
    inflated_bytes: int = 64 * MEBIBYTE
    member_bytes: int = 32 * MEBIBYTE
    inflation_ratio: int = 200
    rows: int = 20_000
    columns: int = 300
    area: int = 1_000_000
    """Cells of the rectangle that a sheet fills from A1, blank ones too: a parser makes room for each."""
    filled_cells: int = 100_000
    """More filled cells than this are no form of ours."""
    styles: int = 20_000
    worker_memory_bytes: int = 256 * MEBIBYTE
    worker_seconds: float = 1.5
    """Of the processor, for a small file; a large one is given a second more for every 10 MiB."""
    workers: Annotated[int, Field(ge=1)] = 2


class KeepSettings(BaseSettings):
    """For how many months the bytes of each kind of file are kept; 0 is for ever, and so is what is not named.

    The first five are the office's housekeeping, proposed here and bound by no text. How long answers are kept is laid
    down by the rules on archives; of these we know by general knowledge only that they keep yearly reports for good and
    six-monthly ones for about twenty years (circular 10/2022/TT-BNV, not read here). So nothing goes until an office
    that has read them sets a term.
    """

    model_config = SettingsConfigDict(env_prefix="DONDOC_KEEP_", frozen=True, extra="ignore")

    ignored_months: Annotated[int, Field(ge=0)] = 12
    returned_months: Annotated[int, Field(ge=0)] = 24
    held_months: Annotated[int, Field(ge=0)] = 24
    """From the day on which a person dealt with it; before that it is never removed."""
    workbook_months: Annotated[int, Field(ge=0)] = 6
    form_months: Annotated[int, Field(ge=0)] = 12
    """From when its cycle is late."""
    answer_months: Annotated[int, Field(ge=0)] = 0

    @property
    def terms(self) -> Terms:
        """The same by kind."""
        return {
            KeptKind.IGNORED: self.ignored_months,
            KeptKind.RETURNED: self.returned_months,
            KeptKind.HELD: self.held_months,
            KeptKind.WORKBOOK: self.workbook_months,
            KeptKind.FORM: self.form_months,
            KeptKind.ANSWER: self.answer_months,
        }


class Settings(BaseSettings):
    """Where the home is, which programmes run, and how the outside world is reached."""

    model_config = SettingsConfigDict(env_prefix="DONDOC_", frozen=True, extra="ignore")

    home: Path = Path("var")
    database_url: SecretStr = SecretStr("")
    """SQLAlchemy URL, with its password; empty means SQLite in the home."""
    files_url: str = ""
    """fsspec address of the store of arrivals, forms and editions that several machines share; empty: a folder."""
    files_options: SecretStr = SecretStr("")
    """JSON object that the store is opened with, such as key, secret and endpoint of an S3-compatible server."""
    shared_folder: Path | None = None
    """Where people lay files down and pick them up (`drop`, `results`, `board`), where it is not the home."""
    programmes: tuple[Path, ...] = (PROJECT / "deployments" / "de_an_835",)
    mail_from: str = "baocao@dondoc.example.invalid"
    """The address that letters come from and answers go to; a plus-address of it carries a duty's token."""
    operator_address: str = ""
    """Where problems and the daily digest go, several parted by commas; empty: they are on the board only."""
    head_address: str = ""
    """Where the weekly digest goes, several parted by commas; empty: nobody gets one."""
    quarantine_working_days: Annotated[int, Field(ge=0)] = 2
    """What has waited for a person longer than so many working days is an alarm."""
    arrivals_per_sender_hour: Annotated[int, Field(ge=0)] = 30
    """How many mails of one address are judged within an hour; the others wait for their turn. 0: no limit."""
    answers_per_sender_day: Annotated[int, Field(ge=0)] = 50
    """How many automatic answers one address gets a day, so that no two machines write to each other. 0: no limit."""
    journal: bool = True
    """Send a blind copy of each letter to our own mailbox, by which a letter cut off by a crash is told sent or not."""
    journal_wait_minutes: int = 15
    """How long after a crash the blind copy may take before the letter counts as never sent."""
    task_runner: Annotated[str, Field(pattern=r"^(threads|processes|(dask|ray)://[^/\s]+:\d+)$")] = "threads"
    """Who opens arrivals and stamps forms: the run itself, processes of its machine, or a cluster at an address."""
    letters_per_batch: int = 50
    units_per_chunk: int = 500
    arrivals_per_poll: int = 2_000
    result_bytes: Annotated[int, Field(ge=0)] = 15 * MEBIBYTE
    """How large workbook and report may be together to go with the letter that hands them over."""
    virtual_now: AwareDatetime | None = None
    """An instant to use instead of the real one: for rehearsal and the demo only."""
    smtp: SmtpSettings = Field(default_factory=SmtpSettings)
    imap: ImapSettings = Field(default_factory=ImapSettings)
    limits: LimitSettings = Field(default_factory=LimitSettings)
    prefect: PrefectSettings = Field(default_factory=PrefectSettings)
    keep: KeepSettings = Field(default_factory=KeepSettings)

    @classmethod
    def load(cls) -> Self:
        """Return the settings of this process; `dondoc.env` in the home gives what the environment does not."""
        home = Path(os.environ.get("DONDOC_HOME", "var"))
        env_file = home / "dondoc.env"
        return cls(
            smtp=SmtpSettings(_env_file=env_file),
            imap=ImapSettings(_env_file=env_file),
            limits=LimitSettings(_env_file=env_file),
            prefect=PrefectSettings(_env_file=env_file),
            keep=KeepSettings(_env_file=env_file),
            _env_file=env_file,
        )

    @property
    def operators(self) -> tuple[str, ...]:
        """The addresses of the operators."""
        return _addresses(self.operator_address)

    @property
    def heads(self) -> tuple[str, ...]:
        """The addresses of those who head the office."""
        return _addresses(self.head_address)

    @property
    def url(self) -> str:
        """The database's URL, with its password: for the engine alone."""
        return self.database_url.get_secret_value() or f"sqlite:///{(self.home / 'dondoc.db').resolve()}"

    @property
    def shared(self) -> Path:
        """The folder that people and, with several machines, all of them see."""
        return self.shared_folder or self.home

    @property
    def drop_folder(self) -> Path:
        """Where files carried by hand are laid, in a folder named after the operator."""
        return self.shared / "drop"


def _addresses(written: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip().lower() for part in written.split(",") if part.strip()))

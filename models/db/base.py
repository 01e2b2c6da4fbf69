"""The declarative base: constraint names by a convention, enums stored by value, instants always aware."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import DateTime, Dialect, MetaData, String, TypeDecorator
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeEngine

from models.domain.vocabulary import OFFICE_ZONE

VIETNAMESE: Final = "vietnamese"
"""The collation of the Vietnamese alphabet: a migration makes it of ICU's in PostgreSQL, SQLite is given our own."""
NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class AwareInstant(TypeDecorator[datetime]):
    """An aware instant: kept in UTC, handed out in the office's zone; a naive one is refused."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime]:
        """Use the database's own aware type where it has one."""
        return dialect.type_descriptor(DateTime(timezone=dialect.name != "sqlite"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn the instant to UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = f"a naive instant is never stored: {value}"
            raise ValueError(message)
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn the instant to the office's zone."""
        if value is None:
            return None
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(OFFICE_ZONE)


class Word(TypeDecorator[StrEnum]):
    """A member of a closed set, stored by its value."""

    impl = String
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        """Keep the closed set."""
        super().__init__(length=30)
        self.words = words

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        """Store the value."""
        return None if value is None else self.words(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        """Hand out the member."""
        return None if value is None else self.words(value)


class Base(DeclarativeBase):
    """What every table stands on."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: AwareInstant}  # noqa: RUF012 - SQLAlchemy's own way

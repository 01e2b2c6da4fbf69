"""Asks for the rows of many keys at once in one parameter; it knows the dialects, and no table."""

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Boolean, ColumnElement, Dialect, Integer, Text, TypeDecorator, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from models.domain.vietnamese import storable


def is_among(column: Any, keys: Iterable[int] | Iterable[str]) -> ColumnElement[bool]:
    """Return the condition that the column holds one of the keys.

    `in_` makes a parameter of each: to write and read a statement with five hundred takes longer than its answer.
    """
    item = BigInteger() if isinstance(column.type, Integer) else Text()
    return _Among(column, bindparam(None, list(keys), _Listed(item)))


class _Listed(TypeDecorator[list[Any]]):
    """Many keys in one parameter: an array where the database has such, else a list in JSON."""

    impl = Text
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        """Keep the type of one key."""
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Use the database's arrays where it has them."""
        return dialect.type_descriptor(ARRAY(self.item) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: list[Any] | None, dialect: Dialect) -> Any:
        """Write the list as the database reads it; its texts may be strangers', and no database takes all of those."""
        keys = [storable(key) if isinstance(key, str) else key for key in value or ()]
        return keys if dialect.name == "postgresql" else json.dumps(keys)


class _Among(FunctionElement[bool]):
    """A column and such a parameter, one of whose keys it is to hold."""

    name = "among"
    inherit_cache = True
    type = Boolean()

    def self_group(self, against: Any = None) -> Any:  # noqa: ARG002 - SQLAlchemy's signature
        """Return itself: it is a condition already, and compared with 1 it would be found by no index."""
        return self


@compiles(_Among, "sqlite")
def _of_json(element: _Among, compiler: SQLCompiler, **kw: Any) -> str:
    column, keys = (compiler.process(part, **kw) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({keys}))"  # noqa: S608 - two pieces of a statement


@compiles(_Among, "postgresql")
def _of_array(element: _Among, compiler: SQLCompiler, **kw: Any) -> str:
    # Not as a question within the question: it would be planned as a join, and go through the whole table each time.
    column, keys = (compiler.process(part, **kw) for part in element.clauses)
    return f"{column} = ANY ({keys})"

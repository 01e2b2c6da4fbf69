"""Asks for the rows of many keys at once in one parameter; it knows the dialects, and no table."""

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Dialect, Integer, Text, TypeDecorator, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine


def is_among(column: Any, keys: Iterable[int] | Iterable[str]) -> ColumnElement[bool]:
    """Return the condition that the column holds one of the keys.

    `in_` makes a parameter of each: to write and read a statement with five hundred takes longer than its answer.
    """
    item = BigInteger() if isinstance(column.type, Integer) else Text()
    each = _Each(bindparam(None, list(keys), _Listed(item)))
    condition: ColumnElement[bool] = column.op("IN", is_comparison=True)(each)
    return condition


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
        """Write the list as the database reads it."""
        return value if dialect.name == "postgresql" else json.dumps(value)


class _Each(FunctionElement[Any]):
    """The keys of such a parameter as the rows of a question within the question."""

    name = "each"
    inherit_cache = True
    type = Integer()


@compiles(_Each, "sqlite")
def _of_json(element: _Each, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(SELECT value FROM json_each({compiler.process(element.clauses, **kw)}))"  # noqa: S608 - a placeholder


@compiles(_Each, "postgresql")
def _of_array(element: _Each, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(SELECT unnest({compiler.process(element.clauses, **kw)}))"

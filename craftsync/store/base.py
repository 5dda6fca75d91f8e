"""What all tables share: names of constraints, and how an instant is kept."""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from sqlalchemy import BigInteger, DateTime, Dialect, Double, ForeignKey, MetaData, Text
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

from craftsync import times
from craftsync.store import faults

Big = Annotated[int, mapped_column(BigInteger)]
Key = Annotated[int, mapped_column(primary_key=True, autoincrement=False)]
BigKey = Annotated[int, mapped_column(BigInteger, primary_key=True, autoincrement=False)]
Name = Annotated[str, mapped_column(primary_key=True)]
OfEnvironment = Annotated[int, mapped_column(ForeignKey("environment.key"), primary_key=True)]
OfExecution = Annotated[int, mapped_column(ForeignKey("execution.key"), primary_key=True)]

TEXT = Text().with_variant(Text(collation="C"), "postgresql")
"""Text whose order is that of its bytes, as on SQLite and in DuckDB, whatever a database's own."""

SMALL = {"sqlite_with_rowid": False}  # rows small enough to live in the tree of their key


def driver_moment(value: datetime | None, dialect: str) -> str | datetime | None:
    """Write an instant in the form its driver takes, as column and hot path both do.

    Raises `ValueError` for a naive one.
    """
    if value is None:
        return None
    if dialect == "sqlite":
        return times.utc_text(value)
    if value.utcoffset() is None:
        raise ValueError(f"{value.isoformat()} has no time zone")
    return value


class Moment(TypeDecorator[datetime]):
    """An instant in UTC to the microsecond; a naive `datetime` is refused.

    On SQLite fixed-width text, whose order is time's order; a `timestamptz` on PostgreSQL.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column's type."""
        kept: TypeEngine[Any] = Text() if dialect.name == "sqlite" else DateTime(timezone=True)
        return dialect.type_descriptor(kept)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Write an instant as the driver wants it."""
        return driver_moment(value, dialect.name)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Read an instant back, aware and in UTC."""
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        return faults.moment(value)


class Base(DeclarativeBase):
    """The physical tables: private, singular; people read the public views over them."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {str: TEXT, float: Double, datetime: Moment}

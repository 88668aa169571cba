"""The process of one query: a job on standard input, Arrow batches and one last JSON line on standard output.

What holds it are the kernel's limits as much as DuckDB's: an alarm ends it when its time is over, whatever it does, and
once the database is open it can open no other file and no connection. `warehouse.sqlbox` starts it.
"""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import pyarrow as pa

from warehouse import query
from warehouse.errors import BadInputError, DlpulseError
from warehouse.sqlbox import TooLarge, TooMuchMemory

BATCH_BYTES = 64 << 20
MESSAGE_LENGTH = 600
_BATCH_ROWS = 10_000
_BATCH_CELLS = 1_000_000
_THREADS = 4
# What Python, DuckDB and their allocators reserve beside the memory that a query may use.
_RESERVED_BYTES = 2 << 30
_READING = ("select", "from", "with", "values", "pivot", "describe", "show", "summarize", "explain")
# Blanks that every reader of SQL ends at the same place: DuckDB nests /* */ and ends -- at a carriage return too.
_BLANK = r"(?>[ \t\n\r\f]|--[^\n\r]*[\n\r]|/\*(?:(?!/\*|\*/).)*\*/)*+"
_PLAN = "explain "
_EXPLAIN = re.compile(
    rf"{_BLANK}explain\b{_BLANK}(?:analyze\b|\([ \n]*(?:analyze|format)\b[\w, \n]*\))?+{_BLANK}(?=[a-z(])",
    re.IGNORECASE | re.DOTALL,
)
# What Arrow lacks, cuts short or, of a long text in an enumeration, repeats only where it is read.
_AS_TEXT = {"enum", "bit", "uhugeint", "bignum", "variant", "time with time zone"}
_IN_MACRO = re.compile(r"_as_of\s*\(", re.IGNORECASE)
_FIRST_WORD = re.compile(rf"(?>{_BLANK};)*+{_BLANK}([a-z]{{1,20}})\b", re.IGNORECASE)
# DuckDB's words for what is closed here; they tell of its settings, or advise to change what cannot be changed.
_CLOSED = {
    re.compile(r"File system \w+ has been disabled"): "a query can reach neither files nor the network",
    re.compile(r"attached in read-only mode"): "the database is read-only; a query can change nothing",
    re.compile(r"the configuration has been locked"): "a query can change no setting",
}
_IN_EXTENSION = re.compile(r"is not in the catalog, but it exists in the (\w+) extension\b.*")
_ADVICE = re.compile(r"(?:\.? (?:Use|\*)|,? or) [\"']?(?:SET|PRAGMA) \w+ ?(?:=|TO) ?\S+ to [^.]*")


def main() -> None:
    """Answer the job; the parent keeps standard input open for as long as it wants the answer."""
    # What libraries print on fd 1 goes to stderr; the answer leaves by a descriptor of its own.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    job = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    out.write(json.dumps(_answer(job, out)).encode())
    out.flush()
    os._exit(0)


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(3)


def _answer(job: dict[str, Any], out: BinaryIO) -> dict[str, str]:
    """Write the rows as an Arrow stream, one without columns when there are none; return how it ended."""
    writer = None
    try:
        settings = (f"set threads = {min(_THREADS, os.cpu_count() or 1)}", "set errors_as_json = true")
        connection = query.open_readonly(Path(job["database"]), f"{job['bytes']}B", settings)
        _confine(connection, job["seconds"], job["bytes"])
        reader = _read(connection, job["sql"])
        for batch in _batches(reader, job["sql"]):
            writer = writer or pa.ipc.new_stream(out, reader.schema)
            writer.write_batch(batch)
        writer = writer or pa.ipc.new_stream(out, reader.schema)
        return {}
    except (TooMuchMemory, MemoryError):
        message = f"the query needs more than {job['memory']} of memory; aggregate or filter earlier"
        return {"error": TooMuchMemory.__name__, "message": message}
    except query.Damaged:
        return {"error": DlpulseError.__name__, "message": str(query.Damaged(Path(job["database"])))}
    except DlpulseError as error:
        return {"error": type(error).__name__, "message": str(error)}
    finally:
        (writer or pa.ipc.new_stream(out, pa.schema([]))).close()


def _confine(connection: duckdb.DuckDBPyConnection, seconds: float, memory: int) -> None:
    """Let the kernel end this process after `seconds`, and let it open, write and allocate nothing more.

    macOS does not hold the limit on memory; DuckDB's own stands alone there.
    """
    # Arrow and the allocator read their settings at first use: while they still can.
    connection.table_function("range", [1]).to_arrow_reader(1).read_all()
    for limit in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE, resource.RLIMIT_NOFILE):
        resource.setrlimit(limit, (0, 0))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (memory + _RESERVED_BYTES,) * 2)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _read(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    """Start the one statement in `sql` and return its Arrow reader."""
    try:
        _refuse_all_but_reading(connection, sql)
        # `sql` streams, `execute` would hold the whole result; but only what `execute` raises says where the fault is.
        relation = connection.sql(sql)
        if relation is None:
            raise BadInputError("SQL: the statement gives no rows")
        relation = _readable(relation)
        return relation.to_arrow_reader(max(1, min(_BATCH_ROWS, _BATCH_CELLS // len(relation.columns))))
    except duckdb.Error as error:
        raise _placed(connection, error, sql) from None


def _readable(relation: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """Cast the columns to text that Arrow would change or blow up, also within lists, maps and structs."""
    targets = [_target(kind) for kind in relation.types]
    if targets == [str(kind) for kind in relation.types]:
        return relation
    names = [_quoted(name) for name in relation.columns]
    casts = (f"#{place}::{kind} as {name}" for place, (kind, name) in enumerate(zip(targets, names, strict=True), 1))
    return relation.project(", ".join(casts))


def _target(kind: Any) -> str:
    """The type that a value of `kind` is read as."""
    if kind.id in _AS_TEXT:
        return "VARCHAR"
    if kind.id in ("list", "array"):
        size = f"[{kind.children[1][1]}]" if kind.id == "array" else "[]"
        return _target(kind.children[0][1]) + size
    if kind.id == "map":
        return f"MAP({', '.join(_target(part) for _, part in kind.children)})"
    if kind.id == "struct" and not kind.children:  # which SQL has no type for, and Parquet neither
        return "VARCHAR"
    if kind.id == "struct":
        return f"STRUCT({', '.join(f'{_quoted(name)} {_target(part)}' for name, part in kind.children)})"
    return str(kind)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _placed(connection: duckdb.DuckDBPyConnection, error: duckdb.Error, sql: str) -> DlpulseError:
    if '"location":' not in str(error) and isinstance(error, duckdb.BinderException | duckdb.CatalogException):
        try:
            connection.execute(_PLAN + sql)
        except duckdb.Error as again:
            return _refusal(again, sql, skipped=len(_PLAN))
    return _refusal(error, sql)


def _refuse_all_but_reading(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise BadInputError(f"expected one SQL statement, found {len(statements) or 'none'}")
    kind = _kind(statements[0])
    if kind == "EXPLAIN":
        if not (explain := _EXPLAIN.match(sql)):
            raise BadInputError("SQL: expected a plain statement after explain; leave out comments and unusual options")
        _refuse_all_but_reading(connection, sql[explain.end() :])
    elif kind not in ("SELECT", "MULTI") or (kind == "MULTI" and not _is_pivot(connection, sql)):
        reading = f"{', '.join(_READING[:-1])} or {_READING[-1]}"
        raise BadInputError(f"SQL: expected a statement that reads: {reading}; found {_found(kind, sql)}")


def _kind(statement: duckdb.Statement) -> str:
    try:
        return statement.type.name
    except ValueError:  # DuckDB has kinds that its Python library cannot name
        return "another kind"


def _found(kind: str, sql: str) -> str:
    """The word that a statement begins with: DuckDB takes `use` for a set, `install` for a load.

    What follows a `with` or an `explain` is named by its kind.
    """
    word = _FIRST_WORD.match(sql)
    if word and word[1].lower() not in _READING:
        return word[1].lower()
    return "several steps" if kind == "MULTI" else kind.replace("_", " ").lower()


def _is_pivot(connection: duckdb.DuckDBPyConnection, sql: str) -> bool:
    """Whether a statement that DuckDB takes in steps is a pivot, which makes a type for its columns before it reads.

    Only what reads can stand in parentheses.
    """
    try:
        return len(connection.extract_statements(f"from (\n{sql.strip().rstrip(';')}\n)")) == 1
    except duckdb.ParserException:
        return False


def _batches(reader: Any, sql: str) -> Iterator[pa.RecordBatch]:
    try:
        for batch in reader:
            yield from _pieces(batch)
    except (pa.ArrowException, OSError, duckdb.Error) as error:
        if isinstance(error, BrokenPipeError | MemoryError):
            raise
        raise _refusal(error, sql) from None


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Cut a batch until each part is small enough to be held at the other end."""
    if batch.nbytes <= BATCH_BYTES:
        yield batch
    elif batch.num_rows == 1:
        raise TooLarge(f"a row of the result is larger than {BATCH_BYTES >> 20} MiB")
    else:
        half = batch.num_rows // 2
        yield from _pieces(batch.slice(0, half))
        yield from _pieces(batch.slice(half))


def _refusal(error: Exception, sql: str, skipped: int = 0) -> DlpulseError:
    """Say DuckDB's message in one line: suggestions kept, with line, column and text of the place.

    `skipped` bytes were put before `sql` when DuckDB counted.
    """
    kind, brace, rest = str(error).partition("{")
    try:
        fields = json.JSONDecoder().raw_decode(brace + rest)[0]
    except ValueError:
        fields = {"exception_message": brace + rest}
    if fields.get("exception_type") == "Out of Memory" or isinstance(error, duckdb.OutOfMemoryException):
        return TooMuchMemory()
    if query.is_damage(error):
        return query.Damaged()
    if "arrow_large_buffer_size" in str(error):
        return TooLarge("the rows of the result are too large; select fewer or shorter columns")
    message = _worded(" ".join(f"{kind}{fields['exception_message']}".split()))
    shortened = message if len(message) <= MESSAGE_LENGTH else f"{message[:MESSAGE_LENGTH]}…"
    # A value refused within a macro has its place in the macro's text, which DuckDB does not tell apart.
    inner = fields.get("exception_type") == "Conversion" and _IN_MACRO.search(sql)
    place = "" if inner else _place(fields.get("location", ""), sql, skipped)
    hint = "; `dlpulse sql --tables` lists the tables" if fields.get("type") == "Table" else ""
    return BadInputError(f"SQL: {shortened}{place}{hint}")


def _worded(message: str) -> str:
    """DuckDB's message; in dlpulse's words where it tells of what is closed to a query."""
    for words, meaning in _CLOSED.items():
        if words.search(message):
            return meaning
    return _ADVICE.sub("", _IN_EXTENSION.sub(r"is of DuckDB's \1 extension, which a query cannot load", message))


def _place(location: str, sql: str, skipped: int) -> str:
    """` (line 2, column 5, near "form")` of DuckDB's `[offset,length]` in bytes; nothing when it gives no place."""
    found = re.fullmatch(r"\[(\d+),(\d+)\]", location)
    if not found:
        return ""
    start, length = int(found[1]) - skipped, int(found[2])
    text = sql.encode()
    if start >= len(text):
        return ""
    before = text[:start].decode(errors="replace")
    near = text[start : start + (length or 30)].decode(errors="replace").split("\n")[0][:30]
    return f' (line {before.count(chr(10)) + 1}, column {len(before) - before.rfind(chr(10))}, near "{near}")'


if __name__ == "__main__":
    main()

"""Files: what people's CSVs look like, what is said of broken ones, and settings that cannot be meant."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from ecom_pipeline.errors import ConfigurationError, SchemaError, SourceError
from ecom_pipeline.sources.contract import Change, SourceContext
from ecom_pipeline.sources.files import Files
from ecom_pipeline.sources.files.settings import FilesSettings
from ecom_pipeline.sources.pseudonym import pseudonym
from ecom_pipeline.warehouse.header import split_header

from .vendor_sandbox import KEY, NOW, TIME_ZONE, window_of

CONTEXT = SourceContext(TIME_ZONE, lambda: NOW, KEY)
COLUMNS: dict[str, Any] = {
    "ordered_on": {"from": "Date", "type": "date"},
    "name": "Name",
    "amount": {"from": "Amount", "type": "decimal"},
    "pieces": {"from": "Pieces", "type": "integer"},
}
HEADER = "Date,Name,Amount,Pieces\n"
WINDOW = window_of(date(2026, 3, 1), date(2026, 3, 31))


def files_in(folder: Path, **table: Any) -> Files:
    said = {"path": "*.csv", "columns": COLUMNS} | table
    return Files("old", FilesSettings(folder=folder, tables={"sales": said}), CONTEXT)  # type: ignore[dict-item]


def rows_of(source: Files, first: date = WINDOW.first_day, last: date = WINDOW.last_day) -> list[Any]:
    (table,) = Files.declared_tables(source.settings)
    return list(source.fetch(table, window_of(first, last)))


def read(folder: Path, content: str | bytes, **table: Any) -> list[Any]:
    data = content if isinstance(content, bytes) else content.encode()
    (folder / "a.csv").write_bytes(data)
    return rows_of(files_in(folder, **table))


def test_rows_are_typed_and_keyed_by_their_place(tmp_path: Path) -> None:
    assert read(tmp_path, HEADER + "2026-03-01,Bougie,12.50,2\n2026-03-02,,,\n") == [
        {
            "row_id": "a.csv:1",
            "ordered_on": date(2026, 3, 1),
            "name": "Bougie",
            "amount": Decimal("12.50"),
            "pieces": 2,
        },
        {"row_id": "a.csv:2", "ordered_on": date(2026, 3, 2), "name": None, "amount": None, "pieces": None},
    ]


FRENCH: dict[str, Any] = {
    "delimiter": ";",
    "decimal": ",",
    "thousands": " ",
    "columns": {**COLUMNS, "ordered_on": {"from": "Date", "type": "date", "format": "%d/%m/%Y"}},
}


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("utf-8-sig", "utf-8"), ("utf-8", "UTF8"), ("latin-1", "latin-1"), ("cp1252", "cp1252")],
)
def test_what_a_french_spreadsheet_saves(tmp_path: Path, encoding: str, said: str) -> None:
    text = "Date;Name;Amount;Pieces\r\n31/03/2026;Épée à dé;1\N{NO-BREAK SPACE}234,50;-3\r\n;;;\r\n"
    (row,) = read(tmp_path, text.encode(encoding), encoding=said, **FRENCH)
    assert (row["name"], row["amount"], row["pieces"]) == ("Épée à dé", Decimal("1234.50"), -3)
    assert row["ordered_on"] == date(2026, 3, 31)


def test_utf_16_and_tabs(tmp_path: Path) -> None:
    content = HEADER.replace(",", "\t") + "2026-03-01\té\t1\t2\n"
    (row,) = read(tmp_path, content.encode("utf-16"), encoding="utf-16", delimiter="\t")
    assert row["name"] == "é"


def test_quoted_delimiters_quotes_and_newlines(tmp_path: Path) -> None:
    content = HEADER + '2026-03-01,"a, ""b""\nc",1,2\n\n2026-03-02,d,3,4\n'
    assert [(row["row_id"], row["name"]) for row in read(tmp_path, content)] == [
        ("a.csv:1", 'a, "b"\nc'),
        ("a.csv:2", "d"),
    ]


def test_columns_in_another_order_and_unknown_ones(tmp_path: Path) -> None:
    (row,) = read(tmp_path, "Pieces,Secret,Amount,Name,Date\n2,canary-personal,1,x,2026-03-01\n")
    assert row["pieces"] == 2 and "canary-personal" not in repr(row)


def test_identical_rows_are_different_rows(tmp_path: Path) -> None:
    rows = read(tmp_path, HEADER + "2026-03-01,x,1,1\n" * 3)
    assert len({row["row_id"] for row in rows}) == 3


def test_files_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("b.csv", "a.csv", "sub/c.csv", "b.txt", ".hidden.txt"):
        (tmp_path / name).write_text(HEADER + f"2026-03-01,{name},1,1\n")
    assert [row["name"] for row in rows_of(files_in(tmp_path))] == ["a.csv", "b.csv"]
    everywhere = rows_of(files_in(tmp_path, path="**/*.csv"))
    assert [row["row_id"] for row in everywhere] == ["a.csv:1", "b.csv:1", "sub/c.csv:1"]


def test_pseudonyms_leave_no_address_behind(tmp_path: Path) -> None:
    columns = {"who": {"from": "E-mail", "pseudonymise": True}}
    content = "E-mail\nJeanne.Canary-Personal@example.org \njeanne.canary-personal@EXAMPLE.org\n\n"
    rows = read(tmp_path, content, columns=columns)
    assert rows[0]["who"] == rows[1]["who"] == pseudonym("jeanne.canary-personal@example.org", KEY)
    assert "canary" not in repr(rows).lower()


def test_values_are_translated_all_or_refused(tmp_path: Path) -> None:
    columns = {"country": {"from": "Country", "values": {"EIRE": "IE", "Unspecified": ""}}}
    rows = read(tmp_path, "Country\nEIRE\nUnspecified\n", columns=columns)
    assert [row["country"] for row in rows] == ["IE", None]
    with pytest.raises(SchemaError, match=r"line 2, column country: 'Atlantis'.*add it to values"):
        read(tmp_path, "Country\nAtlantis\n", columns=columns)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ({"type": "boolean"}, "oui", True),
        ({"type": "boolean"}, "0", False),
        ({"type": "integer"}, "12.0", 12),
        ({"type": "decimal"}, "-0.10", Decimal("-0.10")),
        ({"type": "decimal"}, "1e3", Decimal(1000)),
        ({"type": "decimal"}, "12.34567891", Decimal("12.345679")),
        ({"type": "timestamp"}, "2026-03-01 00:30:00", datetime(2026, 2, 28, 23, 30, tzinfo=UTC)),
        ({"type": "timestamp"}, "2026-07-01T02:00:00+02:00", datetime(2026, 7, 1, tzinfo=UTC)),
        (
            {"type": "timestamp", "format": "%d.%m.%Y %H:%M"},
            "01.07.2026 02:00",
            datetime(2026, 7, 1, tzinfo=UTC),
        ),
        (
            {"type": "timestamp", "format": "%d.%m.%Y %H:%M %z"},
            "01.07.2026 02:00 +0500",
            datetime(2026, 6, 30, 21, tzinfo=UTC),
        ),
    ],
)
def test_types(tmp_path: Path, kind: dict[str, Any], text: str, value: Any) -> None:
    (row,) = read(tmp_path, f"X\n{text}\n", columns={"x": {"from": "X", **kind}})
    assert row["x"] == value and type(row["x"]) is type(value)


def test_times_may_be_of_another_zone(tmp_path: Path) -> None:
    columns = {"at": {"from": "At", "type": "timestamp"}}
    (row,) = read(tmp_path, "At\n2026-03-01 23:30:00\n", columns=columns, time_zone="UTC", day="at")
    assert (row["at"], row["day"]) == (datetime(2026, 3, 1, 23, 30, tzinfo=UTC), date(2026, 3, 2))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "it lacks Date, Name, Amount, Pieces"),
        ("Date;Name;Amount;Pieces\n", "Set delimiter = ';'"),
        ("Date,Name,Amount,pieces\n", "it lacks Pieces; its header is: Date, Name, Amount, pieces"),
        ("Date,Name,Name,Amount,Pieces\n", "the column Name twice"),
        (HEADER + "2026-03-01,x,1\n", "line 2 has 3 cells, the header has 4"),
        (HEADER + '2026-03-01,"x,1,2\n2026-03-02,y,1,2\n', "a quote that is never closed"),
        (HEADER + '2026-03-01,"x"y,1,2\n', "about line 2"),
        (HEADER + '2026-03-01,"x\ny",1,2\n01/03/2026,y,1,2\n', "line 4, column ordered_on: '01/03/2026'"),
        (HEADER + "2026-02-30,x,1,2\n", "'2026-02-30' is not a date"),
        (HEADER + '2026-03-01,x,"1,50",2\n', "column amount: '1,50' is not a number (see decimal"),
        (HEADER + "2026-03-01,x,12 €,2\n", "'12 €' is not a number"),
        (HEADER + "2026-03-01,x,NaN,2\n", "'NaN' is not a number"),
        (HEADER + "2026-03-01,x,1000000000000,2\n", "is not a number below a million million"),
        (HEADER + "2026-03-01,x,1,12345678901234567890\n", "give an identifier the type text"),
        (HEADER + "2026-03-01,x,1,2.5\n", "column pieces: '2.5' is not a whole number"),
        (HEADER.encode() + b"2026-03-01,x,1,2\n2026-03-01,caf\xe9,1,2\n", "line 3 is not utf-8"),
        (HEADER.encode() + b"2026-03-01,x\0,1,x\n", "line 2"),
    ],
)
def test_broken_files_are_explained(tmp_path: Path, content: str | bytes, said: str) -> None:
    with pytest.raises(SchemaError) as caught:
        read(tmp_path, content)
    text = str(caught.value)
    assert said in text and "old, sales" in text and "a.csv" in text
    assert "Nothing was stored" in caught.value.mend


def test_point_for_thousands_is_never_taken_for_the_decimal_one(tmp_path: Path) -> None:
    table = FRENCH | {"thousands": ""}
    with pytest.raises(SchemaError, match=r"'1\.234' is not a number \(see decimal and thousands"):
        read(tmp_path, "Date;Name;Amount;Pieces\n31/03/2026;x;1.234;1\n", **table)
    table = FRENCH | {"thousands": "."}
    (row,) = read(tmp_path, "Date;Name;Amount;Pieces\n31/03/2026;x;1.234,5;1\n", **table)
    assert row["amount"] == Decimal("1234.5")


def test_several_problems_are_told_at_once_but_not_all(tmp_path: Path) -> None:
    with pytest.raises(SchemaError) as caught:
        read(tmp_path, HEADER + "2026-03-01,x,bad,2\n" * 50)
    assert [f"line {number}," in caught.value.why for number in (2, 6, 7)] == [True, True, False]


def test_an_address_in_the_wrong_place_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(SchemaError) as caught:
        read(tmp_path, HEADER + "2026-03-01,x,canary-personal@example.org,2\n")
    assert "canary-personal" not in str(caught.value) and "column amount" in caught.value.why


def test_required_column_must_hold_a_value(tmp_path: Path) -> None:
    columns = {"x": {"from": "X", "required": True}, "y": "Y"}
    with pytest.raises(SchemaError, match="line 3, column x: an empty cell is not a value"):
        read(tmp_path, "X,Y\n1,2\n ,2\n", columns=columns)


def test_no_file_is_an_error_and_not_an_empty_table(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"matches \*\.csv"):
        rows_of(files_in(tmp_path))
    with pytest.raises(SourceError, match="is not there"):
        rows_of(files_in(tmp_path / "absent"))


def test_unreadable_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a.csv").write_text(HEADER)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(SchemaError, match=r"a\.csv cannot be read.\nWhy: Permission denied"):
        rows_of(files_in(tmp_path))


def test_rows_by_day_are_those_of_the_window(tmp_path: Path) -> None:
    source = files_in(tmp_path, day="ordered_on")
    content = "".join(f"2026-03-{day:02},x,1,1\n" for day in range(1, 32))
    (tmp_path / "a.csv").write_text(HEADER + content)
    rows = rows_of(source, date(2026, 3, 10), date(2026, 3, 12))
    assert [row["row_id"] for row in rows] == ["a.csv:10", "a.csv:11", "a.csv:12"]
    (tmp_path / "a.csv").write_text(HEADER + content + ",x,1,1\n")
    with pytest.raises(SchemaError, match="line 33, the column that tells the day is empty"):
        rows_of(source)


def test_declared_tables_follow_the_settings(tmp_path: Path) -> None:
    (whole,) = Files.declared_tables(files_in(tmp_path).settings)
    assert (whole.change, whole.key, whole.record) == (Change.FULL, ("row_id",), "row_id")
    (keyed,) = Files.declared_tables(files_in(tmp_path, key="name").settings)
    assert keyed.record == "name" and "row_id" not in [column.name for column in keyed.columns]
    assert next(column for column in keyed.columns if column.name == "name").required
    (daily,) = Files.declared_tables(files_in(tmp_path, day="ordered_on").settings)
    assert (daily.change, daily.record, daily.restate_days) == (Change.RESTATED, "ordered_on", 31)


def parquet(folder: Path, **columns: Any) -> None:
    pq.write_table(pa.table(columns), folder / "a.parquet", row_group_size=3)


def test_parquet_is_exact_and_numbered(tmp_path: Path) -> None:
    days = [datetime(2026, 3, day, 12, tzinfo=UTC).replace(tzinfo=None) for day in range(1, 11)]
    parquet(tmp_path, at=days, price=[0.1 * n for n in range(10)], who=[17850.0 + n for n in range(10)])
    columns = {
        "at": {"from": "at", "type": "timestamp"},
        "price": {"from": "price", "type": "decimal"},
        "who": "who",
    }
    source = files_in(tmp_path, path="*.parquet", columns=columns, day="at")
    rows = rows_of(source, date(2026, 3, 4), date(2026, 3, 5))
    assert [(row["row_id"], row["day"], row["who"]) for row in rows] == [
        ("a.parquet:4", date(2026, 3, 4), "17853"),
        ("a.parquet:5", date(2026, 3, 5), "17854"),
    ]
    assert [row["price"] for row in rows] == [Decimal("0.3"), Decimal("0.4")]  # 0.1 * 3 is a little more


def test_what_is_no_parquet_is_explained(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 cut off")
    with pytest.raises(SchemaError, match="no whole Parquet file"):
        rows_of(files_in(tmp_path, path="*.parquet"))
    parquet(tmp_path, Date=["x"])
    with pytest.raises(SchemaError, match="it lacks Name, Amount, Pieces; its header is: Date"):
        rows_of(files_in(tmp_path, path="*.parquet"))


def test_same_content_gives_the_same_rows_and_a_changed_file_its_own(tmp_path: Path) -> None:
    first = read(tmp_path, HEADER + "2026-03-01,x,1,1\n")
    assert read(tmp_path, HEADER + "2026-03-01,x,1,1\n") == first
    (tmp_path / "b.csv").write_text(HEADER + "2026-03-02,y,1,1\n")
    changed = read(tmp_path, HEADER + "2026-03-01,x,9,1\n2026-03-01,z,1,1\n")
    assert [row["row_id"] for row in changed] == ["a.csv:1", "a.csv:2", "b.csv:1"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"columns": {}}, "at least 1 item"),
        ({"columns": {"Order": "x"}}, "Order cannot name a column"),
        ({"columns": {"order": "x"}}, "no word of SQL"),
        ({"columns": {"row_id": "x"}}, "row_id cannot name a column"),
        ({"columns": {"x": {"from": "x", "type": "money"}}}, "'text', 'integer'"),
        ({"columns": {"x": {"from": "x", "type": "date", "pseudonymise": True}}}, "columns of type text"),
        ({"columns": {"x": {"from": "x", "format": "%Y"}}}, "columns of type date or timestamp"),
        ({"columns": {"x": {"name": "x"}}}, "from"),
        ({"key": "nothing"}, "nothing is none of the columns"),
        ({"day": "name"}, "day needs a column of type date or timestamp"),
        ({"day": "ordered_on", "key": "name"}, "has no key"),
        (
            {"columns": {"at": {"from": "a", "type": "timestamp"}, "day": "d"}, "day": "at"},
            "rename the column day",
        ),
        ({"path": "/etc/*.csv"}, "within the folder"),
        ({"path": "../*.csv"}, "within the folder"),
        ({"decimal": ",", "thousands": ","}, "must differ"),
        ({"encoding": "utf-9"}, "unknown encoding"),
        ({"time_zone": "Europe/Pari"}, "unknown time zone"),
        ({"delimiter": ";;"}, "at most 1 character"),
        ({"separator": ";"}, "Extra inputs"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(tmp_path: Path, table: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        files_in(tmp_path, **table)


def test_mappings_come_from_the_settings_or_a_file_beside_the_data(tmp_path: Path) -> None:
    (tmp_path / "lines.sql").write_text("/* ---\ndescription: x\n--- */\nSELECT 1\n")
    maps = {"orders": "SELECT 2 AS x", "sale_lines": "lines.sql", "sale_lines__gifts": "SELECT 3 AS x"}
    mappings = Files.declared_mappings(files_in(tmp_path, maps=maps).settings)
    assert list(mappings) == ["orders__sales", "sale_lines__sales", "sale_lines__sales__gifts"]
    assert mappings["sale_lines__sales"].endswith("SELECT 1\n")
    header, query = split_header(mappings["orders__sales"], "orders")
    assert (header, query) == ({"description": "orders from the files *.csv."}, "SELECT 2 AS x")
    with pytest.raises(ConfigurationError, match=r"absent\.sql cannot be read"):
        Files.declared_mappings(files_in(tmp_path, maps={"orders": "absent.sql"}).settings)


def test_check_says_what_each_table_lacks(tmp_path: Path) -> None:
    source = files_in(tmp_path)
    assert [finding.state for finding in source.check()] == ["error"]
    (tmp_path / "a.csv").write_text(HEADER + "2026-03-01,x,1,2\n" * 200)
    assert [finding.state for finding in source.check()] == ["ok"]
    (tmp_path / "b.csv").write_text("Date;Name;Amount;Pieces\n")
    (finding,) = source.check()
    assert finding.state == "error" and "b.csv" in finding.detail and "delimiter" in finding.mend


def test_of_a_label_only_the_processor_it_names_is_kept(tmp_path: Path) -> None:
    columns = {"payer": {"from": "Label", "type": "processor"}}
    rows = read(tmp_path, "Label\nVirement STRIPE Jeanne\nJeanne Martin\n \n", columns=columns)
    assert [row["payer"] for row in rows] == ["stripe", None, None]

"""CAMT.053: every version alike, each statement once, no hole unnoticed, nobody's name kept."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ecom_pipeline.errors import SchemaError, SourceError
from ecom_pipeline.sandbox.world import PERSONAL_CANARY
from ecom_pipeline.sources.camt053 import Camt053
from ecom_pipeline.sources.camt053.source import Camt053Settings
from ecom_pipeline.sources.camt053.tables import BALANCES, MOVEMENTS
from ecom_pipeline.sources.contract import SourceContext, Table

from .camt_statements import IBAN, Detail, Entry, Told, document
from .vendor_sandbox import KEY, NOW, TIME_ZONE, map_rows, raw_tables, window_of

MONDAY, TUESDAY, WEDNESDAY, THURSDAY = (date(2026, 3, day) for day in (2, 3, 4, 5))
WEEK = (MONDAY, date(2026, 3, 7))  # a statement is overdue five days after the last
OTHER = "DE89370400440532013000"

FIRST = Told(
    MONDAY,
    "100.00",
    "330.50",
    (
        Entry(MONDAY, "250.00", "STRIPE PAYMENTS EUROPE"),
        Entry(MONDAY, "-19.50", "CAFE LE BALTO", family="CCRD"),
        Entry(MONDAY, "-7.00", status="PDNG"),
        Entry(MONDAY, "0.00", family=None),
    ),
    number=11,
)
SECOND = Told(TUESDAY, "330.50", "300.50", (Entry(TUESDAY, "-30.00", family="RDDT"),), number=12)
THIRD = Told(WEDNESDAY, "300.50", "-9.50", (Entry(WEDNESDAY, "-310.00", family="ICDT"),), number=13)


def source_of(folder: Path, **settings: Any) -> Camt053:
    context = SourceContext(TIME_ZONE, lambda: NOW, KEY)
    return Camt053("statements", Camt053Settings(folder=folder, **settings), context)


def drop(folder: Path, *told: Told, version: int = 8, name: str = "") -> Path:
    file = folder / (name or f"{told[0].day}-{told[0].number}-{told[0].created[:2]}.xml")
    file.write_text(document(*told, version=version), encoding="utf-8")
    return file


def rows_of(
    folder: Path, table: Table = MOVEMENTS, days: tuple[date, date] = WEEK, **settings: Any
) -> list[Any]:
    return list(source_of(folder, **settings).fetch(table, window_of(*days)))


def amounts(folder: Path, days: tuple[date, date] = WEEK, **settings: Any) -> list[Decimal]:
    return [row["amount"] for row in rows_of(folder, days=days, **settings)]


def decimals(*texts: str) -> list[Decimal]:
    return [Decimal(text) for text in texts]


@pytest.mark.parametrize("version", [2, 4, 6, 8, 13])
def test_every_version_says_the_same(tmp_path: Path, version: int) -> None:
    drop(tmp_path, FIRST, SECOND, version=version)
    rows = rows_of(tmp_path)
    assert [(row["day"], row["amount"], row["category"], row["processor"]) for row in rows] == [
        (MONDAY, Decimal("250.00"), "transfer", "stripe"),
        (MONDAY, Decimal("-19.50"), "card", None),
        (MONDAY, Decimal("0.00"), None, None),
        (TUESDAY, Decimal("-30.00"), "direct_debit", None),
    ]
    assert {row["currency"] for row in rows} == {"EUR"}
    assert rows[0]["booked_at"] == datetime(2026, 3, 1, 23, tzinfo=UTC), "local midnight"
    assert len({row["movement_id"] for row in rows}) == len(rows)


def test_a_reversal_tells_its_own_direction(tmp_path: Path) -> None:
    """ISO 20022: a reversed debit is a credit entry, marked as a reversal."""
    back = Entry(MONDAY, "30.00", family="RDDT", reversal=True)
    drop(tmp_path, Told(MONDAY, "0.00", "30.00", (back,)))
    assert amounts(tmp_path) == decimals("30.00")


def test_closing_balances_have_their_own_day(tmp_path: Path) -> None:
    drop(tmp_path, FIRST, SECOND, THIRD)
    rows = rows_of(tmp_path, BALANCES)
    assert [(row["day"], row["balance"]) for row in rows] == [
        (MONDAY, Decimal("330.50")),
        (TUESDAY, Decimal("300.50")),
        (WEDNESDAY, Decimal("-9.50")),
    ]
    assert rows[0]["observed_at"] == datetime(2026, 3, 2, 22, 59, 59, tzinfo=UTC), (
        "all of Monday, nothing of Tuesday"
    )
    assert {row["account"] for row in rows} == {"FR…0189"}


def test_mapped_they_are_a_banks(tmp_path: Path) -> None:
    drop(tmp_path, FIRST, SECOND)
    mappings = Camt053.declared_mappings(source_of(tmp_path).settings)
    connection = raw_tables(
        {"movements": (MOVEMENTS, rows_of(tmp_path)), "balances": (BALANCES, rows_of(tmp_path, BALANCES))}
    )
    moved = map_rows(connection, mappings["bank_transactions"])
    assert [row["amount"] for row in moved] == decimals("250.00", "-19.50", "0.00", "-30.00")
    assert [row["balance"] for row in map_rows(connection, mappings["bank_balances"])] == decimals(
        "330.50", "300.50"
    )
    assert {row["bank"] for row in moved} == {"the_source"}


@pytest.mark.parametrize("table", [MOVEMENTS, BALANCES], ids=lambda table: table.name)
def test_days_and_a_span_agree(tmp_path: Path, table: Table) -> None:
    drop(tmp_path, FIRST, SECOND, THIRD)
    apart = [row for day in (MONDAY, TUESDAY, WEDNESDAY) for row in rows_of(tmp_path, table, (day, day))]
    assert apart == rows_of(tmp_path, table) != []


def test_a_file_seen_twice_is_one(tmp_path: Path) -> None:
    drop(tmp_path, FIRST, name="a.xml")
    before = rows_of(tmp_path)
    drop(tmp_path, FIRST, name="b.xml")
    drop(
        tmp_path,
        replace(FIRST, number=99, name="again"),
        replace(FIRST, name="again", number=99),
        name="c.xml",
    )
    with pytest.raises(SourceError, match="hole"):
        rows_of(tmp_path)
    (tmp_path / "c.xml").unlink()
    assert rows_of(tmp_path) == before


def test_a_statement_twice_in_one_file_is_one(tmp_path: Path) -> None:
    drop(tmp_path, FIRST, FIRST)
    assert amounts(tmp_path) == decimals("250.00", "-19.50", "0.00")


@pytest.mark.parametrize("alike", [{"name": "same"}, {"number": 11}])
def test_a_corrected_statement_takes_the_place_of_the_first(tmp_path: Path, alike: dict[str, Any]) -> None:
    wrong = replace(FIRST, **{"number": 5, "name": "first", **alike})
    entries = (Entry(MONDAY, "230.50", "STRIPE"),)
    right = replace(FIRST, **{"number": 6, "name": "second", **alike}, entries=entries, created="09:00:00")
    drop(tmp_path, right, name="a.xml")
    drop(tmp_path, wrong, name="b.xml")
    assert amounts(tmp_path) == decimals("230.50")


def test_two_statements_of_one_day_both_count(tmp_path: Path) -> None:
    noon = replace(FIRST, number=11)
    night = Told(MONDAY, "330.50", "331.50", (Entry(MONDAY, "1.00"),), number=12)
    drop(tmp_path, noon)
    drop(tmp_path, night)
    rows = rows_of(tmp_path)
    assert sum(row["amount"] for row in rows) == Decimal("231.50")
    assert len({row["movement_id"] for row in rows}) == len(rows) == 4
    (balance,) = rows_of(tmp_path, BALANCES)
    assert balance["balance"] == Decimal("331.50")


def test_pages_make_one_statement(tmp_path: Path) -> None:
    whole = (Entry(MONDAY, "1.00"), Entry(MONDAY, "2.00"))
    drop(tmp_path, Told(MONDAY, "10.00", None, whole[:1], 7, "paged", page=1), name="1.xml")
    drop(tmp_path, Told(MONDAY, None, "13.00", whole[1:], 7, "paged", page=2), name="2.xml")
    assert amounts(tmp_path) == decimals("1.00", "2.00")
    assert [finding.state for finding in source_of(tmp_path).check()] == ["ok"]


def test_several_accounts_in_one_file(tmp_path: Path) -> None:
    other = Told(
        MONDAY, "0.00", "5.00", (Entry(MONDAY, "5.00", currency="USD"),), 1, account=OTHER, currency="USD"
    )
    drop(tmp_path, FIRST, other)
    rows = rows_of(tmp_path)
    assert len({row["account_id"] for row in rows}) == 2
    assert [row["currency"] for row in rows] == ["EUR", "EUR", "EUR", "USD"]
    assert {(row["account"], row["currency"]) for row in rows_of(tmp_path, BALANCES)} == {
        ("FR…0189", "EUR"),
        ("DE…3000", "USD"),
    }


def test_of_a_batch_only_what_processors_paid_stands_apart(tmp_path: Path) -> None:
    """Each wage of a batch would tell what somebody earns; each payout is looked for by its amount."""
    wages = Entry(MONDAY, "-300.00", details=(Detail("-100.00"), Detail("-200.00")), family="ICDT")
    credits = (Detail("40.00", "STRIPE"), Detail("50.00", "PayPal Europe"), Detail("9.99", "Jeanne Martin"))
    paid = Entry(MONDAY, "99.99", details=credits)
    partly = Entry(MONDAY, "70.00", details=(Detail("40.00", "STRIPE"), Detail("50.00", "STRIPE")))
    silent = Entry(MONDAY, "70.00", details=(Detail(None, "STRIPE"), Detail(None, "STRIPE")))
    drop(tmp_path, Told(MONDAY, "0.00", "-60.01", (wages, paid, partly, silent)))
    assert [(row["amount"], row["processor"]) for row in rows_of(tmp_path)] == [
        (Decimal("-300.00"), None),
        (Decimal("40.00"), "stripe"),
        (Decimal("50.00"), "paypal"),
        (Decimal("9.99"), None),
        (Decimal("70.00"), "stripe"),
        (Decimal("70.00"), "stripe"),
    ]


def test_an_old_versions_batch_is_taken_apart_too(tmp_path: Path) -> None:
    paid = Entry(MONDAY, "90.00", details=(Detail("40.00", "STRIPE"), Detail("50.00")))
    drop(tmp_path, Told(MONDAY, "0.00", "90.00", (paid,)), version=2)
    assert [(row["amount"], row["processor"]) for row in rows_of(tmp_path)] == [
        (Decimal("40.00"), "stripe"),
        (Decimal("50.00"), None),
    ]


def test_nothing_personal_is_kept(tmp_path: Path) -> None:
    drop(tmp_path, FIRST, SECOND)
    kept = repr(rows_of(tmp_path) + rows_of(tmp_path, BALANCES) + source_of(tmp_path).check())
    for hidden in (PERSONAL_CANARY, IBAN, "Jeanne", "CAFE", "EUROPE"):
        assert hidden not in kept


def test_a_missing_statement_is_named_and_its_days_are_not_zero(tmp_path: Path) -> None:
    drop(tmp_path, FIRST)
    drop(tmp_path, THIRD)
    with pytest.raises(SourceError) as caught:
        rows_of(tmp_path)
    assert "2026-03-02-11-05.xml and 2026-03-04-13-05.xml" in caught.value.why and caught.value.mend
    assert amounts(tmp_path, days=(MONDAY, MONDAY)) == decimals("250.00", "-19.50", "0.00")
    assert [finding.state for finding in source_of(tmp_path).check()] == ["ok", "error"]
    drop(tmp_path, SECOND)
    assert len(rows_of(tmp_path)) == 5
    assert [finding.state for finding in source_of(tmp_path).check()] == ["ok"]


def test_without_balances_the_numbers_tell(tmp_path: Path) -> None:
    drop(tmp_path, replace(FIRST, opening=None, closing=None))
    drop(tmp_path, replace(THIRD, opening=None, closing=None))
    with pytest.raises(SourceError) as caught:
        rows_of(tmp_path)
    assert "from 11 to 13" in caught.value.why


def test_a_skipped_number_where_nothing_is_missing_is_a_warning(tmp_path: Path) -> None:
    drop(tmp_path, FIRST)
    drop(tmp_path, replace(SECOND, number=14))
    assert len(rows_of(tmp_path)) == 4
    ok, skipped = source_of(tmp_path).check()
    assert ok.state == "ok" and skipped.state == "warning" and "from 11 to 14" in skipped.detail


def test_a_statement_that_does_not_add_up_is_refused(tmp_path: Path) -> None:
    drop(tmp_path, replace(FIRST, entries=FIRST.entries[1:]))
    with pytest.raises(SourceError) as caught:
        rows_of(tmp_path)
    assert "does not add up" in caught.value.why


def test_quiet_days_are_measured_and_overdue_ones_are_not(tmp_path: Path) -> None:
    drop(tmp_path, FIRST)
    assert amounts(tmp_path, days=(TUESDAY, date(2026, 3, 7))) == []
    with pytest.raises(SourceError) as caught:
        rows_of(tmp_path, days=(TUESDAY, date(2026, 3, 8)))
    assert "close between 2026-03-02 and 2026-03-02" in caught.value.why
    assert amounts(tmp_path, days=(TUESDAY, date(2026, 3, 31)), overdue_days=35) == []
    with pytest.raises(SourceError):
        rows_of(tmp_path, days=(date(2026, 2, 1), date(2026, 2, 28)))


BOMB = '<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY secret SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize("declared", [BOMB, OUTSIDE, '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">'])
def test_a_document_type_is_refused(tmp_path: Path, declared: str) -> None:
    file = drop(tmp_path, FIRST)
    file.write_text(
        file.read_text()
        .replace("?><", f"?>{declared}<")
        .replace("CAFE", "&a;" if "lolz" in declared else "x")
    )
    with pytest.raises(SchemaError) as caught:
        rows_of(tmp_path)
    assert "document type" in caught.value.why and file.name in caught.value.what
    assert [finding.state for finding in source_of(tmp_path).check()] == ["error"]


BROKEN = {
    "cut": ("</Ntry>", "</Ntry><Ntry><Amt", "no whole XML"),
    "another message": ("BkToCstmrStmt>", "BkToCstmrAcctRpt>", "no bank statement"),
    "another version": ("camt.053.001.08", "camt.053.001.01", "version"),
    "no amount": ('<Amt Ccy="EUR">19.50</Amt>', "", "entry 2, has a Ntry without Amt"),
    "a text for an amount": (">19.50<", ">19,50<", "entry 2, has an Amt that is no amount"),
    "a negative amount": (">19.50<", ">-19.50<", "entry 2, has an Amt that is no amount"),
    "no currency": ('<Amt Ccy="EUR">19.50', "<Amt>19.50", "entry 2, has an Amt without Ccy"),
    "no direction": ("19.50</Amt><CdtDbtInd>DBIT</CdtDbtInd>", "19.50</Amt>", "entry 2, lacks CdtDbtInd"),
    "another direction": ("<CdtDbtInd>DBIT", "<CdtDbtInd>D", "neither CRDT nor DBIT"),
    "no status": ("<Sts><Cd>PDNG</Cd></Sts>", "", "entry 3, lacks Sts"),
    "no day": ("<Dt>2026-03-02</Dt></BookgDt>", "<Dt>02.03.2026</Dt></BookgDt>", "entry 1, has a date"),
    "no account": (f"<IBAN>{IBAN}</IBAN>", "", "names no account"),
    "a text for a number": ("<ElctrncSeqNb>11", "<ElctrncSeqNb>XI", "ElctrncSeqNb that is no number"),
}


@pytest.mark.parametrize("kind", list(BROKEN))
def test_what_changed_is_named_with_its_place_and_nothing_is_read(tmp_path: Path, kind: str) -> None:
    old, new, why = BROKEN[kind]
    file = drop(tmp_path, FIRST)
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    with pytest.raises(SchemaError) as caught:
        rows_of(tmp_path)
    error = caught.value
    assert (
        why in error.why and file.name in error.what and "statements, movements" in error.what and error.mend
    )
    assert "19,50" not in str(error) and PERSONAL_CANARY not in str(error) and IBAN not in str(error)


def test_a_statement_without_balance_or_period_is_refused(tmp_path: Path) -> None:
    file = drop(tmp_path, replace(FIRST, opening=None, closing=None))
    text = file.read_text()
    start, end = text.index("<FrToDt>"), text.index("</FrToDt>")
    file.write_text(text[:start] + text[end + len("</FrToDt>") :])
    with pytest.raises(SchemaError) as caught:
        rows_of(tmp_path)
    assert "tells no day" in caught.value.why


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no file"):
        rows_of(tmp_path)
    with pytest.raises(SourceError, match="is not there"):
        rows_of(tmp_path / "elsewhere")
    with pytest.raises(ValidationError):
        Camt053Settings(folder=tmp_path, path="../*.xml")


def test_memory_does_not_grow_with_the_statement(tmp_path: Path) -> None:
    def peak(entries: int) -> int:
        folder = tmp_path / str(entries)
        folder.mkdir()
        many = tuple(Entry(MONDAY, "1.00", "STRIPE") for _ in range(entries))
        drop(folder, Told(MONDAY, "0.00", f"{entries}.00", many))
        tracemalloc.start()
        try:
            read = sum(1 for _ in source_of(folder).fetch(MOVEMENTS, window_of(*WEEK)))
            assert read == entries
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)  # what is loaded once
    assert peak(3000) < 1.5 * peak(300)


def test_a_batch_of_thousands_is_not_held(tmp_path: Path) -> None:
    def peak(details: int) -> int:
        folder = tmp_path / str(details)
        folder.mkdir()
        batch = Entry(
            MONDAY, f"-{details}.00", details=tuple(Detail("-1.00") for _ in range(details)), family="ICDT"
        )
        drop(folder, Told(MONDAY, "0.00", f"-{details}.00", (batch,)))
        tracemalloc.start()
        try:
            assert amounts(folder) == decimals(f"-{details}.00")
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)
    assert peak(3000) < 1.5 * peak(300)


def test_each_month_ends_where_the_next_begins(tmp_path: Path) -> None:
    """Monthly statements: quiet between them, whole after them."""
    day = date(2026, 1, 31)
    entries = tuple(Entry(day - timedelta(days=back), "1.00") for back in (20, 10, 0))
    drop(tmp_path, Told(day, "0.00", "3.00", entries))
    drop(tmp_path, Told(date(2026, 2, 28), "3.00", "3.00"))
    days = (date(2026, 1, 1), date(2026, 3, 20))
    assert amounts(tmp_path, days, overdue_days=35) == decimals("1.00", "1.00", "1.00")
    assert len(rows_of(tmp_path, BALANCES, days, overdue_days=35)) == 2

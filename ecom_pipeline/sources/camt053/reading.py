"""Reads a CAMT.053 file element by element, in bounded memory, and finds the place of what cannot be read.

The message is ISO 20022's BankToCustomerStatement (camt.053.001.02 and later). Versions differ in where a status and
a party stand, not in what is read here. A file that declares a document type is refused before anything of it is
resolved, so that no entity is ever expanded and nothing outside the file is opened.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, iterparse

from ecom_pipeline.errors import SchemaError
from ecom_pipeline.sources.contract import local_midnight
from ecom_pipeline.sources.processors import named_processor

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

T = TypeVar("T")
NAMESPACE = re.compile(r"\{urn:[^}]*:camt\.053\.001\.(\d\d)\}")
OLDEST = 2
AMOUNT = re.compile(r"\d{1,15}(\.\d{1,5})?")
SIGN = {"CRDT": 1, "DBIT": -1}
BOOKED = "BOOK"
CLOSING, OPENING = "CLBD", ("OPBD", "PRCD")


@dataclass(frozen=True)
class Movement:
    """One booked movement; several make up an entry of the statement when a processor paid into a batch."""

    day: date
    booked_at: datetime
    amount: Decimal
    currency: str
    family: str | None
    processor: str | None


@dataclass
class Statement:
    """One statement (or one page of it) of one account: what stands above its entries."""

    file: str
    ordinal: int  # among the statements of its file
    account: str
    currency: str | None
    statement_id: str
    number: int | None
    page: int
    created_at: datetime
    closing_day: date
    opening: Decimal | None
    closing: Decimal | None
    moved: Decimal = field(default=Decimal(0))  # the sum of its booked entries, once it was read to its end


class StatementFile:
    """One file. `name` is how errors call it; times without an offset are of `zone`."""

    def __init__(self, file: Path, name: str, subject: str, zone: ZoneInfo) -> None:
        self.file = file
        self.name = name
        self.subject = subject
        self.zone = zone

    def read(self) -> Iterator[tuple[Statement, list[Movement]]]:
        """Each statement with its movements, entry by entry, and once more with none at its end.

        Raises:
            SchemaError: the file is no CAMT.053 message, or lacks what a statement must have.
        """
        try:
            with self.file.open("rb") as content:
                yield from self._statements(iterparse(content, events=("start", "end"), forbid_dtd=True))
        except DefusedXmlException:
            why = "it declares a document type or entities, which no bank statement has."
            raise self._unreadable(why, "Ask who made it; a bank's own file has none.") from None
        except ParseError as error:
            line, _ = error.position
            why = f"about line {line} it is no whole XML."
            raise self._unreadable(why, "Fetch it from the bank again.") from None
        except OSError as error:
            raise self._unreadable(error.strerror or type(error).__name__, "Check the file.") from None

    def _statements(
        self, events: Iterator[tuple[str, Element]]
    ) -> Iterator[tuple[Statement, list[Movement]]]:
        reader = _Reader(self)
        for event, element in events:
            yield from reader.begin(element) if event == "start" else reader.end(element)
        if reader.version is None:
            what = "it holds no bank statement (BkToCstmrStmt) of camt.053."
            raise self._unreadable(what, "Ask the bank for camt.053; camt.052 and camt.054 are not final.")

    def _unreadable(self, why: str, mend: str) -> SchemaError:
        return SchemaError(
            f"{self.subject}: the file {self.name} cannot be read.",
            why=why,
            mend=f"{mend} Nothing was stored of this table.",
        )

    def error(self, place: str, why: str) -> SchemaError:
        """What is wrong in one place. Values are not quoted: they may be about a person."""
        return self._unreadable(
            f"{place} {why}.", "Fetch it from the bank again; if it is alike, tell us its version."
        )


class _Reader:
    """Follows the elements of one file and lets go of each as soon as it is read."""

    def __init__(self, file: StatementFile) -> None:
        self.file = file
        self.version: int | None = None
        self.page = 1
        self._above: list[Element] = []
        self._statement: Statement | None = None
        self._statements = 0
        self._batch = _Batch()
        self._entries = 0

    @property
    def place(self) -> str:
        return f"statement {self._statements}" + (f", entry {self._entries}," if self._entries else "")

    def begin(self, element: Element) -> Iterator[tuple[Statement, list[Movement]]]:
        name = _name(element)
        if name == "BkToCstmrStmt":
            found = NAMESPACE.match(element.tag)
            if found is None or int(found[1]) < OLDEST:
                raise self.file.error("its statement", f"is of no version from camt.053.001.{OLDEST:02d} on")
            self.version = int(found[1])
        elif name == "Stmt" and self.version is not None:
            self._statements += 1
            self._statement, self._entries = None, 0
        elif name == "Ntry" and self._statements:
            if self._statement is None:
                self._statement = self._header(self._above[-1])
            self._entries += 1
            self._batch = _Batch()
        self._above.append(element)
        yield from ()

    def end(self, element: Element) -> Iterator[tuple[Statement, list[Movement]]]:
        self._above.pop()
        name = _name(element)
        if name == "GrpHdr":
            self.page = self._whole(element, "MsgPgntn/PgNb") or 1
        elif name == "TxDtls" and self._entries:
            self._batch.add(self._detail(element), named_processor(_words(element)))
            self._forget(element)
        elif name == "Ntry" and self._statement is not None:
            movements = self._movements(element)
            self._statement.moved += sum((one.amount for one in movements), Decimal(0))
            yield self._statement, movements
            self._forget(element)
        elif name == "Stmt" and self.version is not None:
            yield self._statement or self._header(element), []
            self._forget(element)

    def _forget(self, element: Element) -> None:
        if self._above:
            self._above[-1].remove(element)

    def _header(self, statement: Element) -> Statement:
        account = _text(statement, "Acct/Id/IBAN") or _text(statement, "Acct/Id/Othr/Id")
        if account is None:
            raise self.file.error(self.place, "names no account (Acct/Id)")
        balances = {_text(one, "Tp/CdOrPrtry/Cd"): one for one in statement.findall("{*}Bal")}
        closing = balances.get(CLOSING)
        opening = next((balances[code] for code in OPENING if code in balances), None)
        day = (
            self._day(statement, "FrToDt/ToDtTm", stands=True)
            if closing is None
            else self._day(closing, "Dt")
        )
        if day is None:
            raise self.file.error(
                self.place, "tells no day: neither a closing balance (CLBD) nor a period (FrToDt)"
            )
        return Statement(
            file=self.file.name,
            ordinal=self._statements,
            account="".join(account.split()),
            currency=None if closing is None else self._currency(closing),
            statement_id=self._needed(statement, "Id"),
            number=self._whole(statement, "LglSeqNb") or self._whole(statement, "ElctrncSeqNb"),
            page=self._whole(statement, "StmtPgntn/PgNb") or self.page,
            created_at=self._instant(self._needed(statement, "CreDtTm")),
            closing_day=day,
            opening=None if opening is None else self._signed(opening),
            closing=None if closing is None else self._signed(closing),
        )

    def _movements(self, entry: Element) -> list[Movement]:
        """What an entry moved. Of a batch, only what a processor paid stands apart."""
        status = _text(entry, "Sts/Cd") or self._needed(entry, "Sts")
        amount, currency = self._signed(entry), self._currency(entry)
        if status != BOOKED:
            return []
        assert self._statement is not None
        day = self._day(entry, "BookgDt") or self._statement.closing_day
        family = _text(entry, "BkTxCd/Domn/Fmly/Cd")
        booked_at = local_midnight(day, self.file.zone.key)

        def moved(part: Decimal, processor: str | None) -> Movement:
            return Movement(day, booked_at, part, currency, family, processor)

        said = named_processor(_words(entry))
        batch = self._batch
        if batch.count < 2 or batch.total != amount or not batch.of_processors:
            named = said or next((processor for _, processor in batch.of_processors), None)
            return [moved(amount, named)]
        parts = [moved(part, processor) for part, processor in batch.of_processors]
        rest = amount - sum((part.amount for part in parts), Decimal(0))
        return [*parts, moved(rest, None)] if rest else parts

    def _detail(self, detail: Element) -> Decimal | None:
        """What one transaction of a batch moved; None when the file does not say, or not in the account's money."""
        entry = next(one for one in reversed(self._above) if _name(one) == "Ntry")
        money = detail.find("{*}Amt")
        if money is None:
            money = detail.find("{*}AmtDtls/{*}TxAmt/{*}Amt")
        whole = entry.find("{*}Amt")
        if money is None or whole is None or money.get("Ccy") != whole.get("Ccy"):
            return None
        side = _text(detail, "CdtDbtInd") or self._needed(entry, "CdtDbtInd")
        return self._amount(money) * self._sign(side)

    def _signed(self, element: Element) -> Decimal:
        """The amount with its direction. A reversal's own direction is told, so it needs no turning."""
        money = element.find("{*}Amt")
        if money is None:
            raise self.file.error(self.place, f"has a {_name(element)} without Amt")
        return self._amount(money) * self._sign(self._needed(element, "CdtDbtInd"))

    def _amount(self, money: Element) -> Decimal:
        text = (money.text or "").strip()
        if not AMOUNT.fullmatch(text):
            raise self.file.error(self.place, "has an Amt that is no amount")
        return Decimal(text)

    def _currency(self, element: Element) -> str:
        money = element.find("{*}Amt")
        if money is None or not money.get("Ccy"):
            raise self.file.error(self.place, "has an Amt without Ccy")
        return str(money.get("Ccy"))

    def _sign(self, side: str) -> int:
        if side not in SIGN:
            raise self.file.error(self.place, "has a CdtDbtInd that is neither CRDT nor DBIT")
        return SIGN[side]

    def _day(self, element: Element, path: str, *, stands: bool = False) -> date | None:
        """The local day of a date or time: `path` leads to a choice of Dt and DtTm, or (`stands`) to the text."""
        text = (
            _text(element, path) if stands else _text(element, f"{path}/Dt") or _text(element, f"{path}/DtTm")
        )
        if text is None:
            return None
        if len(text) == len("2026-12-31"):
            return self._parsed(date.fromisoformat, text)
        return self._instant(text).astimezone(self.file.zone).date()

    def _instant(self, text: str) -> datetime:
        at = self._parsed(datetime.fromisoformat, text)
        return (at if at.tzinfo else at.replace(tzinfo=self.file.zone)).astimezone(UTC)

    def _parsed(self, parse: Callable[[str], T], text: str) -> T:
        try:
            return parse(text)
        except ValueError:
            raise self.file.error(self.place, "has a date or time that is none") from None

    def _whole(self, element: Element, path: str) -> int | None:
        text = _text(element, path)
        if text is not None and not text.isdigit():
            raise self.file.error(self.place, f"has a {path} that is no number")
        return None if text is None else int(text)

    def _needed(self, element: Element, name: str) -> str:
        text = _text(element, name)
        if text is None:
            raise self.file.error(self.place, f"lacks {name} of {_name(element)}")
        return text


class _Batch:
    """What the transactions of one entry add up to; only those that name a processor are held."""

    def __init__(self) -> None:
        self.count = 0
        self.total: Decimal | None = Decimal(0)
        self.of_processors: list[tuple[Decimal, str]] = []

    def add(self, amount: Decimal | None, processor: str | None) -> None:
        self.count += 1
        self.total = None if self.total is None or amount is None else self.total + amount
        if processor is not None:
            self.of_processors.append((amount or Decimal(0), processor))


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(element: Element, path: str) -> str | None:
    """The text under a path of names, or None when it is absent or empty."""
    found = element.findtext("/".join(f"{{*}}{name}" for name in path.split("/")))
    return (found or "").strip() or None


def _words(element: Element) -> str:
    """Everything an element says, for one look at it."""
    return " ".join(text for text in element.itertext() if text.strip())

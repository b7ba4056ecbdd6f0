"""Writes bank statements in CAMT.053, in the wording of the version asked for, with people in all the usual places."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from ecom_pipeline.sandbox.events import BankTransaction, Shop
from ecom_pipeline.sandbox.world import PERSONAL_CANARY

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001."
IBAN = "FR7630006000011234567890189"
FAMILIES = {"income": "RCDT", "transfer": "ICDT", "direct_debit": "RDDT", "card": "CCRD"}
PARTY_SINCE = 8  # from this version on a party's name stands in Pty, and a status in Cd


@dataclass(frozen=True)
class Detail:
    """One transaction of a batch; an amount of None is not told."""

    amount: str | None
    text: str = ""


@dataclass(frozen=True)
class Entry:
    """One entry; `amount` is signed here and split into amount and direction in the file."""

    day: date
    amount: str
    text: str = ""
    status: str = "BOOK"
    family: str | None = "RCDT"
    reversal: bool = False
    currency: str = "EUR"
    details: tuple[Detail, ...] = ()


@dataclass(frozen=True)
class Told:
    """One statement. A balance or number of None is left out."""

    day: date
    opening: str | None
    closing: str | None
    entries: tuple[Entry, ...] = ()
    number: int | None = None
    name: str = ""
    account: str = IBAN
    created: str = "05:00:00"
    page: int | None = None
    currency: str = "EUR"
    extra: str = field(default="")


def document(*told: Told, version: int = 8) -> str:
    """The whole message."""
    statements = "".join(_statement(one, version) for one in told)
    header = "<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-03-31T05:00:00</CreDtTm></GrpHdr>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="{NAMESPACE}{version:02d}">'
        f"<BkToCstmrStmt>{header}{statements}</BkToCstmrStmt></Document>"
    )


def statements_of(shop: Shop) -> list[Told]:
    """The shop's completed movements as its bank would state them: each day of an account that had any."""
    told: list[Told] = []
    for account in shop.bank_accounts:
        days: dict[date, list[BankTransaction]] = {}
        for one in shop.bank_transactions:
            if one.account_id == account.account_id and one.settled_at is not None:
                local = one.settled_at.astimezone(ZoneInfo(shop.time_zone)).date()
                days.setdefault(local, []).append(one)
        days.setdefault(shop.last_day, [])
        balance = account.opening_balance
        for number, (day, movements) in enumerate(sorted(days.items()), 1):
            closing = balance + sum(one.amount for one in movements)
            entries = tuple(
                Entry(day, _units(one.amount), one.label, family=FAMILIES[one.operation_type])
                for one in movements
            )
            told.append(Told(day, _units(balance), _units(closing), entries, number, account=account.iban))
            balance = closing
    return told


def _units(cents: int) -> str:
    return str(Decimal(cents).scaleb(-2))


def _statement(told: Told, version: int) -> str:
    number = "" if told.number is None else f"<ElctrncSeqNb>{told.number}</ElctrncSeqNb>"
    page = (
        ""
        if told.page is None
        else f"<StmtPgntn><PgNb>{told.page}</PgNb><LastPgInd>false</LastPgInd></StmtPgntn>"
    )
    period = f"<FrToDt><FrDtTm>{told.day}T00:00:00</FrDtTm><ToDtTm>{told.day}T23:59:59</ToDtTm></FrToDt>"
    balances = "".join(
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{_money(amount, told.currency)}"
        f"<Dt><Dt>{told.day}</Dt></Dt></Bal>"
        for code, amount in (("OPBD", told.opening), ("CLBD", told.closing))
        if amount is not None
    )
    entries = "".join(_entry(one, version) for one in told.entries)
    name = told.name or f"{PERSONAL_CANARY}-{told.account}-{told.day}-{told.number}"
    return (
        f"<Stmt><Id>{name}</Id>{page}{number}<CreDtTm>{told.day}T{told.created}</CreDtTm>{period}"
        f"<Acct><Id><IBAN>{told.account}</IBAN></Id><Ccy>{told.currency}</Ccy><Nm>{PERSONAL_CANARY}</Nm></Acct>"
        f"{balances}{told.extra}{entries}</Stmt>"
    )


def _money(amount: str, currency: str) -> str:
    side = "DBIT" if amount.startswith("-") else "CRDT"
    return f'<Amt Ccy="{currency}">{amount.lstrip("-")}</Amt><CdtDbtInd>{side}</CdtDbtInd>'


def _entry(entry: Entry, version: int) -> str:
    status = f"<Sts><Cd>{entry.status}</Cd></Sts>" if version >= PARTY_SINCE else f"<Sts>{entry.status}</Sts>"
    reversal = "<RvslInd>true</RvslInd>" if entry.reversal else ""
    details = entry.details or (Detail(None, entry.text),)
    batch = f"<Btch><NbOfTxs>{len(details)}</NbOfTxs></Btch>" if entry.details else ""
    family = (
        f"<Domn><Cd>PMNT</Cd><Fmly><Cd>{entry.family}</Cd><SubFmlyCd>OTHR</SubFmlyCd></Fmly></Domn>"
        if entry.family
        else "<Prtry><Cd>166</Cd></Prtry>"
    )
    return (
        f"<Ntry><NtryRef>1</NtryRef>{_money(entry.amount, entry.currency)}{reversal}{status}"
        f"<BookgDt><Dt>{entry.day}</Dt></BookgDt><ValDt><Dt>{entry.day}</Dt></ValDt>"
        f"<BkTxCd>{family}</BkTxCd><NtryDtls>{batch}"
        f"{''.join(_detail(one, entry, version) for one in details)}</NtryDtls></Ntry>"
    )


def _detail(detail: Detail, entry: Entry, version: int) -> str:
    name = f"<Nm>{PERSONAL_CANARY} Jeanne Martin {detail.text}</Nm>"
    party = f"<Dbtr><Pty>{name}</Pty></Dbtr>" if version >= PARTY_SINCE else f"<Dbtr>{name}</Dbtr>"
    money = ""
    if detail.amount is not None:
        amount = f'<Amt Ccy="{entry.currency}">{detail.amount.lstrip("-")}</Amt>'
        side = "DBIT" if detail.amount.startswith("-") else "CRDT"
        told = f"{amount}<CdtDbtInd>{side}</CdtDbtInd>"
        money = told if version > 2 else f"<AmtDtls><TxAmt>{amount}</TxAmt></AmtDtls>"
    return (
        f"<TxDtls><Refs><EndToEndId>{PERSONAL_CANARY}</EndToEndId></Refs>{money}"
        f"<RltdPties>{party}</RltdPties><RmtInf><Ustrd>{PERSONAL_CANARY} {detail.text}</Ustrd></RmtInf></TxDtls>"
    )

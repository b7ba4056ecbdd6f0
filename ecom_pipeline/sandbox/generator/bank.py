"""The shop's two bank accounts: payouts in; wages, rent, suppliers, ads, VAT and parcels out."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Literal

from ecom_pipeline.sandbox.costs import shop_costs
from ecom_pipeline.sandbox.events import AdDay, BankAccount, BankTransaction, Business, Order
from ecom_pipeline.sandbox.generator.clock import ONE_DAY, Clock, business_day_after
from ecom_pipeline.sandbox.generator.payouts import BankCredit
from ecom_pipeline.sandbox.generator.streams import VendorIds

_OPENING_CURRENT = 24_000_000
_OPENING_SAVINGS = 2_500_000
_SUPPLIERS = (("ATELIER CIRIER DE GRASSE", 0.5), ("VERRERIE DU NORD", 0.3), ("TISSAGES DES VOSGES", 0.2))
_SUPPLIER_DAYS = (10, 17, 25)
_AD_PLATFORMS = (
    (2, "google_ads", "GOOGLE ADS"),
    (13, "meta", "META PLATFORMS"),
    (15, "tiktok", "TIKTOK ADS"),
)
_PAYERS = {"stripe": "STRIPE PAYMENTS EUROPE", "paypal": "PAYPAL EUROPE SARL"}
_CARD_SHOPS = (
    ("SNCF CONNECT", 6800),
    ("PAPETERIE DU MARAIS", 3400),
    ("LEROY MERLIN", 8900),
    ("CAFE LE BALTO", 1850),
)

Status = Literal["pending", "completed", "declined"]


@dataclass
class Month:
    """What a month of business obliges the shop to pay, in euro cents."""

    vat: int = 0
    goods: int = 0
    parcels: int = 0
    ads: Counter[str] = field(default_factory=Counter)  # by platform


class Bank:
    """Keeps both accounts' movements."""

    def __init__(
        self, rng: Random, ids: VendorIds, clock: Clock, orders_per_day: float, business: Business
    ) -> None:
        self._rng = rng
        self._ids = ids
        self._clock = clock
        self._scale = orders_per_day / 100
        self._costs = shop_costs(orders_per_day, business)
        self.accounts = [
            BankAccount(
                ids.uuid("account"),
                "Compte courant",
                "FR7610096000501234567890143",
                "EUR",
                round(_OPENING_CURRENT * self._scale),
            ),
            BankAccount(
                ids.uuid("account"),
                "Compte épargne TVA",
                "FR7610096000509876543210968",
                "EUR",
                round(_OPENING_SAVINGS * self._scale),
            ),
        ]
        self.transactions: list[BankTransaction] = []

    def credit_payouts(self, credits: list[BankCredit]) -> dict[str, str]:
        """Book the processors' transfers; payout id -> transaction id."""
        booked = {}
        for credit in credits:
            label = _PAYERS[credit.processor]
            reference = f"{credit.processor.upper()} {credit.payout_id}"
            booked[credit.payout_id] = self._book(
                credit.day, credit.amount, label, "sales", "income", reference=reference
            )
        return booked

    def pay_bills(self, orders: list[Order], ads: list[AdDay]) -> None:
        """Everything the shop pays, month by month, each month for the one before."""
        months = self._sum_months(orders, ads)
        typical = _average_month(months, (self._clock.last_day - self._clock.first_day).days + 1)
        month = self._clock.first_day.replace(day=1)
        while month <= self._clock.last_day:
            before = (month - ONE_DAY).replace(day=1)
            # Bills for the time before the history are taken from an ordinary month of it.
            owed = months.get(before, typical) if before >= self._clock.first_day else typical
            self._pay_fixed(month)
            self._pay_variable(month, owed)
            month = (month + timedelta(days=32)).replace(day=1)
        self._pay_by_card()
        self.transactions.sort(key=lambda txn: (txn.emitted_at, txn.transaction_id))

    def _sum_months(self, orders: list[Order], ads: list[AdDay]) -> dict[date, Month]:
        months: defaultdict[date, Month] = defaultdict(Month)
        parcel = {
            rate.country: rate.shipping + rate.fulfilment + rate.packaging for rate in self._costs.logistics
        }
        for order in orders:
            if order.test or order.voided_at:
                continue
            for agreement in order.agreements:
                # The month in UTC is near enough for a bill.
                month = months[agreement.at.date().replace(day=1)]
                for line in agreement.lines:
                    month.vat += line.tax if order.currency == "EUR" else 0
                    if line.product and line.product.unit_cost and line.quantity > 0:
                        month.goods += line.quantity * line.product.unit_cost // 100
            for fulfillment in order.fulfillments:
                cost = parcel.get(order.country, parcel["*"])
                months[fulfillment.shipped_at.date().replace(day=1)].parcels += cost
        for row in ads:
            months[row.day.replace(day=1)].ads[row.platform] += row.cost_micros // 10_000
        return dict(months)

    def _pay_fixed(self, month: date) -> None:
        amount = {cost.name: cost.amount for cost in self._costs.fixed + self._costs.marketing}
        wages = amount["Wages"]
        self._pay(month, 3, amount["Rent"], "SCI DES ATELIERS LOYER", "rent", "transfer")
        self._pay(month, 5, wages * 38 // 100, "URSSAF ILE DE FRANCE", "payroll", "direct_debit")
        self._pay(month, 28, wages * 62 // 100, "VIREMENT SALAIRES", "payroll", "transfer")
        self._pay(month, 12, amount["Software"], "SHOPIFY ET LOGICIELS", "software", "direct_debit")
        self._pay(
            month, 14, amount["Accounting and insurance"], "CABINET FIDUCIAIRE", "other_expense", "transfer"
        )
        self._pay(month, 6, amount["Agency"], "AGENCE PERSPECTIVE", "marketing", "transfer")
        self._pay(month, 7, amount["E-mail tool"], "OUTIL NEWSLETTER", "marketing", "direct_debit")
        self._pay(month, 9, amount["Affiliate commissions"], "PARTENAIRES DECO", "marketing", "transfer")
        for one in self._costs.influencers:
            if one.first_day <= month and (one.last_day is None or month <= one.last_day):
                self._pay(month, 16, one.monthly_fee, one.name.upper(), "marketing", "transfer")
        social = amount.get("Social campaigns, invoiced", 0)
        self._pay(month, 11, social, "REGIE SOCIALE", "marketing", "direct_debit")

    def _pay_variable(self, month: date, owed: Month) -> None:
        goods = owed.goods * 12 // 10
        for day, (name, share) in zip(_SUPPLIER_DAYS, _SUPPLIERS, strict=True):
            self._pay(
                month, day, round(goods * share * self._rng.uniform(0.96, 1.04)), name, "supplier", "transfer"
            )
        self._pay(month, 8, owed.parcels * 12 // 10, "COLISSIMO ENTREPRISE", "logistics", "direct_debit")
        for day, platform, name in _AD_PLATFORMS:
            self._pay(month, day, owed.ads[platform], name, "marketing", "direct_debit")
        vat = max(0, owed.vat - (goods - owed.goods) - owed.parcels * 2 // 10)
        self._move(month, 4, vat, 0, 1, "PROVISION TVA")
        self._move(month, 18, vat, 1, 0, "REPRISE TVA")
        self._pay(month, 20, vat, "DGFIP TVA", "tax", "direct_debit")

    def _pay(self, month: date, day: int, amount: int, label: str, category: str, operation: str) -> None:
        settled = business_day_after(month.replace(day=day), 0)
        if amount > 0 and settled >= self._clock.first_day:
            self._book(settled, -amount, label, category, operation)

    def _move(self, month: date, day: int, amount: int, source: int, target: int, label: str) -> None:
        settled = business_day_after(month.replace(day=day), 0)
        if amount > 0 and self._clock.first_day <= settled <= self._clock.last_day:
            self._book(settled, -amount, label, "transfer", "transfer", account=source, own=True)
            self._book(settled, amount, label, "transfer", "income", account=target, own=True)

    def _pay_by_card(self) -> None:
        """Small things on a card: some declined, the latest still pending."""
        rng, number = self._rng, 0
        for day in self._clock.days():
            today = 3 if day == self._clock.last_day else int(rng.random() < 0.35)
            for _ in range(today):
                label, typical = rng.choice(_CARD_SHOPS)
                amount = -max(100, round(typical * rng.uniform(0.4, 1.6)))
                number += 1
                status: Status = "declined" if number % 20 == 3 else "completed"
                settled = business_day_after(day, 1)
                self._book(settled, amount, label, "other_expense", "card", status=status, emitted=day)

    def _book(
        self,
        settled: date,
        amount: int,
        label: str,
        category: str,
        operation: str,
        *,
        account: int = 0,
        own: bool = False,
        reference: str | None = None,
        status: Status = "completed",
        emitted: date | None = None,
    ) -> str:
        """Book one movement; what settles after the history is pending if it had begun by then."""
        clock, rng = self._clock, self._rng
        transaction_id = self._ids.uuid("bank")
        begun = emitted or (settled if operation in ("income", "transfer") else settled - ONE_DAY)
        begun = max(begun, clock.first_day)
        settled_at = clock.moment(settled, rng.uniform(8.5, 10))
        if begun > clock.last_day:
            return transaction_id
        if settled > clock.last_day and status == "completed":
            status = "pending"
        emitted_at = clock.moment(begun, rng.uniform(8, 8.4) if begun == settled else rng.uniform(9, 19))
        self.transactions.append(
            BankTransaction(
                transaction_id=transaction_id,
                account_id=self.accounts[account].account_id,
                amount=amount,
                currency="EUR",
                label=label,
                reference=reference,
                category=category,
                operation_type=operation,
                emitted_at=emitted_at,
                settled_at=settled_at if status == "completed" else None,
                status=status,
                own_transfer=own,
            )
        )
        return transaction_id


def _average_month(months: dict[date, Month], days: int) -> Month:
    """Thirty ordinary days, from the whole history."""

    def thirty(values: list[int]) -> int:
        return sum(values) * 30 // days

    return Month(
        vat=thirty([month.vat for month in months.values()]),
        goods=thirty([month.goods for month in months.values()]),
        parcels=thirty([month.parcels for month in months.values()]),
        ads=Counter(
            {name: thirty([month.ads[name] for month in months.values()]) for _, name, _ in _AD_PLATFORMS}
        ),
    )

"""An account whose sales are told in another currency: converted at the rate of the day of sending, or withheld."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from ..simulation import Simulation, reading, simulate

DAYS = 28


def read_in(simulation: Simulation, currency: str) -> None:
    """Read the account as if it told its sales in a currency."""
    crm = simulation.pipeline.sources["crm"]
    crm.settings = crm.settings.model_copy(update={"currency": currency})
    simulation.extract(sources=["crm", "rates"])
    simulation.compute()


def rate_of(simulation: Simulation, currency: str, day: date) -> Decimal:
    rates = simulation.shop.rates
    return Decimal(rates[max(one for one in rates if one <= day)][currency])


def test_sales_in_another_currency_are_converted_at_the_rate_of_the_day(tmp_path: Path) -> None:
    with simulate(tmp_path, seed=6, days=DAYS, orders_per_day=20, business=reading("crm")) as simulation:
        read_in(simulation, "USD")
        told = simulation.query(
            "SELECT message_id, day, conversion_value FROM mapped.email_campaigns WHERE conversion_value > 0"
        )
        reported = dict(simulation.query("SELECT message_id, conversion_value FROM model.email_campaigns"))
        assert len(told) > 2
        for message, day, value in told:
            euros = (value / rate_of(simulation, "USD", day)).quantize(Decimal("0.01"), ROUND_HALF_UP)
            assert reported[message] == euros != value


def test_days_with_sales_in_a_currency_without_a_rate_are_missing(tmp_path: Path) -> None:
    with simulate(tmp_path, seed=6, days=DAYS, orders_per_day=20, business=reading("crm")) as simulation:
        read_in(simulation, "ISK")
        days = {day for (day,) in simulation.query("SELECT day FROM mapped.email_campaigns")}
        missing = simulation.query(
            "SELECT day, reason FROM kpi.days WHERE kpi = 'email_revenue_per_recipient' AND state = 'missing'"
        )
        assert {day for day, _ in missing} == days and len(days) < DAYS
        assert {reason for _, reason in missing} == {"email_campaigns in a currency without a rate"}

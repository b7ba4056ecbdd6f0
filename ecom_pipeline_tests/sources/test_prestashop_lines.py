"""PrestaShop's orders by hand: discounts spread, slips that keep them, orders given up, times twice a year."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ecom_pipeline.errors import SchemaError
from ecom_pipeline.sources.fields import Fields
from ecom_pipeline.sources.prestashop.lines import spread
from ecom_pipeline.sources.prestashop.orders import Parts, Site, State, instant, order_row

PAID, SHIPPED, CANCELLED, REFUNDED, FAILED, AWAITING = 2, 4, 6, 7, 8, 10
SITE = Site(
    ZoneInfo("Europe/Paris"),
    {
        number: State(counts=number in (PAID, SHIPPED), shipped=number == SHIPPED)
        for number in (PAID, SHIPPED, CANCELLED, REFUNDED, FAILED, AWAITING)
    },
    {1: "EUR"},
    {8: "FR"},
    (CANCELLED,),
)
Line = tuple[str, int, Decimal, Decimal]


def item(kind: str, **fields: Any) -> Fields:
    return Fields(fields, kind, "boutique, orders, 1 March")


def taxed(name: str, untaxed: str, paid: str) -> dict[str, str]:
    return {f"{name}_tax_excl": untaxed, f"{name}_tax_incl": paid}


def order(*, state: int = PAID, shipping: str = "5", off: tuple[str, str] = ("0", "0")) -> Fields:
    return item(
        "order",
        id=7,
        id_currency="1",
        current_state=str(state),
        date_add="2026-03-01 10:00:00",
        date_upd="2026-03-09 10:00:00",
        reference="ABCDEFGHI",
        **taxed("total_shipping", shipping, str(Decimal(shipping) * 2)),
        **taxed("total_discounts", *off),
        **taxed("total_wrapping", "0.000000", "0.000000"),
    )


def detail(number: int, untaxed: str, paid: str, quantity: int = 1) -> Fields:
    article = {"product_id": "30", "product_attribute_id": "0", "product_name": "Vase"}
    amounts = taxed("total_price", untaxed, paid)
    return item("detail", id=number, product_quantity=str(quantity), **article, **amounts)


def slip(
    given: list[tuple[int, int, str, str]],
    goods: tuple[str, str] | None = None,
    shipping: tuple[str, str] = ("0", "0"),
) -> Fields:
    """A slip of articles (line, quantity, amounts); `goods` is what it gives back when it is not their sum."""
    sums = tuple(str(sum(Decimal(one[at]) for one in given)) for at in (2, 3))
    details = [
        {"id": "5", "id_order_detail": str(at), "product_quantity": str(quantity)} | taxed("amount", *amounts)
        for at, quantity, *amounts in given
    ]
    return item(
        "order_slip",
        id=5,
        date_add="2026-03-11 09:00:00",
        date_upd="2026-03-12 09:00:00",
        **taxed("total_products", *(goods or sums)),
        **taxed("total_shipping", *shipping),
        **({"associations": {"order_slip_details": details}} if details else {}),
    )


def history(*states: int) -> list[Fields]:
    return [
        item("history", id=at, id_order_state=str(state), date_add=f"2026-03-0{at} 10:00:00")
        for at, state in enumerate(states, start=1)
    ]


def row(
    one: Fields, details: list[Fields], *slips: Fields, states: Any = (), free: bool | None = None
) -> Any:
    rules = [] if free is None else [item("rule", id=1, free_shipping="1" if free else "0")]
    parts = Parts(details, slips, history(*states), rules, "a@example.com", 8, None)
    return order_row(one, parts, SITE, b"a key of thirty-two bytes or more")


def lines(found: Any) -> list[Line]:
    return [(line["line_id"], line["quantity"], line["total"], line["tax"]) for line in found["lines"]]


def of(name: str, quantity: int, total: str, tax: str) -> Line:
    return name, quantity, Decimal(total), Decimal(tax)


def test_an_orders_discount_is_spread_over_its_goods_to_the_cent() -> None:
    found = row(order(off=("1", "1.20")), [detail(1, "20", "24"), detail(2, "10", "12", 3)])
    assert lines(found) == [
        of("product-1", 1, "19.33", "3.87"),
        of("product-2", 3, "9.67", "1.93"),
        of("shipping-1", 0, "5", "5"),
    ]
    assert [line["subtotal"] for line in found["lines"]] == [20, 10, 5]


def test_free_shipping_is_off_the_shipping() -> None:
    sold, off = [detail(1, "20", "24")], ("7", "12.40")
    assert lines(row(order(off=off), sold, free=True))[0] == of("product-1", 1, "18", "3.60")
    assert lines(row(order(off=off), sold, free=True))[1] == of("shipping-1", 0, "0", "0")
    assert lines(row(order(off=off), sold, free=False))[0] == of("product-1", 1, "13", "-1.40")


def test_what_is_off_beyond_the_goods_is_off_the_shipping() -> None:
    assert lines(row(order(off=("22", "28")), [detail(1, "20", "24")])) == [
        of("product-1", 1, "0", "0"),
        of("shipping-1", 0, "3", "3"),
    ]


def test_prices_with_tax_stay_whole_whatever_they_are_without() -> None:
    """24.20 with 20 % of tax is 20.166667 without: what was paid must not lose a cent."""
    (sold, _) = row(order(), [detail(1, "20.166667", "24.200000")])["lines"]
    assert (sold["total"], sold["tax"]) == (Decimal("20.17"), Decimal("4.03"))
    (number, _) = row(order(), [Fields({**detail(1, "0", "0").item, **numbers()}, "detail", "x")])["lines"]
    assert (number["total"], number["tax"]) == (Decimal("20.17"), Decimal("4.03"))


def numbers() -> dict[str, Decimal]:
    return {"total_price_tax_excl": Decimal("20.166667"), "total_price_tax_incl": Decimal("24.2")}


@pytest.mark.parametrize(
    ("amount", "weights", "shares"),
    [("10", "1 1 1", "3.33 3.34 3.33"), ("0.01", "5 5", "0.01 0"), ("4", "0 8 0", "0 4 0"), ("3", "", "")],
)
def test_an_amount_is_spread_without_a_rest(amount: str, weights: str, shares: str) -> None:
    found = spread(Decimal(amount), [Decimal(one) for one in weights.split()])
    wanted = [Decimal(one) for one in shares.split()]
    assert sorted(found) == sorted(wanted)
    assert sum(found) == (Decimal(amount) if weights else 0)


def test_a_slip_gives_back_its_articles_and_its_shipping_on_its_own_day() -> None:
    found = row(order(), [detail(1, "20", "24", 2)], slip([(1, 1, "10", "12")], shipping=("5", "10")))
    assert lines(found)[2:] == [of("product-1@5", -1, "-10", "-2"), of("shipping-1@5", 0, "-5", "-5")]
    (back, _) = found["lines"][2:]
    assert (back["product_id"], back["product"], back["refund_id"]) == ("30", "Vase", "5")
    assert back["happened_at"] == datetime(2026, 3, 11, 8, tzinfo=UTC)
    assert found["updated_at"] == datetime(2026, 3, 12, 8, tzinfo=UTC), "later than the order's own change"


def test_a_slip_that_keeps_the_discount_gives_back_less_than_its_articles() -> None:
    found = row(order(), [detail(1, "20", "24")], slip([(1, 1, "20", "24")], goods=("20", "21.60")))
    assert lines(found)[2:] == [of("product-1@5", -1, "-20", "-4"), of("adjustment-1@5", 0, "2", "0.40")]


def test_a_slip_without_articles_gives_back_an_amount() -> None:
    found = row(order(), [detail(1, "20", "24")], slip([], goods=("5", "6")))
    assert lines(found)[2:] == [of("adjustment-1@5", 0, "-5", "-1")]


def test_an_old_slip_whose_totals_were_never_written_counts_by_its_articles() -> None:
    found = row(order(), [detail(1, "20", "24")], slip([(1, 1, "20", "24")], goods=("0", "0")))
    assert lines(found)[2:] == [of("product-1@5", -1, "-20", "-4")]


@pytest.mark.parametrize("empty", [None, ""])
def test_what_old_rows_never_had_is_nothing(empty: Any) -> None:
    old = slip([(1, 1, "20", "24")])
    old.item.update(dict.fromkeys((f"total_shipping_tax_{tax}" for tax in ("excl", "incl")), empty))
    old.item.update(dict.fromkeys((f"total_products_tax_{tax}" for tax in ("excl", "incl")), empty))
    sold = detail(1, "20", "24")
    sold.item["product_attribute_id"] = empty
    found = row(order(), [sold], old)
    assert lines(found)[2:] == [of("product-1@5", -1, "-20", "-4")]
    assert found["lines"][0]["product_id"] == "30"


def test_an_order_given_up_gives_back_what_slips_did_not() -> None:
    given_back = slip([(1, 1, "10", "12")], goods=("13", "15"))
    found = row(
        order(state=CANCELLED), [detail(1, "20", "24", 2)], given_back, states=(PAID, SHIPPED, CANCELLED)
    )
    assert found["is_counted"] and found["cancelled_at"] == datetime(2026, 3, 3, 9, tzinfo=UTC)
    ended = [line for line in found["lines"] if line["refund_id"] == "given-up"]
    assert {line["happened_at"] for line in ended} == {found["cancelled_at"]}
    assert sum(line["total"] + line["tax"] for line in found["lines"]) == 0
    assert sum(line["total"] for line in found["lines"]) == 0
    assert sum(line["quantity"] for line in found["lines"]) == 0
    assert len({line["line_id"] for line in found["lines"]}) == len(found["lines"])


def test_an_order_whose_state_says_refunded_after_its_slips_loses_nothing_twice() -> None:
    whole = slip([(1, 1, "20", "24")], shipping=("5", "10"))
    found = row(order(state=REFUNDED), [detail(1, "20", "24")], whole, states=(PAID, SHIPPED, REFUNDED))
    assert [line["refund_id"] for line in found["lines"]] == [None, None, "5", "5"]
    assert found["is_counted"] and found["cancelled_at"] is None


@pytest.mark.parametrize(
    ("states", "counted", "given_up_on"),
    [
        ((AWAITING,), False, None),
        ((AWAITING, CANCELLED), False, None),
        ((AWAITING, PAID), True, None),
        ((PAID, FAILED, PAID), True, None),
        ((PAID, FAILED, PAID, REFUNDED, CANCELLED), True, 4),
        ((PAID, 99), True, 2),
    ],
)
def test_states_decide_whether_an_order_counts(
    states: tuple[int, ...], counted: bool, given_up_on: int | None
) -> None:
    found = row(order(state=states[-1]), [detail(1, "20", "24")], states=states)
    assert found["is_counted"] is counted
    assert (found["cancelled_at"] is not None) == (given_up_on is not None and states[-1] == CANCELLED)
    ended = {line["happened_at"].day for line in found["lines"] if line["refund_id"] == "given-up"}
    assert ended == ({given_up_on} if given_up_on else set())
    assert found["shipped_at"] is None


def test_an_order_without_a_history_stands_in_its_present_state() -> None:
    """As imported orders do: the state is the one it has, since it was last changed."""
    found = row(order(state=SHIPPED), [detail(1, "20", "24")])
    assert found["is_counted"] and found["shipped_at"] == datetime(2026, 3, 9, 9, tzinfo=UTC)
    later = row(order(state=SHIPPED), [detail(1, "20", "24")], states=(PAID, SHIPPED, SHIPPED))
    assert later["shipped_at"] == datetime(2026, 3, 2, 9, tzinfo=UTC), "the parcel left once"


def test_a_state_the_history_does_not_tell_of_holds_since_the_last_change() -> None:
    found = row(order(state=CANCELLED), [detail(1, "20", "24")], states=(PAID,))
    assert found["cancelled_at"] == datetime(2026, 3, 9, 9, tzinfo=UTC)
    assert sum(line["total"] for line in found["lines"]) == 0


def test_a_currency_the_shop_does_not_have_is_named() -> None:
    with pytest.raises(SchemaError, match="id_currency"):
        row(Fields({**order().item, "id_currency": "4"}, "order", "boutique, orders, 1 March"), [])


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-07-01 12:00:00", datetime(2026, 7, 1, 10, tzinfo=UTC)),
        ("2026-12-01 12:00:00", datetime(2026, 12, 1, 11, tzinfo=UTC)),
        ("2026-10-25 02:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # there twice: the first
        ("2026-10-25 03:00:00", datetime(2026, 10, 25, 2, tzinfo=UTC)),
    ],
)
def test_times_are_the_shops(written: str, meant: datetime) -> None:
    assert instant(item("order", date_add=written), "date_add", SITE.zone) == meant


@pytest.mark.parametrize("written", ["0000-00-00 00:00:00", "2026-07-01", ""])
def test_what_is_no_time_is_named(written: str) -> None:
    with pytest.raises(SchemaError, match="the field date_add of order is no time"):
        instant(item("order", date_add=written), "date_add", SITE.zone)

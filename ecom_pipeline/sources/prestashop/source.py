"""PrestaShop as a source: one shop, read with a webservice key that may only read."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from ecom_pipeline.errors import AuthenticationError, EcomError, SourceError
from ecom_pipeline.sources.contract import Finding, Row, Source, SourceSettings, Table, Window
from ecom_pipeline.sources.fields import Fields
from ecom_pipeline.sources.http import HttpClient, Patience, RefusedError, subject
from ecom_pipeline.sources.pagination import starting_after
from ecom_pipeline.sources.prestashop.lines import amount, article_id
from ecom_pipeline.sources.prestashop.orders import Parts, Site, State, order_row
from ecom_pipeline.sources.prestashop.tables import FIELDS, ORDERS, PRODUCTS

PAGE = 100
KEYS_PAGE = "Advanced Parameters, Webservice"
SECOND = timedelta(seconds=1)
FOREVER = "9999-12-31 23:59:59"
SAID = {
    17: "the key is empty",
    18: "the key is no webservice key",
    20: "the key does not exist or is switched off",
    21: "the key may read nothing",
    22: "the webservice is switched off",
    25: "the key may not GET the resource",
    26: "the key may not read the resource",
    132: "the key is not for this shop",
}  # what the codes of the webservice's errors mean; their messages may quote what was asked


class PrestaShopSettings(SourceSettings):
    """One shop. Its times are those of `time_zone`, by default the business's own.

    An order that was paid and then came into one of `cancelled_states` is a cancelled one.
    """

    webservice_key: SecretStr
    base_url: str
    time_zone: str | None = None
    cancelled_states: tuple[int, ...] = (6,)


class PrestaShop(Source):
    """Orders, credit slips and products of one PrestaShop shop."""

    vendor = "prestashop"
    title = "PrestaShop"
    family = "shops"
    credentials = (
        f"A webservice key made under {KEYS_PAGE}, with the permission GET on exactly {', '.join(FIELDS)}; "
        "base_url is the shop's address."
    )
    Settings = PrestaShopSettings
    tables = (ORDERS, PRODUCTS)
    patience: ClassVar[Patience] = Patience()

    def fetch(self, table: Table, window: Window) -> Iterator[Row]:
        named = subject(self.name, table, window)
        with self._client(named) as http:
            if table.name == ORDERS.name:
                yield from self._orders(http, window, named)
            else:
                yield from self._products(http, named)

    def fetch_keys(self, table: Table, window: Window) -> Iterator[str]:
        if table.name != ORDERS.name:
            yield from super().fetch_keys(table, window)
        named = subject(self.name, table, window)
        asked = self._between("date_add", window) | {"display": "[id]"}
        with self._client(named) as http:
            for order in self._items(http, "orders", asked, named):
                yield str(order.integer("id"))

    def check(self) -> list[Finding]:
        found, refused = [], []
        with self._client(self.name) as http:
            for resource in FIELDS:
                name = f"{self.name}, {resource}"
                try:
                    self._list(http, resource, {"limit": 1}, self.name)
                    found.append(Finding(name, "ok", "The resource can be read."))
                except (AuthenticationError, RefusedError) as error:
                    mend = f"Under {KEYS_PAGE}, tick GET for {resource}. {error.mend}"
                    refused.append(Finding(name, "error", f"{error.what} {error.why}", mend))
                except EcomError as error:
                    return [Finding(name, "error", f"{error.what} {error.why}", error.mend)]
        if not found:  # it is not the rights, it is the key or the address
            return [Finding(self.name, "error", refused[0].detail, self.credentials)]
        return found + refused

    def _orders(self, http: HttpClient, window: Window, named: str) -> Iterator[Row]:
        """The orders changed in the window, and those of a credit slip that was: a slip leaves its order as it is."""
        site, read = self._site(http, named), set[int]()
        changed = self._between("date_upd", window)
        for page in self._pages(http, "orders", changed, named):
            read.update(order.integer("id") for order in page)
            yield from self._rows(http, page, site, named)
        slips = self._items(http, "order_slip", changed | {"display": "[id,id_order]"}, named)
        others = sorted({slip.integer("id_order") for slip in slips} - read)
        for at in range(0, len(others), PAGE):
            page = self._named(http, "orders", others[at : at + PAGE], named)
            yield from self._rows(http, page, site, named)

    def _rows(self, http: HttpClient, orders: Sequence[Fields], site: Site, named: str) -> Iterator[Row]:
        """The rows of a page of orders, with all that other resources tell of them."""
        numbers = [order.integer("id") for order in orders]
        details, slips, histories, rules = (
            self._of_orders(http, resource, numbers, named)
            for resource in ("order_details", "order_slip", "order_histories", "order_cart_rules")
        )
        used = (rule.integer("id_cart_rule") for found in rules.values() for rule in found)
        codes = self._by_number(http, "cart_rules", used, "code", named)
        buyers = (order.integer("id_customer") for order in orders)
        emails = self._by_number(http, "customers", buyers, "email", named)
        places = (order.integer("id_address_delivery") for order in orders)
        countries = self._by_number(http, "addresses", places, "id_country", named)
        for order in orders:
            number = order.integer("id")
            own_rules = rules.get(number, ())
            own_codes = [codes.get(rule.integer("id_cart_rule")) for rule in own_rules]
            country = countries.get(order.integer("id_address_delivery"))
            parts = Parts(
                details.get(number, ()),
                slips.get(number, ()),
                histories.get(number, ()),
                own_rules,
                emails.get(order.integer("id_customer")),
                None if country is None else int(country),
                next(filter(None, own_codes), None),
            )
            yield order_row(order, parts, site, self.context.pseudonym_key)

    def _products(self, http: HttpClient, named: str) -> Iterator[Row]:
        """Every sellable article: a product's combinations, or the product when it has none."""
        currency = self._default_currency(http, named)
        below: dict[int, list[Fields]] = {}
        for one in self._items(http, "combinations", {}, named):
            below.setdefault(one.integer("id_product"), []).append(one)
        stock = {
            (one.integer("id_product"), one.integer("id_product_attribute")): one.integer("quantity")
            for one in self._items(http, "stock_availables", {}, named)
        }
        for product in self._items(http, "products", {}, named):
            number, cost = product.integer("id"), amount(product, "wholesale_price")
            costs = {0: cost} | {
                one.integer("id"): amount(one, "wholesale_price") or cost for one in below.get(number, ())
            }
            for combination, unit_cost in costs.items():
                if combination or len(costs) == 1:
                    yield {
                        "id": article_id(number, combination),
                        "name": named_in_a_language(product),
                        "unit_cost": unit_cost or None,  # zero where nobody entered a cost
                        "currency": currency,
                        "on_hand": stock.get((number, combination)),
                        "is_active": bool(product.integer("active")),
                    }

    def _site(self, http: HttpClient, named: str) -> Site:
        states = {
            state.integer("id"): State(bool(state.integer("logable")), bool(state.integer("shipped")))
            for state in self._items(http, "order_states", {}, named)
        }
        currencies, countries = (
            {one.integer("id"): one.text("iso_code") for one in self._items(http, resource, {}, named)}
            for resource in ("currencies", "countries")
        )
        return Site(self._zone(), states, currencies, countries, self.settings.cancelled_states)

    def _default_currency(self, http: HttpClient, named: str) -> str:
        """The currency the shop's prices are in: the one all others are rated by."""
        found = {
            one.text("iso_code")
            for one in self._items(http, "currencies", {}, named)
            if amount(one, "conversion_rate") == Decimal(1)
        }
        if len(found) == 1:
            return found.pop()
        raise SourceError(
            f"{named}: the shop does not tell which currency its costs are in.",
            why=f"It is the one with the exchange rate 1, and {len(found)} currencies have it.",
            mend="Under International, Localization, Currencies, update the exchange rates.",
        )

    def _of_orders(
        self, http: HttpClient, resource: str, orders: Sequence[int], named: str
    ) -> Mapping[int, list[Fields]]:
        """What a resource holds of some orders, by order."""
        found: dict[int, list[Fields]] = {}
        for one in self._items(http, resource, {"filter[id_order]": any_of(orders)}, named):
            found.setdefault(one.integer("id_order"), []).append(one)
        return found

    def _by_number(
        self, http: HttpClient, resource: str, numbers: Iterator[int], field: str, named: str
    ) -> Mapping[int, str]:
        """A field of some of a resource's items, by their numbers; none for those that are no longer there."""
        wanted = sorted({number for number in numbers if number})
        items = self._named(http, resource, wanted, named) if wanted else ()
        return {one.integer("id"): str(one.value(field) or "") for one in items}

    def _named(self, http: HttpClient, resource: str, numbers: Sequence[int], named: str) -> list[Fields]:
        """The items of these numbers, in one answer: they are those some page of orders names."""
        return self._list(http, resource, {"filter[id]": any_of(numbers)}, named)

    def _items(
        self, http: HttpClient, resource: str, asked: Mapping[str, Any], named: str
    ) -> Iterator[Fields]:
        for page in self._pages(http, resource, asked, named):
            yield from page

    def _pages(
        self, http: HttpClient, resource: str, asked: Mapping[str, Any], named: str
    ) -> Iterator[list[Fields]]:
        """All pages of a list, each of the items after the last one's number: so none is lost to one that leaves."""

        def page_after(last: str | None) -> tuple[list[list[Fields]], bool]:
            after = {} if last is None else {"filter[id]": f">[{last}]"}
            page = self._list(http, resource, {**asked, **after, "sort": "[id_ASC]", "limit": PAGE}, named)
            return [page] if page else [], len(page) == PAGE

        return starting_after(page_after, lambda page: str(page[-1].integer("id")), named)

    def _list(self, http: HttpClient, resource: str, asked: Mapping[str, Any], named: str) -> list[Fields]:
        """One answer: an empty list, or an object whose only field is the list."""
        fields = ",".join(FIELDS[resource])
        shown = {"display": f"[{fields}]" if fields else "full", "output_format": "JSON"}
        body = http.get_json(f"api/{resource}", {**shown, **asked})
        found = next(iter(body.values())) if isinstance(body, dict) and len(body) == 1 else body
        if not isinstance(found, list):
            raise SourceError(
                f"{named}: the shop's answer is no list of {resource}.",
                why="A module or the host in front of the shop changed the answer.",
                mend=f"Open {KEYS_PAGE} and check that the webservice answers.",
            )
        return [Fields(item, resource, named) for item in found]

    def _between(self, field: str, window: Window) -> dict[str, str]:
        """The window in the shop's time, both ends included; dates are filtered only when it is said they are."""
        first = window.start_at.astimezone(self._zone())
        last = (window.end_at - SECOND).astimezone(self._zone())
        open_end = field == "date_upd" and window.reaches_newest
        end = FOREVER if open_end else f"{last:%Y-%m-%d %H:%M:%S}"
        return {f"filter[{field}]": f"[{first:%Y-%m-%d %H:%M:%S},{end}]", "date": "1"}

    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.settings.time_zone or self.context.time_zone)

    def _client(self, named: str) -> HttpClient:
        key = self.settings.webservice_key
        token = base64.b64encode(f"{key.get_secret_value()}:".encode()).decode()
        return HttpClient(
            self.settings.base_url,
            subject=named,
            credentials=self.credentials,
            headers={"Authorization": SecretStr(f"Basic {token}")},
            secrets=[key, token],
            explain=explained,
            patience=self.patience,
        )


def any_of(numbers: Sequence[int]) -> str:
    """A filter for any of these numbers."""
    return f"[{'|'.join(map(str, numbers))}]"


def named_in_a_language(product: Fields) -> str:
    """A product's name; of a shop in several languages, in the first."""
    name = product.value("name")
    return (
        Fields(name[0], "product name", product.subject).text("value")
        if isinstance(name, list) and name
        else product.text("name")
    )


def explained(body: Any) -> str:
    """What the first of the webservice's errors means."""
    errors = body.get("errors") if isinstance(body, dict) else None
    code = (
        errors[0].get("code") if isinstance(errors, list) and errors and isinstance(errors[0], dict) else None
    )
    return SAID.get(code, f"error {code}") if isinstance(code, int) else ""

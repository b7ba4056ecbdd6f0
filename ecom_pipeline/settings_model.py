"""The typed shape of `ecom.toml`: one class per section, each key with its meaning and its limits."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from babel.numbers import list_currencies
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from ecom_pipeline.settings_errors import nearest
from ecom_pipeline.settings_receivers import (
    AlertReaderSettings,
    AlertSettings,
    AudienceSettings,
    MailSettings,
    RecipientSettings,
    Section,
    WebhookSettings,
)
from ecom_pipeline.settings_targets import Amount, Targets, exact
from ecom_pipeline.sources.contract import SourceSettings


class ShopSettings(Section):
    """The business: its days, its currency, where its history begins."""

    name: str = Field(min_length=1)
    time_zone: str
    currency: str
    history_start: date
    complete_since: date | None = None  # customers first seen before are known, not new
    minimum_coverage: Decimal = Field(default=Decimal("0.9"), ge=0, le=1)
    churn_window_days: int | None = Field(default=None, ge=1)
    platform_time_zones: dict[str, str] = Field(  # by source, of shops whose own reports keep other days
        default_factory=dict
    )
    restocking_days: int = Field(default=14, ge=0)  # from ordering articles to their lying on the shelf
    has_none_of: tuple[
        str, ...
    ] = ()  # what the shop truly has nothing of ("ad_performance"): zero, not missing

    @field_validator("time_zone")
    @classmethod
    def _time_zone_exists(cls, value: str) -> str:
        if value not in available_timezones():
            raise _unknown("No time zone has this name", value, available_timezones(), "Europe/Paris")
        return value

    @field_validator("platform_time_zones")
    @classmethod
    def _platform_time_zones_exist(cls, value: dict[str, str]) -> dict[str, str]:
        return {source: cls._time_zone_exists(zone) for source, zone in value.items()}

    @field_validator("currency")
    @classmethod
    def _currency_exists(cls, value: str) -> str:
        if value not in list_currencies():
            raise _unknown("No currency has this code", value, list_currencies(), "EUR")
        return value

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class MonthlyCost(Section):
    """A cost per calendar month that no API knows; prorated by day."""

    name: str
    monthly: Amount
    first_day: date
    last_day: date | None = None
    channel: str | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> MonthlyCost:
        if self.last_day is not None and self.last_day < self.first_day:
            raise ValueError(f"{self.name} ends before it begins, so it would never be counted")
        return self


class LogisticsRate(Section):
    """What an order to a country costs to ship; country "*" stands for every other one."""

    country: str = Field(
        pattern=r"^([A-Z]{2}|\*)$",
        description="It is no country's code of two letters",
        examples=['"FR"', '"*" for every country not listed'],
    )
    shipping: Amount
    fulfilment: Amount = Decimal(0)
    packaging: Amount = Decimal(0)
    return_freight: Amount = Decimal(0)


class CostSettings(Section):
    """Costs no API knows, in the reporting currency."""

    fixed: tuple[MonthlyCost, ...] = ()
    marketing: tuple[MonthlyCost, ...] = ()
    logistics: tuple[LogisticsRate, ...] = ()

    @field_validator("logistics")
    @classmethod
    def _one_rate_each(cls, value: tuple[LogisticsRate, ...]) -> tuple[LogisticsRate, ...]:
        countries = [rate.country for rate in value]
        if doubled := sorted({country for country in countries if countries.count(country) > 1}):
            raise ValueError(f"{', '.join(doubled)} has two rates, and every parcel would be counted twice")
        return value


class InfluencerSettings(Section):
    """Somebody paid to speak of the shop, known by discount codes and by the utm_campaign of her links.

    The fee is per calendar month, prorated by day; the commission is on the net sales of the orders she brings, from
    the agreement's first day to its last.
    """

    name: str = Field(min_length=1)
    codes: tuple[str, ...] = ()
    utm_campaigns: tuple[str, ...] = ()
    monthly_fee: Amount = Decimal(0)
    commission_percent: Annotated[
        Decimal, BeforeValidator(exact), Field(ge=0, le=100, max_digits=5, decimal_places=2)
    ] = Decimal(0)
    first_day: date
    last_day: date | None = None

    @field_validator("codes", "utm_campaigns")
    @classmethod
    def _as_compared(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(tag.strip().lower() for tag in value)

    @model_validator(mode="after")
    def _can_be_recognised(self) -> InfluencerSettings:
        if self.last_day is not None and self.last_day < self.first_day:
            raise ValueError(f"{self.name} ends before it begins, so no order would be counted")
        if not any((*self.codes, *self.utm_campaigns)):
            raise ValueError(f"{self.name} has neither codes nor utm_campaigns, so no order would be counted")
        return self


class ReportSettings(Section):
    """What the first page shows, and when a report may go out."""

    essentials: tuple[str, ...] = Field(
        default=(
            "conversion_rate",
            "customer_acquisition_cost",
            "ltv_to_cac",
            "lifetime_value",
            "average_order_value",
            "net_margin_rate",
            "cash_balance",
        ),
        min_length=1,
    )
    languages: tuple[Literal["fr", "en"], ...] = Field(default=("fr", "en"), min_length=1)
    send_from: time = time(
        7
    )  # shop time: on its day a report goes out from then on, as soon as its sources are in,
    wait_until: time = time(10)  # and with what there is at that time

    @model_validator(mode="after")
    def _waits_after_it_may_send(self) -> ReportSettings:
        if self.wait_until < self.send_from:
            raise ValueError("wait_until comes before send_from, so no report would ever go out")
        return self


class StorageSettings(Section):
    """Where everything the pipeline writes lies."""

    folder: Path = Path("var")


class SourceInstance(BaseModel):
    """One named source: the vendor it speaks to and that vendor's own settings."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)
    name: str
    vendor: str
    settings: SourceSettings


class Settings(Section):
    """The whole configuration; see `ecom_pipeline.settings.load_settings`."""

    shop: ShopSettings
    sources: dict[str, SourceInstance]
    costs: CostSettings = CostSettings()
    influencers: tuple[InfluencerSettings, ...] = ()
    targets: dict[str, Targets] = Field(default={})
    report: ReportSettings = ReportSettings()
    audiences: dict[str, AudienceSettings] = Field(default={"direction": AudienceSettings()}, min_length=1)
    mail: MailSettings | None = None
    alerts: AlertSettings = AlertSettings()
    webhooks: tuple[WebhookSettings, ...] = ()
    storage: StorageSettings = StorageSettings()
    # What no person writes into ecom.toml; see `ecom_pipeline.settings`.
    file: Path = Field(exclude=True)
    pseudonym_key: SecretStr | None = Field(default=None, exclude=True)
    smtp_password: SecretStr | None = Field(default=None, exclude=True)
    imap_password: SecretStr | None = Field(default=None, exclude=True)
    dagster_postgres_url: SecretStr | None = Field(default=None, exclude=True)  # it holds a password

    @field_validator("influencers")
    @classmethod
    def _each_tag_is_one_persons(
        cls, value: tuple[InfluencerSettings, ...]
    ) -> tuple[InfluencerSettings, ...]:
        for kind in ("codes", "utm_campaigns"):
            tags = [tag for one in value for tag in getattr(one, kind)]
            if doubled := sorted({tag for tag in tags if tags.count(tag) > 1}):
                raise ValueError(f"{', '.join(doubled)} stands twice in {kind}, and orders would count twice")
        names = [one.name for one in value]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(doubled)} stands there twice: give each influencer one entry")
        return value

    @field_validator("webhooks")
    @classmethod
    def _each_webhook_has_its_name(cls, value: tuple[WebhookSettings, ...]) -> tuple[WebhookSettings, ...]:
        names = [one.name for one in value]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(doubled)} stands there twice: give each webhook its own name")
        return value

    @model_validator(mode="after")
    def _alerts_can_be_mailed(self) -> Settings:
        if self.alerts.recipients and self.mail is None:
            raise ValueError("alerts.recipients are told by e-mail, and there is no [mail] section")
        return self

    @field_validator("audiences")
    @classmethod
    def _audiences_have_plain_names(cls, value: dict[str, AudienceSettings]) -> dict[str, AudienceSettings]:
        for name in value:
            if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
                raise ValueError(
                    f"{name} becomes part of files' names: use lower-case letters, digits and single _"
                )
        return value

    def audience_languages(self, name: str) -> tuple[Literal["fr", "en"], ...]:
        """The languages an audience's reports are written in."""
        return self.audiences[name].languages or self.report.languages

    @model_validator(mode="after")
    def _everybody_can_read(self) -> Settings:
        for hook in self.webhooks:
            if hook.format == "slack" and hook.language not in self.report.languages:
                raise ValueError(
                    f"the webhook {hook.name} is in {hook.language}, and report.languages has no {hook.language}"
                )
        people: list[RecipientSettings | AlertReaderSettings] = [*self.alerts.recipients]
        people += self.mail.recipients if self.mail else ()
        for person in people:
            if person.language not in self.report.languages:
                raise ValueError(
                    f"a recipient reads {person.language}, and report.languages has no {person.language}"
                )
        return self

    @model_validator(mode="after")
    def _every_reader_has_a_report(self) -> Settings:
        for name, audience in self.audiences.items():
            if strange := [one for one in audience.languages or () if one not in self.report.languages]:
                raise ValueError(
                    f"the audience {name} reads {strange[0]}, and report.languages has no {strange[0]}"
                )
        for person in self.mail.recipients if self.mail else ():
            if person.audience not in self.audiences:
                raise ValueError(
                    f"a recipient belongs to the audience {person.audience}, and there is no [audiences.{person.audience}]"
                )
            if person.language not in self.audience_languages(person.audience):
                raise ValueError(
                    f"a recipient of the audience {person.audience} reads {person.language}, and its languages have none"
                )
        return self

    @property
    def tells_alerts(self) -> bool:
        """Whether anybody or anything is told between reports."""
        return bool(self.webhooks or self.alerts.recipients)

    @property
    def folder(self) -> Path:
        """The one folder everything is written under; relative paths start at `ecom.toml`."""
        return beside(self.file, self.storage.folder).resolve()

    @property
    def warehouse_file(self) -> Path:
        return self.folder / "warehouse.duckdb"

    @property
    def published_file(self) -> Path:
        return self.folder / "published" / "warehouse.duckdb"

    @property
    def reports_folder(self) -> Path:
        return self.folder / "reports"


def beside(file: Path, path: Path) -> Path:
    """The path, which begins in the folder of the file when it is relative."""
    return file.parent / path.expanduser()


def _unknown(what: str, value: str, names: Iterable[str], example: str) -> PydanticCustomError:
    """Only a near miss is answered: anything else may be a secret in the wrong place."""
    near = nearest(value, sorted(names))
    return PydanticCustomError("unknown_name", what, {"mend": near or f'Write it like "{example}".'})

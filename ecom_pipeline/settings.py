"""`ecom.toml` and the environment, read into one typed and validated value.

Everything a person decides stands in the committed `ecom.toml`; every secret comes from the environment
or a `.env` file beside it, and is held as SecretStr so that it cannot be printed by accident.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from zoneinfo import ZoneInfo, available_timezones

from dotenv import dotenv_values
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from ecom_pipeline.errors import ConfigurationError
from ecom_pipeline.sources.contract import SourceSettings
from ecom_pipeline.sources.registry import vendors

CONFIG_VARIABLE = "ECOM_CONFIG"
PSEUDONYM_VARIABLE = "ECOM_PSEUDONYM_KEY"
SMTP_PASSWORD_VARIABLE = "ECOM_SMTP_PASSWORD"
DAGSTER_POSTGRES_VARIABLE = "ECOM_DAGSTER_POSTGRES_URL"


def _exact(value: object) -> object:
    """Money is written as text or a whole number: a TOML float has lost its cents before we see it."""
    if isinstance(value, float):
        raise ValueError(f'write the amount in quotes, as "{value}": a bare decimal is not exact')
    return value


Amount = Annotated[Decimal, BeforeValidator(_exact), Field(max_digits=16, decimal_places=4)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ShopSettings(_Section):
    """The business: its days, its currency, where its history begins."""

    name: str
    time_zone: str
    currency: str = Field(pattern="^[A-Z]{3}$")
    history_start: date
    complete_since: date | None = None  # customers first seen before are known, not new
    minimum_coverage: Decimal = Field(default=Decimal("0.9"), ge=0, le=1)
    churn_window_days: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _time_zone_exists(self) -> ShopSettings:
        if self.time_zone not in available_timezones():
            near = difflib.get_close_matches(self.time_zone, available_timezones(), 1)
            raise ValueError(
                f"unknown time zone {self.time_zone}" + (f"; did you mean {near[0]}?" if near else "")
            )
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class MonthlyCost(_Section):
    """A cost per calendar month that no API knows; prorated by day."""

    name: str
    monthly: Amount
    first_day: date
    last_day: date | None = None
    channel: str | None = None


class LogisticsRate(_Section):
    """What an order to a country costs to ship; country "*" stands for every other one."""

    country: str = Field(pattern=r"^([A-Z]{2}|\*)$")
    shipping: Amount
    fulfilment: Amount = Decimal(0)
    packaging: Amount = Decimal(0)
    return_freight: Amount = Decimal(0)


class CostSettings(_Section):
    fixed: tuple[MonthlyCost, ...] = ()
    marketing: tuple[MonthlyCost, ...] = ()
    logistics: tuple[LogisticsRate, ...] = ()


class ReportSettings(_Section):
    """What the first page shows, and when a report may go out."""

    essentials: tuple[str, ...] = (
        "conversion_rate",
        "customer_acquisition_cost",
        "ltv_to_cac",
        "lifetime_value",
        "average_order_value",
        "net_margin_rate",
        "cash_balance",
    )
    languages: tuple[Literal["fr", "en"], ...] = ("fr", "en")


class RecipientSettings(_Section):
    email: str = Field(pattern=r"^[^@\s<>]+@[^@\s<>]+$")
    name: str = ""
    language: Literal["fr", "en"] = "fr"


class MailSettings(_Section):
    """The SMTP server reports leave by. Its password is ECOM_SMTP_PASSWORD."""

    host: str
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["none", "starttls", "tls"] = "starttls"
    username: str | None = None
    sender: str = Field(pattern=r"^[^@\s<>]+@[^@\s<>]+$")
    sender_name: str = ""
    unsubscribe: str = ""
    ca_file: Path | None = None
    timeout_seconds: float = 30.0
    recipients: tuple[RecipientSettings, ...] = ()


class StorageSettings(_Section):
    """Where everything the pipeline writes lies."""

    folder: Path = Path("var")


class SourceInstance(BaseModel):
    """One named source: the vendor it speaks to and that vendor's own settings."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)
    name: str
    vendor: str
    settings: SourceSettings


class Settings(_Section):
    """The whole configuration; see `load_settings`."""

    shop: ShopSettings
    sources: dict[str, SourceInstance]
    costs: CostSettings = CostSettings()
    targets: dict[str, Decimal] = {}
    report: ReportSettings = ReportSettings()
    mail: MailSettings | None = None
    storage: StorageSettings = StorageSettings()
    file: Path
    pseudonym_key: SecretStr | None = None
    smtp_password: SecretStr | None = None

    @property
    def folder(self) -> Path:
        """The one folder everything is written under; relative paths start at `ecom.toml`."""
        return (self.file.parent / self.storage.folder).resolve()

    @property
    def warehouse_file(self) -> Path:
        return self.folder / "warehouse.duckdb"

    @property
    def published_file(self) -> Path:
        return self.folder / "published" / "warehouse.duckdb"

    @property
    def reports_folder(self) -> Path:
        return self.folder / "reports"


def find_config() -> Path:
    """`$ECOM_CONFIG`, else the nearest `ecom.toml` from here upwards."""
    if named := os.environ.get(CONFIG_VARIABLE):
        return Path(named)
    for folder in (Path.cwd(), *Path.cwd().parents):
        if (folder / "ecom.toml").is_file():
            return folder / "ecom.toml"
    raise ConfigurationError(
        "There is no ecom.toml here.",
        mend=f"Go to the folder that holds it, or name it in {CONFIG_VARIABLE}.",
    )


def load_settings(file: Path | None = None, environment: dict[str, str] | None = None) -> Settings:
    """Read and validate the configuration.

    Secrets that are missing do not fail here but where they are needed, so that the lineage graph opens
    before the first key is there; the doctor lists them.

    Raises:
        ConfigurationError: names the key, what is wrong with it, and the nearest valid name.
    """
    file = (file or find_config()).resolve()
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read.", why=error.strerror or "") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file} is not valid TOML.", why=str(error)) from None
    if environment is None:
        dotenv = {
            key: value for key, value in dotenv_values(file.parent / ".env").items() if value is not None
        }
        environment = {**dotenv, **os.environ}
    sources = {
        name: _read_source(name, entry, environment) for name, entry in document.get("sources", {}).items()
    }
    values = {
        **document,
        "sources": sources,
        "file": file,
        "pseudonym_key": environment.get(PSEUDONYM_VARIABLE),
        "smtp_password": environment.get(SMTP_PASSWORD_VARIABLE),
    }
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise _explain(error, Settings, "") from None
    _check_kpi_names(settings)
    return settings


def secret_variable(instance: str, field: str) -> str:
    """The environment variable that holds a source's secret."""
    return re.sub(r"[^A-Z0-9]+", "_", f"ECOM_{instance}_{field}".upper())


def secret_fields(model: type[BaseModel]) -> list[str]:
    """Names of a settings class's secret fields."""
    return [
        name
        for name, info in model.model_fields.items()
        if info.annotation is SecretStr or SecretStr in get_args(info.annotation)
    ]


def missing_secrets(instance: SourceInstance) -> list[str]:
    """Environment variables that the source needs and that are empty."""
    return [
        secret_variable(instance.name, field)
        for field in secret_fields(type(instance.settings))
        if (value := getattr(instance.settings, field)) is not None and not value.get_secret_value()
    ]


def _read_source(name: str, entry: Any, environment: dict[str, str]) -> SourceInstance:
    where = f"sources.{name}"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ConfigurationError(f"{where}: a source's name is lower-case letters, digits and _.")
    if not isinstance(entry, dict) or "vendor" not in entry:
        raise ConfigurationError(
            f"{where} names no vendor.", mend=f"Add vendor = one of {', '.join(vendors())}."
        )
    vendor = entry["vendor"]
    if vendor not in vendors():
        raise ConfigurationError(
            f"{where}: there is no vendor {vendor!r}.", mend=_nearest(str(vendor), list(vendors()))
        )
    model = vendors()[vendor].Settings
    values = {key: value for key, value in entry.items() if key != "vendor"}
    for field in secret_fields(model):
        if field in values:
            raise ConfigurationError(
                f"{where}.{field} is a secret and must not stand in ecom.toml.",
                mend=f"Put it into the environment or .env as {secret_variable(name, field)}.",
            )
        given = environment.get(secret_variable(name, field))
        if given is not None or model.model_fields[field].is_required():
            values[field] = SecretStr(given or "")
    try:
        return SourceInstance(name=name, vendor=vendor, settings=model.model_validate(values))
    except ValidationError as error:
        raise _explain(error, model, where) from None


def _explain(error: ValidationError, model: type[BaseModel], where: str) -> ConfigurationError:
    first = error.errors(include_input=False)[0]
    location = [str(part) for part in first["loc"]]
    path = ".".join(filter(None, [where, *location]))
    if first["type"] == "extra_forbidden":
        names = _names_at(model, location[:-1])
        return ConfigurationError(f"ecom.toml: unknown key {path}.", mend=_nearest(location[-1], names))
    if first["type"] == "missing":
        return ConfigurationError(f"ecom.toml: {path} is missing.", mend=f"Add it: {first['msg']}.")
    return ConfigurationError(f"ecom.toml: {path}: {first['msg']}.", mend="Correct the value.")


def _names_at(model: type[BaseModel], location: list[str]) -> list[str]:
    current: Any = model
    for part in location:
        if isinstance(current, type) and issubclass(current, BaseModel) and part in current.model_fields:
            current = _model_of(current.model_fields[part].annotation)
    names = list(current.model_fields) if isinstance(current, type) and issubclass(current, BaseModel) else []
    internal = {"file", "pseudonym_key", "smtp_password"} if current is Settings else set()
    return [name for name in names if name not in internal]


def _model_of(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, UnionType, tuple, dict):
        candidates = [_model_of(argument) for argument in get_args(annotation)]
        return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), annotation)
    return annotation


def _nearest(name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, 1)
    listed = f"Valid names: {', '.join(names)}."
    return f"Did you mean {near[0]}? {listed}" if near else listed


def _check_kpi_names(settings: Settings) -> None:
    from ecom_pipeline.kpis.definition import kpis  # noqa: PLC0415 - kpis are read only when there are names

    for section, names in (("targets", settings.targets), ("report.essentials", settings.report.essentials)):
        for name in names:
            if name not in kpis():
                raise ConfigurationError(
                    f"ecom.toml: {section} names the unknown KPI {name}.", mend=_nearest(name, list(kpis()))
                )

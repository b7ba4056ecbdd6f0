"""`ecom.toml` and the environment, read into one typed and validated value.

Everything a person decides stands in the committed `ecom.toml`; every secret comes from the environment
or a `.env` file beside it, and is held as SecretStr so that it cannot be printed by accident.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

from dotenv import dotenv_values
from pydantic import BaseModel, SecretStr, ValidationError

from ecom_pipeline.errors import ConfigurationError
from ecom_pipeline.settings_errors import explain, nearest
from ecom_pipeline.settings_model import (
    MonthlyCost,
    Settings,
    ShopSettings,
    SourceInstance,
    beside,
)
from ecom_pipeline.settings_receivers import InboxSettings, MailSettings, WebhookSettings
from ecom_pipeline.sources.registry import vendors

__all__ = [
    "CONFIG_VARIABLE",
    "DAGSTER_POSTGRES_VARIABLE",
    "IMAP_PASSWORD_VARIABLE",
    "PSEUDONYM_VARIABLE",
    "SMTP_PASSWORD_VARIABLE",
    "InboxSettings",
    "MailSettings",
    "MonthlyCost",
    "Settings",
    "ShopSettings",
    "SourceInstance",
    "WebhookSettings",
    "find_config",
    "load_settings",
    "missing_secrets",
    "secret_fields",
    "secret_variable",
    "webhook_variable",
]

CONFIG_VARIABLE = "ECOM_CONFIG"
PSEUDONYM_VARIABLE = "ECOM_PSEUDONYM_KEY"
SMTP_PASSWORD_VARIABLE = "ECOM_SMTP_PASSWORD"
IMAP_PASSWORD_VARIABLE = "ECOM_IMAP_PASSWORD"
DAGSTER_POSTGRES_VARIABLE = "ECOM_DAGSTER_POSTGRES_URL"
SOURCE_NAME = r"[a-z][a-z0-9]*(_[a-z0-9]+)*"
SHORTEST_PSEUDONYM_KEY = 16  # below, every e-mail of the world could be tried against the keyed hashes


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
    document = _read_toml(file)
    if environment is None:
        # Without interpolation: a $ in a password is a $.
        dotenv = dotenv_values(file.parent / ".env", interpolate=False)
        environment = {key: value for key, value in dotenv.items() if value is not None} | dict(os.environ)
    sources = {
        name: _read_source(name, entry, environment, file)
        for name, entry in _section(document, "sources").items()
    }
    _refuse_shared_secrets(sources.values(), _webhook_names(document.get("webhooks")))
    values = {
        **document,
        "mail": _with_mail_paths(document.get("mail"), file),
        "webhooks": _with_webhook_secrets(document.get("webhooks"), environment),
        "sources": sources,
        "file": file,
        "pseudonym_key": _pseudonym_key(environment),
        "smtp_password": environment.get(SMTP_PASSWORD_VARIABLE) or None,
        "imap_password": environment.get(IMAP_PASSWORD_VARIABLE) or None,
        "dagster_postgres_url": environment.get(DAGSTER_POSTGRES_VARIABLE, "").strip() or None,
    }
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise explain(error, Settings) from None
    _check_kpi_names(settings)
    _check_targets(settings)
    _check_questions(settings)
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


def webhook_variable(name: str, field: str) -> str:
    """The environment variable that holds a webhook's `url` or `signing_key`."""
    return secret_variable(f"webhook_{name}", field)


def missing_secrets(instance: SourceInstance) -> list[str]:
    """Environment variables that the source needs and that are empty."""
    return [
        secret_variable(instance.name, field)
        for field in secret_fields(type(instance.settings))
        if (value := getattr(instance.settings, field)) is not None and not value.get_secret_value()
    ]


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be read.", why=error.strerror or "", mend="Check its name and its rights."
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(
            f"{file} is not UTF-8.",
            why="TOML is always written in UTF-8.",
            mend="Save it again with the encoding UTF-8.",
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(
            f"{file} is not valid TOML.", why=str(error), mend="Look at that line and the one before."
        ) from None
    for name in ("file", "pseudonym_key", "smtp_password", "imap_password", "dagster_postgres_url"):
        if name in document:
            raise ConfigurationError(
                f"ecom.toml: unknown key {name}.",
                why="Secrets and the file's own place are not written there.",
                mend=f"Secrets come from the environment or .env, as {PSEUDONYM_VARIABLE}, "
                f"{SMTP_PASSWORD_VARIABLE}, {IMAP_PASSWORD_VARIABLE} and {DAGSTER_POSTGRES_VARIABLE}.",
            )
    return document


def _section(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = document.get(name, {})
    if not isinstance(section, dict):
        raise ConfigurationError(
            f"ecom.toml: {name} cannot be used.",
            why="It is a section, not a value.",
            mend=f"Write [{name}.<name>] and the keys below it.",
        )
    return section


def _pseudonym_key(environment: Mapping[str, str]) -> str | None:
    key = environment.get(PSEUDONYM_VARIABLE, "").strip()
    if 0 < len(key) < SHORTEST_PSEUDONYM_KEY:
        raise ConfigurationError(
            f"{PSEUDONYM_VARIABLE} is too short.",
            why=f"With less than {SHORTEST_PSEUDONYM_KEY} characters, addresses could be guessed from their hashes.",
            mend="Set it to a long random text, once, and keep it: with another key all customers look new.",
        )
    return key or None


def _read_source(name: str, entry: Any, environment: Mapping[str, str], file: Path) -> SourceInstance:
    where = f"sources.{name}"
    if not re.fullmatch(SOURCE_NAME, name):
        raise ConfigurationError(
            f"ecom.toml: {where} cannot be used.",
            why="A source's name becomes part of tables' and variables' names.",
            mend="Write it in lower-case letters, digits and single _ between them.",
        )
    if not isinstance(entry, dict) or "vendor" not in entry:
        raise ConfigurationError(
            f"ecom.toml: {where} names no vendor.",
            why="The vendor decides how a source is read.",
            mend=f"Add vendor = one of {', '.join(vendors())}.",
        )
    vendor = entry["vendor"]
    if not isinstance(vendor, str) or vendor not in vendors():
        raise ConfigurationError(
            f"ecom.toml: {where}.vendor is unknown.",
            why="Every vendor is a folder of the product's sources, and none has this name.",
            mend=nearest(str(vendor), vendors()),
        )
    model = vendors()[vendor].Settings
    values = _with_paths(model, {key: value for key, value in entry.items() if key != "vendor"}, file)
    for field in secret_fields(model):
        variable = secret_variable(name, field)
        if field in values:
            raise ConfigurationError(
                f"ecom.toml: {where}.{field} is a secret and must not stand there.",
                why="The file is committed and shared; what stands in it is not secret any more.",
                mend=f"Take it out, renew it at the vendor, and put it into the environment or .env as {variable}.",
            )
        # Copied keys bring blanks and line ends with them.
        given = environment.get(variable, "").strip()
        if given or model.model_fields[field].is_required():
            values[field] = SecretStr(given)
    try:
        return SourceInstance(name=name, vendor=vendor, settings=model.model_validate(values))
    except ValidationError as error:
        raise explain(error, model, where) from None


def _webhook_names(entries: Any) -> list[str]:
    listed = entries if isinstance(entries, list) else []
    return [str(entry["name"]) for entry in listed if isinstance(entry, dict) and "name" in entry]


def _with_webhook_secrets(entries: Any, environment: Mapping[str, str]) -> Any:
    """The webhooks as they are written, each with its secrets from the environment."""
    if not isinstance(entries, list):
        return () if entries is None else entries
    return [_with_secrets(entry, environment) if isinstance(entry, dict) else entry for entry in entries]


def _with_secrets(entry: dict[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    name = str(entry.get("name", ""))
    found: dict[str, Any] = {}
    for field in secret_fields(WebhookSettings):
        variable = webhook_variable(name, field)
        if field in entry:
            raise ConfigurationError(
                f"ecom.toml: {field} of the webhook {name} is a secret and must not stand there.",
                why="The file is committed and shared; whoever reads it could write to the webhook.",
                mend=f"Take it out, renew it, and put it into the environment or .env as {variable}.",
            )
        if given := environment.get(variable, "").strip():
            found[field] = SecretStr(given)
    return entry | found


def _refuse_shared_secrets(sources: Iterable[SourceInstance], webhooks: Iterable[str]) -> None:
    """Two sources may be named so that one variable would serve both: `a` with `b_key`, `a_b` with `key`."""
    owners = {
        PSEUDONYM_VARIABLE: "pseudonyms",
        SMTP_PASSWORD_VARIABLE: "mail",
        IMAP_PASSWORD_VARIABLE: "mail",
        DAGSTER_POSTGRES_VARIABLE: "Dagster",
        **{
            webhook_variable(name, field): f"the webhook {name}"
            for name in webhooks
            for field in secret_fields(WebhookSettings)
        },
    }
    for source in sources:
        for field in secret_fields(type(source.settings)):
            variable = secret_variable(source.name, field)
            if variable in owners:
                raise ConfigurationError(
                    f"ecom.toml: sources.{source.name} cannot have this name.",
                    why=f"{variable} would be a secret of {owners[variable]} and of {source.name}.",
                    mend="Give the source another name.",
                )
            owners[variable] = source.name


def _with_paths(model: type[BaseModel], values: Any, file: Path) -> Any:
    """The values with relative paths beginning where `ecom.toml` lies, wherever the command was typed."""
    if not isinstance(values, dict):
        return values
    paths = [
        name
        for name, info in model.model_fields.items()
        if info.annotation is Path or Path in get_args(info.annotation)
    ]
    return {
        key: str(beside(file, Path(value))) if key in paths and isinstance(value, str) else value
        for key, value in values.items()
    }


def _with_mail_paths(values: Any, file: Path) -> Any:
    found = _with_paths(MailSettings, values, file)
    if isinstance(found, dict) and "inbox" in found:
        return found | {"inbox": _with_paths(InboxSettings, found["inbox"], file)}
    return found


def _check_kpi_names(settings: Settings) -> None:
    from ecom_pipeline.kpis.definition import kpis  # noqa: PLC0415 - kpis are read only when there are names

    families = {kpi.family for kpi in kpis().values()}
    named: list[tuple[str, Iterable[str], Collection[str]]] = [
        ("targets", settings.targets, kpis()),
        ("report.essentials", settings.report.essentials, kpis()),
    ]
    for key, audience in settings.audiences.items():
        named.append((f"audiences.{key}.essentials", audience.essentials or (), kpis()))
        named.append((f"audiences.{key}.kpis", audience.kpis or (), {*kpis(), *families}))
    for section, names, known in named:
        for name in names:
            if name not in known:
                raise ConfigurationError(
                    f"ecom.toml: {section} names the unknown KPI {name}.",
                    why="Every KPI is a file of the product, and none has this name.",
                    mend=nearest(name, known) or "See all of them with: ecom-pipeline kpi list",
                )


def _check_questions(settings: Settings) -> None:
    from ecom_pipeline.insights.questions.question import questions  # noqa: PLC0415 - read only when there are names

    for key, audience in settings.audiences.items():
        for name in audience.questions or ():
            if name not in questions():
                raise ConfigurationError(
                    f"ecom.toml: audiences.{key}.questions names the unknown question {name}.",
                    why="Every question is a file of the product, and none has this name.",
                    mend=nearest(name, questions()) or f"Use some of {', '.join(questions())}.",
                )


def _check_targets(settings: Settings) -> None:
    """Only a flow adds up over a period; for all other KPIs a target is one value."""
    from ecom_pipeline.kpis.definition import Kind, kpis  # noqa: PLC0415 - kpis are read only when there are names

    for name, targets in settings.targets.items():
        is_flow = kpis()[name].kind is Kind.FLOW
        for target in targets:
            if is_flow and target.value is not None:
                raise ConfigurationError(
                    f"ecom.toml: targets.{name} names no period.",
                    why=f"{name} adds up day by day, so the same amount is much for a week and little for a year.",
                    mend=f'Write [targets.{name}] and below it week, month, quarter or year = "{target.value}".',
                )
            if not is_flow and target.value is None:
                raise ConfigurationError(
                    f"ecom.toml: targets.{name} names a period.",
                    why=f"{name} does not add up over days: its target is the same for every period.",
                    mend=f"Write targets.{name} = {next(iter(target.amounts.values()))}, or value = … when it has "
                    "from and to.",
                )

"""Secrets in settings: they come from the environment or `.env`, by name, and are never shown."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr

from ecom_pipeline.errors import ConfigurationError
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.sandbox.world import SECRET_CANARY
from ecom_pipeline.settings import (
    DAGSTER_POSTGRES_VARIABLE,
    IMAP_PASSWORD_VARIABLE,
    PSEUDONYM_VARIABLE,
    SMTP_PASSWORD_VARIABLE,
    load_settings,
    missing_secrets,
    secret_fields,
    secret_variable,
)
from ecom_pipeline.sources.contract import Source, SourceSettings
from ecom_pipeline.sources.registry import vendors

from .test_settings import HOOK, KEY, MAIL, SECRET, SHOP, SHOPIFY, load, refusal


def test_secrets_do_not_stand_in_the_committed_file(tmp_path: Path) -> None:
    error = refusal(tmp_path, f'{SHOP}{SHOPIFY}access_token = "{SECRET}"\n')
    assert "sources.shop.access_token is a secret" in error.what
    assert "ECOM_SHOP_ACCESS_TOKEN" in error.mend


@pytest.mark.parametrize("field", ["url", "signing_key"])
def test_a_webhooks_secrets_come_from_the_environment_only(tmp_path: Path, field: str) -> None:
    error = refusal(tmp_path, f'{SHOP}{HOOK}{field} = "{SECRET}"\n')
    assert f"{field} of the webhook team is a secret" in error.what
    variable = f"ECOM_WEBHOOK_TEAM_{field.upper()}"
    assert variable in error.mend
    (hook,) = load(tmp_path, SHOP + HOOK, {variable: f" {SECRET}\n"}).webhooks
    assert getattr(hook, field).get_secret_value() == SECRET
    assert SECRET not in repr(hook) + hook.model_dump_json()


def test_a_source_and_a_webhook_do_not_share_a_secret(tmp_path: Path) -> None:
    class Settings(SourceSettings):
        url: SecretStr

    class Vendor(Source):
        pass

    Vendor.Settings = Settings
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(vendors(), "hooked", Vendor)
        section = '[sources.webhook_team]\nvendor = "hooked"\n'
        error = refusal(tmp_path, f"{SHOP}{section}{HOOK}")
    assert "ECOM_WEBHOOK_TEAM_URL would be a secret of the webhook team" in error.why


def test_every_vendors_secrets_are_typed_as_such() -> None:
    telling = ("token", "secret", "key", "password", "login", "service_account")
    for vendor, source in vendors().items():
        for name, info in source.Settings.model_fields.items():
            if info.annotation is str and name not in {"token_url"}:
                assert not any(word in name for word in telling), f"{vendor}.{name} looks like a secret"
        for field in secret_fields(source.Settings):
            assert secret_variable("two_shops", field).startswith("ECOM_TWO_SHOPS_")


def test_secrets_come_from_the_environment_and_from_dotenv_and_the_former_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ecom.toml").write_text(f"{SHOP}{SHOPIFY}[sources.pay]\nvendor = 'stripe'\n")
    dollar = f"{SECRET}-${{HOME}}-$x#y"
    (tmp_path / ".env").write_text(
        f"ECOM_SHOP_ACCESS_TOKEN='{SECRET}-file'\nECOM_PAY_API_KEY='{dollar}'\n{PSEUDONYM_VARIABLE}='{KEY}'\n"
    )
    monkeypatch.setenv("ECOM_SHOP_ACCESS_TOKEN", f" {SECRET}-environment\n")
    monkeypatch.setenv(SMTP_PASSWORD_VARIABLE, f"{SECRET}-smtp")
    settings = load_settings(tmp_path / "ecom.toml")
    shop, pay = (settings.sources[name].settings.model_dump() for name in ("shop", "pay"))
    assert shop["access_token"].get_secret_value() == f"{SECRET}-environment", "the environment wins, trimmed"
    assert pay["api_key"].get_secret_value() == dollar, "a $ in a secret is a $"
    assert settings.pseudonym_key and settings.pseudonym_key.get_secret_value() == KEY
    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert SECRET_CANARY not in shown and KEY not in shown
    assert not any(SECRET_CANARY in repr(source) for source in Pipeline(settings).sources.values())
    assert KEY not in repr(next(iter(Pipeline(settings).sources.values())).context)


def test_the_mailbox_reports_come_back_to(tmp_path: Path) -> None:
    inbox = '[mail.inbox]\nhost = "imap.example.com"\nusername = "shop"\nca_file = "authority.pem"\n'
    (tmp_path / "ecom.toml").write_text(f"{SHOP}{MAIL}{inbox}")
    settings = load_settings(tmp_path / "ecom.toml", {IMAP_PASSWORD_VARIABLE: SECRET})
    assert settings.mail and settings.mail.inbox
    read = settings.mail.inbox
    assert (read.port, read.security, read.folder) == (993, "tls", "INBOX")
    assert read.ca_file == tmp_path.resolve() / "authority.pem", "it begins where ecom.toml lies"
    assert settings.imap_password and settings.imap_password.get_secret_value() == SECRET
    assert SECRET not in f"{settings!r} {settings.model_dump_json()}"
    error = refusal(tmp_path, f'{SHOP}{MAIL}[mail.inbox]\nhost = "imap.example.com"\npassword = "{SECRET}"\n')
    assert SECRET not in str(error)


def test_missing_secrets_are_found_by_name_and_do_not_hinder_the_graph(tmp_path: Path) -> None:
    ads = '[sources.ads]\nvendor = "google_ads"\ncustomer_id = "123-456-7890"\n'
    given = {"ECOM_ADS_CLIENT_ID": "id", "ECOM_ADS_CLIENT_SECRET": "  "}
    settings = load(tmp_path, f"{SHOP}{SHOPIFY}{ads}", given)
    assert missing_secrets(settings.sources["shop"]) == ["ECOM_SHOP_ACCESS_TOKEN"]
    assert missing_secrets(settings.sources["ads"]) == [
        "ECOM_ADS_DEVELOPER_TOKEN",
        "ECOM_ADS_CLIENT_SECRET",
        "ECOM_ADS_REFRESH_TOKEN",
    ]
    pipeline = Pipeline(settings)
    assert len(pipeline.catalog.streams) == 4
    with pytest.raises(ConfigurationError, match="ECOM_SHOP_ACCESS_TOKEN, ECOM_PSEUDONYM_KEY") as caught:
        pipeline.extract("shop", pipeline.tables("shop")[0], date(2026, 1, 1), date(2026, 1, 2))
    assert caught.value.mend
    assert not settings.warehouse_file.exists(), "nothing was stored"


def test_the_address_of_the_run_storage_is_a_secret_and_may_stand_in_dotenv(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(DAGSTER_POSTGRES_VARIABLE, raising=False)
    file = tmp_path / "ecom.toml"
    file.write_text(SHOP)
    assert load_settings(file).dagster_postgres_url is None
    url = f"postgresql://dagster:{SECRET}@db:5432/runs"
    (tmp_path / ".env").write_text(f"{DAGSTER_POSTGRES_VARIABLE}='{url}'\n")
    settings = load_settings(file)
    assert settings.dagster_postgres_url and settings.dagster_postgres_url.get_secret_value() == url
    assert SECRET_CANARY not in f"{settings!r} {settings.model_dump()} {settings.model_dump_json()}"
    monkeypatch.setenv(DAGSTER_POSTGRES_VARIABLE, "")
    assert load_settings(file).dagster_postgres_url is None, "the environment wins"


@pytest.mark.parametrize("key", ["", "   "])
def test_an_empty_pseudonym_key_is_none(tmp_path: Path, key: str) -> None:
    """With an empty key a pseudonym would be a plain hash, which anybody can try addresses against."""
    assert load(tmp_path, SHOP, {PSEUDONYM_VARIABLE: key}).pseudonym_key is None


def test_a_short_pseudonym_key_is_refused_and_not_shown(tmp_path: Path) -> None:
    error = refusal(tmp_path, SHOP, {PSEUDONYM_VARIABLE: "hunter2"})
    assert PSEUDONYM_VARIABLE in error.what and "hunter2" not in str(error)


def test_no_variable_serves_two_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Narrow(SourceSettings):
        password: SecretStr = SecretStr("")

    class Mailing:
        Settings: ClassVar[type[SourceSettings]] = Narrow

    known: dict[str, Any] = {**vendors(), "mailing": Mailing}
    monkeypatch.setattr("ecom_pipeline.settings.vendors", lambda: known)
    load(tmp_path, f'{SHOP}[sources.letters]\nvendor = "mailing"\n')
    error = refusal(tmp_path, f'{SHOP}[sources.smtp]\nvendor = "mailing"\n')
    assert SMTP_PASSWORD_VARIABLE in error.why

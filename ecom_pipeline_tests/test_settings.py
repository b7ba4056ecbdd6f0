"""Settings: what is wrong is named in a person's words, and no secret is ever shown."""

from __future__ import annotations

import traceback
from decimal import Decimal
from pathlib import Path

import pytest

from ecom_pipeline.errors import ConfigurationError
from ecom_pipeline.sandbox.world import SECRET_CANARY
from ecom_pipeline.settings import (
    CONFIG_VARIABLE,
    Settings,
    find_config,
    load_settings,
    missing_secrets,
)
from ecom_pipeline.sources.contract import Source
from ecom_pipeline.sources.registry import vendors

from .conftest import REPOSITORY

SHOP = """
[shop]
name = "Maison Test"
time_zone = "Europe/Paris"
currency = "EUR"
history_start = 2026-01-01
"""
SHOPIFY = '[sources.shop]\nvendor = "shopify"\ndomain = "maison-test.myshopify.com"\n'
FIXED = '[[costs.fixed]]\nname = "Rent"\nfirst_day = 2026-01-01\n'
INFLUENCER = '[[influencers]]\nname = "Léa"\nfirst_day = 2026-01-01\n'
MAIL = '[mail]\nhost = "smtp.example.com"\nsender = "shop@example.com"\n'
HOOK = '[[webhooks]]\nname = "team"\n'
FILES = """
[sources.old]
vendor = "files"
folder = "imports"
[sources.old.tables.sales]
path = "*.csv"
[sources.old.tables.sales.columns.amount]
from = "Amount"
"""
KEY = "a pseudonym key long enough"
SECRET = f"{SECRET_CANARY}-0123456789"


def load(folder: Path, text: str, environment: dict[str, str] | None = None) -> Settings:
    file = folder / "ecom.toml"
    file.write_text(text, encoding="utf-8")
    return load_settings(file, {} if environment is None else environment)


def refusal(folder: Path, text: str, environment: dict[str, str] | None = None) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        load(folder, text, environment)
    error = caught.value
    assert error.what and error.why and error.mend, "what is wrong, why, and how to mend it"
    hidden = error.__suppress_context__ or error.__context__ is None
    assert hidden, "the validator's own sentences are for programmers, and quote values"
    return error


@pytest.mark.parametrize(
    ("text", "key", "meant"),
    [
        (f"targts = {{}}\n{SHOP}", "targts", "targets"),
        (f"{SHOP}[raport]\n", "raport", "report"),
        (f'{SHOP}curency = "EUR"\n', "shop.curency", "currency"),
        (f"{SHOP}[[costs.fixd]]\n", "costs.fixd", "fixed"),
        (f'{SHOP}{FIXED}monthly = "1"\nlast = 2026-02-01\n', "costs.fixed (entry 1).last", "last_day"),
        (f"{SHOP}{MAIL}prot = 25\n", "mail.prot", "port"),
        (
            f'{SHOP}{MAIL}recipients = [{{email = "a@b.example"}}, {{email = "c@d.example", lang = "fr"}}]\n',
            "mail.recipients (entry 2).lang",
            "language",
        ),
        (f'{SHOP}[storage]\nfoldr = "x"\n', "storage.foldr", "folder"),
        (f'{SHOP}{SHOPIFY}domian = "x"\n', "sources.shop.domian", "domain"),
        (f'{SHOP}{SHOPIFY}acces_token = "{SECRET}"\n', "sources.shop.acces_token", "access_token"),
        (f'{SHOP}{FILES}typ = "text"\n', "sources.old.tables.sales.columns.amount.typ", "type"),
        (f'{SHOP}{FILES}frm = "x"\n', "sources.old.tables.sales.columns.amount.frm", "from"),
    ],
)
def test_unknown_keys_name_the_nearest_one_at_every_depth(
    tmp_path: Path, text: str, key: str, meant: str
) -> None:
    error = refusal(tmp_path, text)
    assert error.what == f"ecom.toml: unknown key {key}."
    assert error.mend.startswith(f"Did you mean {meant}?")
    assert SECRET_CANARY not in str(error)


def test_valid_names_are_those_a_person_may_write(tmp_path: Path) -> None:
    error = refusal(tmp_path, f"zzz = 1\n{SHOP}")
    assert error.mend == (
        "Valid names: shop, sources, costs, influencers, targets, report, audiences, mail, alerts, webhooks, storage."
    )


@pytest.mark.parametrize(
    "name", ["file", "pseudonym_key", "smtp_password", "imap_password", "dagster_postgres_url"]
)
def test_what_the_product_itself_adds_cannot_be_written(tmp_path: Path, name: str) -> None:
    error = refusal(tmp_path, f'{name} = "{SECRET}"\n{SHOP}')
    assert f"unknown key {name}" in error.what
    assert SECRET_CANARY not in str(error)


@pytest.mark.parametrize(
    ("text", "key", "mend"),
    [
        (SHOP.replace("Europe/Paris", "Europe/Pari"), "shop.time_zone", "Did you mean Europe/Paris?"),
        (SHOP.replace("Europe/Paris", "europe/paris"), "shop.time_zone", "Did you mean Europe/Paris?"),
        (SHOP.replace("Europe/Paris", "../../etc/passwd"), "shop.time_zone", '"Europe/Paris"'),
        (SHOP.replace("EUR", "EURO"), "shop.currency", "Did you mean EUR?"),
        (SHOP.replace("EUR", "eur"), "shop.currency", "Did you mean EUR?"),
        (SHOP.replace("EUR", "QQQ"), "shop.currency", '"EUR"'),
        (SHOP.replace("Maison Test", ""), "shop.name", "text"),
        (SHOP.replace("2026-01-01", '"01/02/2026"'), "shop.history_start", "2026-12-31"),
        (SHOP.replace("2026-01-01", "2026-01-01T09:30:00"), "shop.history_start", "2026-12-31"),
        (SHOP.replace("2026-01-01", "20260101"), "shop.history_start", "2026-12-31"),
        (f"{SHOP}minimum_coverage = 2\n", "shop.minimum_coverage", "Correct"),
        (f"{SHOP}churn_window_days = 0\n", "shop.churn_window_days", "Correct"),
        (f"{SHOP}{FIXED}monthly = 12.5\n", "costs.fixed (entry 1).monthly", '"12.5"'),
        (f'{SHOP}{FIXED}monthly = "12,50"\n', "costs.fixed (entry 1).monthly", '"12.50"'),
        (f'{SHOP}{FIXED}monthly = "-1"\n', "costs.fixed (entry 1).monthly", "Correct"),
        (f'{SHOP}{FIXED}monthly = "NaN"\n', "costs.fixed (entry 1).monthly", "Correct"),
        (f'{SHOP}{FIXED}monthly = "0.00001"\n', "costs.fixed (entry 1).monthly", "Write a number"),
        (f'{SHOP}{FIXED}monthly = "1"\nlast_day = 2025-01-01\n', "costs.fixed (entry 1)", "Correct"),
        (f"{SHOP}{INFLUENCER}", "influencers (entry 1)", "Correct"),
        (f'{SHOP}{INFLUENCER}codes = ["A"]\nlast_day = 2025-01-01\n', "influencers (entry 1)", "Correct"),
        (
            f'{SHOP}{INFLUENCER}codes = ["A"]\ncommission_percent = 7.5\n',
            "influencers (entry 1).commission_percent",
            '"7.5"',
        ),
        (
            f'{SHOP}{INFLUENCER}codes = ["A"]\n{INFLUENCER.replace("Léa", "Inès")}codes = [" a"]\n',
            "influencers",
            "Correct",
        ),
        (f'{SHOP}{INFLUENCER}codes = ["A"]\n{INFLUENCER}codes = ["B"]\n', "influencers", "Correct"),
        (
            f'{SHOP}[[costs.logistics]]\ncountry = "France"\nshipping = "1"\n',
            "costs.logistics (entry 1).country",
            '"FR"',
        ),
        (
            SHOP + '[[costs.logistics]]\ncountry = "FR"\nshipping = "1"\n' * 2,
            "costs.logistics",
            "Correct",
        ),
        (f'{SHOP}{MAIL.replace("shop@", "shop at ")}', "mail.sender", "somebody@example.com"),
        (
            f'{SHOP}{MAIL}recipients = [{{email = "a@b.example\\nBcc: x@y.example"}}]\n',
            "mail.recipients (entry 1).email",
            "somebody@example.com",
        ),
        (f"{SHOP}{MAIL}port = 0\n", "mail.port", "Correct"),
        (f"{SHOP}{MAIL}timeout_seconds = 0\n", "mail.timeout_seconds", "Correct"),
        (f'{SHOP}{MAIL}security = "ssl"\n', "mail.security", "'starttls'"),
        (f'{SHOP}[report]\nlanguages = ["de"]\n', "report.languages (entry 1)", "'fr' or 'en'"),
        (f"{SHOP}[report]\nlanguages = []\n", "report.languages", "Correct"),
        (f'{SHOP}[targets]\nconversion_rate = "high"\n', "targets.conversion_rate", "Write a number"),
        (f'{SHOP}{SHOPIFY.replace(".myshopify.com", ".example")}', "sources.shop.domain", "myshopify.com"),
        (f'{SHOP}[sources.web]\nvendor = "ga4"\nproperty_id = "G-1"\n', "sources.web.property_id", '"123456789"'),
        (f"{SHOP}[alerts]\nquiet_from = 20:00:00\n", "alerts", "Correct"),
        (f"{SHOP}[alerts]\nquiet_from = 20:00:00\nquiet_until = 20:00:00\n", "alerts", "Correct"),
        (f'{SHOP}{HOOK}kinds = ["weekly"]\n', "webhooks (entry 1).kinds (entry 1)", "'signals'"),
        (f"{SHOP}{HOOK}kinds = []\n", "webhooks (entry 1).kinds", "Correct"),
        (f'{SHOP}{HOOK}format = "teams"\n', "webhooks (entry 1).format", "'slack'"),
        (f'{SHOP}{HOOK.replace("team", "Our team")}', "webhooks (entry 1).name", '"daily_sheet"'),
        (f"{SHOP}{HOOK}{HOOK}", "webhooks", "Correct"),
        ('shop = "x"\n', "shop", "section"),
        (f"sources = []\n{SHOP}", "sources", "[sources.<name>]"),
    ],
)  # fmt: skip
def test_bad_values_are_explained(tmp_path: Path, text: str, key: str, mend: str) -> None:
    error = refusal(tmp_path, text)
    assert error.what == f"ecom.toml: {key} cannot be used."
    assert mend in error.mend
    assert "Value error" not in str(error) and "pydantic" not in str(error)


def test_values_in_the_wrong_place_are_not_quoted(tmp_path: Path) -> None:
    for text in (
        SHOP.replace("Europe/Paris", SECRET),
        SHOP.replace("EUR", SECRET),
        SHOP.replace("2026-01-01", f'"{SECRET}"'),
        f'{SHOP}{FIXED}monthly = "{SECRET}"\n',
        f'{SHOP}{SHOPIFY}api_version = "{SECRET}"\n',
        f'{SHOP}{MAIL}password = "{SECRET}"\n',
        f'{SHOP}{MAIL}security = "{SECRET}"\n',
        f'{SHOP}[sources.rates]\nvendor = ["{SECRET}"]\n',
        f'{SHOP}{SHOPIFY}access_token = "{SECRET}"\n',
        f'{SHOP}{SHOPIFY}base_url = 3\naccess_token = "{SECRET}"\n',
    ):
        error = refusal(tmp_path, text)
        assert SECRET_CANARY not in "".join(traceback.format_exception(error)), text


@pytest.mark.parametrize(
    ("section", "what", "mend"),
    [
        ("[targets]\nnet_sales = 120000\n", "targets.net_sales names no period", "[targets.net_sales]"),
        ('[targets.conversion_rate]\nmonth = "1"\n', "targets.conversion_rate names a period", "value ="),
        ("[targets.net_sales]\nmonth = 1.5\n", "targets.net_sales (entry 1).month", "in quotes"),
        (
            '[targets.net_sales]\nmnth = "1"\n',
            "unknown key targets.net_sales (entry 1).mnth",
            "Did you mean month?",
        ),
        ("[targets.net_sales]\nfrom = 2026-01-01\n", "targets.net_sales (entry 1)", ""),
        (
            '[targets.orders]\nweek = "1"\nfrom = 2026-02-01\nto = 2026-01-01\n',
            "targets.orders (entry 1)",
            "",
        ),
        ('[[targets.orders]]\nweek = "1"\n[[targets.orders]]\nweek = "2"\n', "targets.orders cannot", ""),
        ("[targets]\nconversion_rate = true\n", "targets.conversion_rate cannot", "Write a number"),
    ],
)
def test_targets_say_what_is_wrong_with_them(tmp_path: Path, section: str, what: str, mend: str) -> None:
    error = refusal(tmp_path, SHOP + section)
    assert what in error.what
    assert mend in error.mend


def test_targets_are_a_value_amounts_by_period_or_a_list_over_time(tmp_path: Path) -> None:
    text = (
        f'{SHOP}[targets]\nconversion_rate = 0.025\n[targets.orders]\nweek = "100"\nyear = "6000"\n'
        '[[targets.net_sales]]\nmonth = "130000"\nfrom = 2027-01-01\n'
        '[[targets.net_sales]]\nmonth = "120000"\nto = 2026-12-31\n'
    )
    targets = load(tmp_path, text).targets
    assert targets["conversion_rate"][0].value == Decimal("0.025")
    assert targets["orders"][0].amounts == {"week": 100, "year": 6000}
    assert [one.amounts["month"] for one in targets["net_sales"]] == [120000, 130000], "in the order of time"


@pytest.mark.parametrize(
    ("section", "meant"), [("[targets]\nnet_saels = 3\n", "net_sales"), ("[targets]\naov = 3\n", "")]
)
def test_unknown_kpis_name_the_nearest_one(tmp_path: Path, section: str, meant: str) -> None:
    error = refusal(tmp_path, SHOP + section)
    assert "unknown KPI" in error.what
    assert error.mend.startswith(f"Did you mean {meant}?") if meant else "kpi list" in error.mend
    assert "report.essentials" in refusal(tmp_path, f'{SHOP}[report]\nessentials = ["sales"]\n').what


@pytest.mark.parametrize(
    ("section", "what", "mend"),
    [
        ('[sources.shop]\nvendor = "shopfy"\n', "sources.shop.vendor is unknown", "Did you mean shopify?"),
        ("[sources.shop]\nvendor = 3\n", "sources.shop.vendor is unknown", "shopify"),
        ("[sources.shop]\n", "sources.shop names no vendor", "shopify"),
        ('[sources]\nshop = "shopify"\n', "sources.shop names no vendor", "shopify"),
        ('[sources.Shop]\nvendor = "ecb"\n', "sources.Shop cannot be used", "lower-case"),
        # Raw tables and variables are named <source>_<…>: these would meet those of another source.
        ('[sources.shop_]\nvendor = "ecb"\n', "sources.shop_ cannot be used", "single _"),
        ('[sources.a__b]\nvendor = "ecb"\n', "sources.a__b cannot be used", "single _"),
        ('[sources."a\'; DROP"]\nvendor = "ecb"\n', "cannot be used", "lower-case"),
    ],
)
def test_sources_that_cannot_be(tmp_path: Path, section: str, what: str, mend: str) -> None:
    error = refusal(tmp_path, SHOP + section)
    assert what in error.what and mend in error.mend


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[alerts]\nrecipients = [{email = "a@b.example"}]\n', "no [mail] section"),
        ('[report]\nlanguages = ["en"]\n' + HOOK + 'format = "slack"\n', "the webhook team is in fr"),
        (
            f'[report]\nlanguages = ["en"]\n{MAIL}[alerts]\nrecipients = [{{email = "a@b.example"}}]\n',
            "a recipient reads fr",
        ),
    ],
)
def test_alerts_that_could_not_be_told_are_refused(tmp_path: Path, text: str, why: str) -> None:
    assert why in refusal(tmp_path, SHOP + text).why


def test_paths_begin_where_the_file_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "ca.pem").write_text("")
    monkeypatch.chdir(elsewhere)
    settings = load(tmp_path, f'{SHOP}{FILES}{MAIL}ca_file = "ca.pem"\n[storage]\nfolder = "out"\n')
    assert settings.folder == tmp_path / "out"
    assert settings.mail is not None and settings.mail.ca_file == tmp_path / "ca.pem"
    assert settings.sources["old"].settings.model_dump()["folder"] == tmp_path / "imports"
    monkeypatch.setenv("HOME", str(elsewhere))
    assert load(tmp_path, f'{SHOP}[storage]\nfolder = "~/out"\n').folder == elsewhere / "out"
    assert load(tmp_path, f'{SHOP}[storage]\nfolder = "/srv/out"\n').folder == Path("/srv/out")


def test_a_recipients_language_is_one_that_is_written(tmp_path: Path) -> None:
    mail = f'{MAIL}recipients = [{{email = "a@b.example", language = "en"}}]\n'
    load(tmp_path, SHOP + mail)
    error = refusal(tmp_path, f'{SHOP}{mail}[report]\nlanguages = ["fr"]\n')
    assert "report.languages has no en" in error.why


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert "line" in refusal(tmp_path, "[shop\n").why
    file = tmp_path / "ecom.toml"
    file.write_bytes(SHOP.replace("Maison", "Épicerie").encode("latin-1"))
    with pytest.raises(ConfigurationError, match="UTF-8"):
        load_settings(file, {})
    file.write_bytes(b"\xef\xbb\xbf" + SHOP.encode())
    assert load_settings(file, {}).shop.name == "Maison Test", "some editors begin a file with a mark"
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_settings(tmp_path / "nowhere.toml", {})
    assert "shop is missing" in refusal(tmp_path, "").what


def test_the_configuration_is_found_upwards_or_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(tmp_path, SHOP)
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    monkeypatch.delenv(CONFIG_VARIABLE, raising=False)
    assert find_config() == tmp_path / "ecom.toml"
    monkeypatch.setenv(CONFIG_VARIABLE, str(deep / "other.toml"))
    assert find_config() == deep / "other.toml"


def test_the_committed_configuration_is_valid() -> None:
    settings = load_settings(REPOSITORY / "ecom.toml", {})
    used = {source.vendor for source in settings.sources.values()}
    assert used == set(vendors()) - {"files"}, "the template shows every vendor there is"
    assert settings.targets["conversion_rate"][0].value == Decimal("0.025")
    for source in settings.sources.values():
        for variable in missing_secrets(source):
            tail = variable.removeprefix(f"ECOM_{source.name.upper()}")
            assert tail in (REPOSITORY / "ecom.toml").read_text(), f"the template does not name {variable}"
    assert issubclass(vendors()["shopify"], Source)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[audiences.finance]\nkpis = ["profit", "sale"]\n', "audiences.finance.kpis"),
        ('[audiences.finance]\nessentials = ["profit"]\n', "audiences.finance.essentials"),
        ('[audiences.finance]\nquestions = ["stok"]\n', "audiences.finance.questions"),
    ],
)
def test_an_audience_names_what_exists(tmp_path: Path, text: str, named: str) -> None:
    assert named in refusal(tmp_path, f"{SHOP}{text}").what


def test_every_reader_has_a_report_of_an_audience_in_a_language(tmp_path: Path) -> None:
    reader = 'recipients = [{email = "a@b.example", audience = "finance"}]\n'
    assert "finance" in refusal(tmp_path, f"{SHOP}{MAIL}{reader}").why
    english = '[audiences.finance]\nlanguages = ["en"]\n'
    assert "finance" in refusal(tmp_path, f"{SHOP}{english}{MAIL}{reader}").why

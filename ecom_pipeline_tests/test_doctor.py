"""The doctor names what is missing: a secret by its variable, a right by its name, a library by its package."""

from __future__ import annotations

import json
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ecom_pipeline import doctor
from ecom_pipeline.cli import app
from ecom_pipeline.doctor import Examination, examine
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.sandbox.mail_catcher import run_mail_catcher
from ecom_pipeline.sandbox.world import SECRET_CANARY
from ecom_pipeline.settings import load_settings
from ecom_pipeline.sources.contract import Finding
from ecom_pipeline.sources.ecb import Ecb
from ecom_pipeline_tests.simulation import Simulation, simulate

PASSWORD = "an-smtp-password-nobody-may-see"
MAIL = """
[mail]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "rapport@maison.example"
recipients = [{{ email = "lectrice@maison.example", language = "{language}" }}]
"""


@pytest.fixture(scope="module")
def shared_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    with simulate(tmp_path_factory.mktemp("doctor"), seed=5, days=7, orders_per_day=2) as simulation:
        yield simulation


@pytest.fixture
def shop(shared_shop: Simulation) -> Iterator[Simulation]:
    """A shop whose credentials have every right."""
    yield shared_shop
    shared_shop.world.missing_rights.clear()
    shared_shop.world.faults.clear()


def changed(shop: Simulation, folder: Path, *, toml: str = "", without: str = "") -> Pipeline:
    """The shop's pipeline in a folder of its own, with more configuration or without one secret."""
    config = shop.pipeline.settings.file
    (folder / "ecom.toml").write_text(config.read_text() + toml)
    secrets = [
        line
        for line in (config.parent / ".env").read_text().splitlines()
        if not without or without not in line
    ]
    (folder / ".env").write_text("\n".join(secrets))
    return Pipeline(load_settings(folder / "ecom.toml"))


def found(pipeline: Pipeline, *areas: str) -> list[Finding]:
    """What the doctor finds in these areas; it looks no further than the last of them."""
    findings: list[Finding] = []
    left = set(areas)
    for examination in examine(pipeline):
        if examination.area in left:
            left.discard(examination.area)
            findings.extend(examination.findings)
        if not left:
            return findings
    raise AssertionError(f"not examined: {left}")


def wrong(pipeline: Pipeline, *areas: str) -> list[Finding]:
    return [finding for finding in found(pipeline, *areas) if finding.state != "ok"]


def sources_of(pipeline: Pipeline) -> list[str]:
    return [f"source {name}" for name in pipeline.sources]


def test_a_healthy_shop_through_the_command_line(shop: Simulation, tmp_path: Path) -> None:
    with run_mail_catcher(tmp_path / "mails") as catcher:
        pipeline = changed(shop, tmp_path, toml=MAIL.format(port=catcher.port, language="fr"))
        result = CliRunner().invoke(app, ["doctor", "--json", "--config", str(pipeline.settings.file)])
        assert result.exit_code == 0, result.output
        said = json.loads(result.stdout)
        assert catcher.mails == []
    assert (said["errors"], said["warnings"]) == (0, 0)
    areas = list(dict.fromkeys(finding["area"] for finding in said["findings"]))
    assert areas == ["configuration", *sources_of(pipeline), "mail", "reports", "storage", "dagster"]
    assert SECRET_CANARY not in result.output


def test_a_missing_secret_is_named(shop: Simulation, tmp_path: Path) -> None:
    pipeline = changed(shop, tmp_path, without="ECOM_BANK_SECRET_KEY")
    [finding] = wrong(pipeline, *sources_of(pipeline))
    assert (finding.subject, finding.state) == ("ECOM_BANK_SECRET_KEY", "error")
    assert "ECOM_BANK_SECRET_KEY" in finding.mend
    assert pipeline.sources["bank"].credentials in finding.mend


@pytest.mark.parametrize(
    ("vendor", "right", "area", "word"),
    [
        ("shopify", "read_inventory", "source shop", "read_inventory"),
        ("stripe", "rak_payout_read", "source stripe", "payouts"),
        ("ga4", "viewer", "source analytics", "Viewer"),
        ("qonto", "organization.read", "source bank", "bank"),
    ],
)
def test_a_missing_right_is_named(shop: Simulation, vendor: str, right: str, area: str, word: str) -> None:
    shop.world.missing_rights.add((vendor, right))
    findings = wrong(shop.pipeline, area)
    assert findings
    assert all(finding.state == "error" and finding.mend for finding in findings)
    assert word.lower() in " ".join(f"{one.subject} {one.detail} {one.mend}" for one in findings).lower()


def test_a_webhook_that_nothing_can_be_sent_to_is_named_with_its_variable(
    shop: Simulation, tmp_path: Path
) -> None:
    hooks = '[[webhooks]]\nname = "team"\nformat = "slack"\n[[webhooks]]\nname = "sheet"\n'
    pipeline = changed(shop, tmp_path, toml=hooks)
    [team, sheet] = wrong(pipeline, "alerts")
    assert (team.subject, team.state) == ("webhook team", "error")
    assert "ECOM_WEBHOOK_TEAM_URL" in team.mend and "ECOM_WEBHOOK_SHEET_URL" in sheet.mend
    secrets = "ECOM_WEBHOOK_TEAM_URL='https://hooks.example/very-secret'\n"
    (tmp_path / ".env").write_text(f"{(tmp_path / '.env').read_text()}\n{secrets}")
    [ok, _] = found(Pipeline(load_settings(tmp_path / "ecom.toml")), "alerts")
    assert ok.state == "ok" and "very-secret" not in f"{ok}"


def test_errors_end_with_code_one_and_their_remedy(shop: Simulation, tmp_path: Path) -> None:
    shop.world.missing_rights.add(("shopify", "read_products"))
    pipeline = changed(shop, tmp_path, without="ECOM_STRIPE_API_KEY")
    result = CliRunner().invoke(app, ["doctor", "--config", str(pipeline.settings.file)])
    assert result.exit_code == 1
    said = " ".join(result.output.split())
    for words in (
        "✗ ECOM_STRIPE_API_KEY It is not set.",
        "✗ scope read_products",
        "To mend:",
        "2 errors, 1 warning.",
    ):
        assert words in said
    assert SECRET_CANARY not in result.output


def test_one_source_that_breaks_hides_no_other(shop: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Ecb) -> list[Finding]:
        raise KeyError("canary-secret-in-a-message")

    monkeypatch.setattr(Ecb, "check", fail)
    [finding] = wrong(shop.pipeline, "source rates", "source search")
    assert finding.detail == "The check itself failed with KeyError."


def test_the_pseudonym_key(shop: Simulation, tmp_path: Path) -> None:
    [finding] = wrong(changed(shop, tmp_path, without="ECOM_PSEUDONYM_KEY"), "configuration")
    assert (finding.subject, finding.state) == ("ECOM_PSEUDONYM_KEY", "error")


class TestMail:
    def test_none(self, shop: Simulation) -> None:
        [finding] = wrong(shop.pipeline, "mail")
        assert (finding.subject, finding.state) == ("mail server", "warning")

    def test_nobody_answers(self, shop: Simulation, tmp_path: Path) -> None:
        [finding] = wrong(changed(shop, tmp_path, toml=MAIL.format(port=9, language="fr")), "mail")
        assert "127.0.0.1:9 failed at connect" in finding.detail

    def test_password(self, shop: Simulation, tmp_path: Path) -> None:
        toml = MAIL.format(port=9, language="fr") + 'username = "rapport"\n'
        [finding] = wrong(changed(shop, tmp_path, toml=toml), "mail")
        assert (finding.subject, finding.state) == ("ECOM_SMTP_PASSWORD", "error")

    def test_refused_login(self, shop: Simulation, tmp_path: Path) -> None:
        with run_mail_catcher(tmp_path / "mails", login=("rapport", "right")) as catcher:
            toml = MAIL.format(port=catcher.port, language="fr") + 'username = "rapport"\n'
            changed(shop, tmp_path, toml=toml)
            with (tmp_path / ".env").open("a") as dotenv:
                dotenv.write(f"\nECOM_SMTP_PASSWORD={PASSWORD}\n")
            [finding] = wrong(Pipeline(load_settings(tmp_path / "ecom.toml")), "mail")
        assert "login" in finding.detail
        assert PASSWORD not in str(finding)

    def test_nobody_reads(self, shop: Simulation, tmp_path: Path) -> None:
        toml = MAIL.format(port=9, language="fr").rpartition("recipients")[0]
        findings = wrong(changed(shop, tmp_path, toml=toml), "mail")
        assert ("recipients", "warning") in [(one.subject, one.state) for one in findings]


class TestMachine:
    def test_libraries(self, shop: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
        missing = ("libpangoft2-1.0.so.0", "libharfbuzz-subset.so.0")
        monkeypatch.setattr(doctor, "_loads", lambda name: name not in missing)
        pango, harfbuzz = wrong(shop.pipeline, "reports")
        assert (pango.state, pango.mend) == ("error", "sudo apt-get install libpangoft2-1.0-0")
        assert (harfbuzz.state, harfbuzz.mend) == ("warning", "sudo apt-get install libharfbuzz-subset0")

    @pytest.mark.parametrize(("free", "state"), [(400_000_000, "error"), (4_000_000_000, "warning")])
    def test_disk_space(
        self, shop: Simulation, monkeypatch: pytest.MonkeyPatch, free: int, state: str
    ) -> None:
        usage = namedtuple("usage", "free")
        monkeypatch.setattr("shutil.disk_usage", lambda _: usage(free))
        [finding] = wrong(shop.pipeline, "storage")
        assert (finding.subject, finding.state) == ("disk space", state)

    def test_a_place_that_is_no_folder(self, shop: Simulation, tmp_path: Path) -> None:
        (tmp_path / "taken").write_text("")
        pipeline = changed(shop, tmp_path, toml='\n[storage]\nfolder = "taken/data"\n')
        [finding] = wrong(pipeline, "storage")
        assert "cannot be written to" in finding.detail

    def test_a_warehouse_that_is_none(self, shop: Simulation, tmp_path: Path) -> None:
        pipeline = changed(shop, tmp_path)
        pipeline.settings.warehouse_file.parent.mkdir(parents=True)
        pipeline.settings.warehouse_file.write_text("no database" * 1000)
        [finding] = wrong(pipeline, "storage")
        assert (finding.subject, finding.state) == ("warehouse", "error")

    def test_a_run_storage_that_does_not_answer(
        self, shop: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(
            "ECOM_DAGSTER_POSTGRES_URL", f"postgresql+psycopg2://dagster:{PASSWORD}@127.0.0.1:9/d"
        )
        monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
        [finding] = doctor._dagster(changed(shop, tmp_path).settings)
        assert finding.state == "error"
        assert "ECOM_DAGSTER_POSTGRES_URL" in finding.detail
        assert PASSWORD not in str(finding)

    def test_a_run_storage_named_in_dotenv_is_the_one_that_is_asked(
        self, shop: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("ECOM_DAGSTER_POSTGRES_URL", raising=False)
        pipeline = changed(shop, tmp_path)
        with (tmp_path / ".env").open("a") as dotenv:
            dotenv.write(f"\nECOM_DAGSTER_POSTGRES_URL=postgresql://dagster:{PASSWORD}@127.0.0.1:9/d\n")
        [finding] = doctor._dagster(load_settings(pipeline.settings.file))
        assert (finding.subject, finding.state) == ("run storage", "error")
        assert "the server ECOM_DAGSTER_POSTGRES_URL names does not answer" in finding.detail
        assert PASSWORD not in str(finding)


def test_what_is_examined_first_is_told_first(shop: Simulation) -> None:
    first = next(examine(shop.pipeline))
    assert isinstance(first, Examination)
    assert first.area == "configuration"

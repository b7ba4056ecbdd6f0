"""The command line: every command helps, wrong usage is told in words, nothing shows a secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from ecom_pipeline.cli import app
from ecom_pipeline.commands import progress
from ecom_pipeline.kpis.definition import kpis
from ecom_pipeline.orchestration import extracts
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, SECRET_CANARY
from ecom_pipeline.sources.contract import Table, Window
from ecom_pipeline.sources.shopify import ShopifySource
from ecom_pipeline_tests.simulation import Simulation, simulate

RUNNER = CliRunner()
ROOT: Any = typer.main.get_command(app)


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))


ALL = dict(commands(ROOT))


def call(*arguments: str | Path) -> Result:
    return RUNNER.invoke(app, [str(argument) for argument in arguments])


def told(result: Result, code: int) -> str:
    """The output of a call that ended with the code and showed no traceback, its lines joined."""
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return " ".join(result.output.split())


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    """Six weeks of a small shop, computed and published; its `ecom.toml` has a mail server nobody answers at."""
    with simulate(tmp_path_factory.mktemp("cli"), seed=11, days=42, orders_per_day=4) as simulation:
        file = simulation.pipeline.settings.file
        file.write_text(file.read_text() + MAIL)
        simulation.run()
        simulation.pipeline.publish()
        yield simulation


MAIL = """
[mail]
host = "127.0.0.1"
port = 9
security = "none"
sender = "rapport@maison.example"
recipients = [{ email = "lectrice@maison.example", name = "Lectrice", language = "fr" }]
"""


@pytest.fixture
def config(shop: Simulation) -> Path:
    return shop.pipeline.settings.file


class TestHelp:
    @pytest.mark.parametrize("path", ALL, ids=" ".join)
    def test_every_command_and_option_is_explained(self, path: tuple[str, ...]) -> None:
        command = ALL[path]
        assert command.help
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{' '.join(path)} {parameter.name}"
        assert told(call(*path, "--help"), 0)

    def test_the_commands_are_those_of_the_product(self) -> None:
        expected = ["demo", "ui", "doctor", "backfill", "sweep", "report", "send", "cockpit", "alert", "ask"]
        expected += ["kpi", "source", "readers"]
        assert [path[0] for path in ALL if len(path) == 1] == expected
        assert {path for path in ALL if len(path) == 2} == {
            ("kpi", "list"),
            ("kpi", "explain"),
            ("kpi", "cohorts"),
            ("kpi", "document"),
            ("source", "list"),
            ("source", "template"),
            ("readers", "suppress"),
            ("readers", "allow"),
            ("readers", "inbox"),
        }

    def test_version(self) -> None:
        assert told(call("--version"), 0).startswith("ecom-pipeline 0.")


class TestWrongUsage:
    def test_unknown_command_and_option(self) -> None:
        assert "doctor" in told(call("docter"), 2)
        assert "--language" in told(call("report", "--langage", "fr"), 2)

    @pytest.mark.parametrize(
        ("old", "new", "told_words"),
        [
            (
                '"EUR"',
                '"EUR"\ncomplet_since = 2026-01-01',
                ["shop.complet_since", "Did you mean complete_since?"],
            ),
            ("[targets]", "[tragets]", ["tragets", "Did you mean targets?"]),
            ('vendor = "stripe"', 'vendor = "strype"', ["sources.stripe", "Did you mean stripe?"]),
            (
                "conversion_rate = ",
                "convertion_rate = ",
                ["convertion_rate", "Did you mean conversion_rate?"],
            ),
            ('time_zone = "Europe/Paris"', 'time_zone = "Europe/Pariss"', ["Did you mean Europe/Paris?"]),
            ('vendor = "stripe"', 'vendor = "stripe"\napi_key = "rk_live_oops"', ["ECOM_STRIPE_API_KEY"]),
            ("[shop]", "[shop", ["not valid TOML"]),
        ],
    )
    def test_configuration(
        self, config: Path, tmp_path: Path, old: str, new: str, told_words: list[str]
    ) -> None:
        text = config.read_text()
        assert old in text
        (tmp_path / "ecom.toml").write_text(text.replace(old, new, 1))
        said = told(call("source", "list", "--config", tmp_path / "ecom.toml"), 2)
        assert all(words in said for words in told_words), said
        assert "rk_live_oops" not in said

    def test_no_configuration(self, tmp_path: Path) -> None:
        assert "cannot be read" in told(call("doctor", "--config", tmp_path / "none.toml"), 2)

    @pytest.mark.parametrize(
        ("week", "words"),
        [
            ("2026-W60", "2026 has the weeks 2026-W01 to 2026-W53"),
            ("2025-W53", "2025 has the weeks 2025-W01 to 2025-W52"),
            ("last", "Write it like --week 2026-W46"),
            ("2026-02-30", "Write it like --week 2026-11-21"),
        ],
    )
    @pytest.mark.parametrize("command", ["report", "send"])
    def test_weeks(self, config: Path, command: str, week: str, words: str) -> None:
        assert words in told(call(command, "--week", week, "--config", config), 2)

    def test_languages(self, config: Path) -> None:
        assert "language 'de'" in told(call("report", "--language", "de", "--config", config), 2)

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (("--from", "2026-13-01"), "--from '2026-13-01' is not a day"),
            (("--to", "yesterday"), "--to 'yesterday' is not a day"),
            (("--from", "2026-11-10", "--to", "2026-11-09"), "comes after --to"),
            (("--from", "2020-01-01"), "history_start"),
            (("--source", "stirpe"), "Did you mean stripe?"),
        ],
    )
    def test_backfill(self, config: Path, options: tuple[str, ...], words: str) -> None:
        assert words in told(call("backfill", *options, "--config", config), 2)

    def test_sweep(self, config: Path) -> None:
        assert "Did you mean shop?" in told(call("sweep", "--source", "shp", "--config", config), 2)

    @pytest.mark.parametrize(
        ("name", "near"), [("net_margn_rate", "net_margin_rate"), ("cac", "cac_payback_days")]
    )
    def test_kpi_names(self, config: Path, name: str, near: str) -> None:
        assert near in told(call("kpi", "explain", name, "--config", config), 2)

    def test_port_taken(self, config: Path, shop: Simulation) -> None:
        port = shop.pipeline.settings.sources["stripe"].settings.base_url.rsplit(":", 1)[1].split("/")[0]  # type: ignore[attr-defined]
        assert f"Port {port} is taken" in told(call("ui", "--port", port, "--config", config), 1)


class TestKpis:
    def test_list(self) -> None:
        said = told(call("kpi", "list"), 0)
        assert all(name in said for name in kpis())

    def test_list_as_json(self) -> None:
        listed = json.loads(call("kpi", "list", "--json").stdout)
        assert [one["key"] for one in listed] == list(kpis())
        assert {"key", "family", "name", "definition", "unit", "kind", "good", "dimensions"} <= set(listed[0])

    def test_explain(self, config: Path) -> None:
        said = told(call("kpi", "explain", "net_margin_rate", "--config", config), 0)
        kpi = kpis()["net_margin_rate"]
        for words in (kpi.name.fr, kpi.name.en, "model.contribution", "mapped.sale_lines", "shop.orders",
                      "stripe.balance_transactions", "2026-W46", "Sun 15 Nov 2026", "AS numerator"):  # fmt: skip
            assert words in said, words

    def test_explain_tells_the_target_and_where_the_month_stands(self, config: Path) -> None:
        said = told(call("kpi", "explain", "net_sales", "--config", config), 0)
        assert (
            "€220,000 a month" in said and "due by then" in said and "same weekday" in " ".join(said.split())
        )
        assert "this month" not in told(call("kpi", "explain", "conversion_rate", "--config", config), 0)

    def test_explain_in_one_language(self, config: Path) -> None:
        said = told(call("kpi", "explain", "orders", "--language", "fr", "--config", config), 0)
        assert kpis()["orders"].name.fr in said
        assert "(en)" not in said

    def test_explain_as_json(self, config: Path, shop: Simulation) -> None:
        explained = json.loads(call("kpi", "explain", "net_sales", "--json", "--config", config).stdout)
        assert explained["targets"] == [{"month": "220000"}]
        assert Decimal(explained["month"]["due"]) == Decimal(110_000), "half of November is over"
        weeks = [one for one in explained["values"] if one["period"] == "week"]
        [(expected,)] = shop.query(
            "SELECT SUM(numerator) FROM kpi.daily WHERE kpi = 'net_sales' AND dimension = 'total' "
            "AND day BETWEEN DATE '2026-11-09' AND DATE '2026-11-15'"
        )
        assert (weeks[0]["last_day"], weeks[0]["value"], weeks[0]["state"]) == (
            "2026-11-15",
            str(expected),
            "ok",
        )
        assert weeks[-1]["state"] == "no_history"
        assert [one["period"] for one in explained["values"]] == ["day"] * 7 + ["week"] * 8
        assert "SELECT" in explained["sql"]
        kinds = {one["kind"] for one in _walk(explained["inputs"])}
        assert {"model", "canonical", "vendor_table"} <= kinds

    def test_explain_tells_why_a_value_is_missing(
        self, shop: Simulation, config: Path, tmp_path: Path
    ) -> None:
        """A copy of the configuration without a source for searches still knows what the KPI needs."""
        with simulate(tmp_path, seed=11, days=7, orders_per_day=2) as simulation:
            others = [source for source in simulation.pipeline.sources if source != "search"]
            simulation.extract(sources=others)
            simulation.compute()
            simulation.pipeline.publish()
            said = told(
                call("kpi", "explain", "average_position", "--config", simulation.pipeline.settings.file), 0
            )
        assert "missing (search: search_results)" in said

    def test_explain_before_any_run(self, config: Path, tmp_path: Path) -> None:
        (tmp_path / "ecom.toml").write_text(config.read_text())
        assert "No values yet" in told(
            call("kpi", "explain", "orders", "--config", tmp_path / "ecom.toml"), 0
        )


def _walk(inputs: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for one in inputs:
        yield one
        yield from _walk(one["inputs"])


class TestSources:
    def test_list(self, config: Path) -> None:
        said = told(call("--config", config, "source", "list"), 0)
        assert all(
            words in said for words in ("shop", "abandoned_checkouts", "log", "2026-11-15", "search_results")
        )

    def test_list_as_json_counts_what_was_stored(self, config: Path, shop: Simulation) -> None:
        listed = json.loads(call("source", "list", "--json", f"--config={config}").stdout)
        stored = {
            (one["source"], table["table"]): table["rows_stored"] for one in listed for table in one["tables"]
        }
        [(orders,)] = shop.query('SELECT COUNT(*) FROM raw."shop__orders"')
        assert stored["shop", "orders"] == orders > 0
        (shops,) = (one for one in listed if one["source"] == "shop")
        assert (shops["secrets_present"], shops["secrets_missing"]) == (["ECOM_SHOP_ACCESS_TOKEN"], [])

    def test_missing_secrets_are_named(self, config: Path, tmp_path: Path) -> None:
        (tmp_path / "ecom.toml").write_text(config.read_text())
        said = told(call("source", "list", "--config", tmp_path / "ecom.toml"), 0)
        assert "bank lacks ECOM_BANK_LOGIN, ECOM_BANK_SECRET_KEY" in said
        assert "never" in said


class TestReports:
    @pytest.fixture(autouse=True)
    def on_the_shops_last_morning(self, shop: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
        """Which week is over depends on the day, and a machine may have any."""
        at_that_time = partial(Pipeline, clock=shop.pipeline.clock)
        monkeypatch.setattr("ecom_pipeline.commands.session.Pipeline", at_that_time)

    def test_a_week_that_is_not_over_is_refused(self, config: Path) -> None:
        for command in ("report", "send"):
            said = told(call(command, "--week", "2026-W47", "--config", config), 2)
            assert "The week 2026-W47 is not over." in said
            assert "Use 2026-W46" in said

    def test_report(self, config: Path, tmp_path: Path) -> None:
        result = call(
            "report",
            "--week",
            "2026-W46",
            "--language",
            "fr",
            "--output",
            tmp_path,
            "--json",
            "--config",
            config,
        )
        assert result.exit_code == 0, result.output
        [one] = json.loads(result.stdout)
        assert (one["period"], one["audience"], one["language"], one["incomplete"]) == (
            "2026-W46",
            "direction",
            "fr",
            False,
        )
        assert Path(one["pdf"]).read_bytes().startswith(b"%PDF-")
        assert {path.name for path in tmp_path.iterdir()} == {
            "2026-W46_weekly_direction_fr.pdf",
            "2026-W46_weekly_direction_fr.html",
        }

    def test_cockpit(self, config: Path) -> None:
        said = told(call("cockpit", "--language", "fr", "--config", config), 0)
        assert said.endswith("reports/cockpit/direction_fr.html")
        [one] = json.loads(call("cockpit", "--language", "en", "--json", "--config", config).stdout)
        assert (one["audience"], one["language"], one["late_sources"]) == ("direction", "en", 0)
        assert Path(one["file"]).stat().st_size == one["bytes"] < 500_000

    def test_cockpits_of_nobody_are_refused(self, config: Path) -> None:
        said = told(call("cockpit", "--audience", "directon", "--config", config), 2)
        assert "Did you mean direction?" in said

    def test_a_day_names_its_week(self, config: Path) -> None:
        said = told(call("report", "--week", "2026-11-11", "--language", "fr", "--config", config), 0)
        assert said.endswith("2026-W46/weekly_direction_fr.pdf")

    def test_report_before_any_run(self, config: Path, tmp_path: Path) -> None:
        (tmp_path / "ecom.toml").write_text(config.read_text())
        assert "no published warehouse" in told(call("report", "--config", tmp_path / "ecom.toml"), 1)

    def test_dry_run_previews_and_sends_nothing(self, config: Path) -> None:
        said = told(
            call("send", "--week", "2026-W46", "--language", "fr", "--dry-run", "--config", config), 0
        )
        assert "l…@m….example" in said
        assert "would be sent" in said
        assert "lectrice" not in said

    def test_an_old_week_is_not_sent(self, config: Path) -> None:
        said = told(call("send", "--week", "2026-W44", "--config", config), 1)
        assert "2026-W44 is not the newest complete week" in said

    def test_send_as_json(self, config: Path) -> None:
        result = call("send", "--week", "2026-W46", "--dry-run", "--json", "--config", config)
        french, english = json.loads(result.stdout)
        assert french["previews"][0]["would_send"] is True
        assert english["not_sent_because"] == "nobody of direction reads en"


class TestSecrets:
    @pytest.mark.parametrize(
        "arguments",
        [("source", "list"), ("source", "list", "--json"), ("kpi", "explain", "orders"), ("sweep", "--json")],
        ids=" ".join,
    )
    def test_no_output_shows_one(self, config: Path, arguments: tuple[str, ...]) -> None:
        result = call(*arguments, "--config", config)
        assert result.exit_code == 0, result.output
        assert SECRET_CANARY not in result.output
        assert PERSONAL_CANARY not in result.output

    def test_an_unforeseen_error_is_told_without_its_secrets(
        self, config: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(pipeline: Pipeline, *_: object) -> None:
            raise ValueError(f"refused: {pipeline.sources['stripe'].settings.api_key.get_secret_value()}")

        monkeypatch.setattr(Pipeline, "sweep", fail)
        said = told(call("sweep", "--config", config), 1)
        assert "Something unforeseen happened: ValueError" in said
        assert "ECOM_TRACEBACK=1" in said
        assert SECRET_CANARY not in said

    def test_the_traceback_is_there_for_who_asks(self, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> None:
            raise ValueError("somewhere")

        monkeypatch.setattr(Pipeline, "sweep", fail)
        monkeypatch.setenv("ECOM_TRACEBACK", "1")
        assert isinstance(call("sweep", "--config", config).exception, ValueError)


def test_sweep_finds_what_vanished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch_keys = ShopifySource.fetch_keys

    def all_but_one_order(self: ShopifySource, table: Table, window: Window) -> Iterator[str]:
        keys = fetch_keys(self, table, window)
        if table.name == "orders":
            next(keys)
        yield from keys

    with simulate(tmp_path, seed=3, days=14, orders_per_day=2) as simulation:
        simulation.extract(sources=["shop"])
        monkeypatch.setattr(ShopifySource, "fetch_keys", all_but_one_order)
        result = call("sweep", "--source", "shop", "--json", "--config", simulation.pipeline.settings.file)
        assert result.exit_code == 0, result.output
        vanished = {one["table"]: one["vanished"] for one in json.loads(result.stdout)["swept"]}
        assert vanished["orders"] == 1
        assert set(vanished) == {table.name for table in simulation.pipeline.tables("shop") if table.swept}
        [(mapped,)] = simulation.query("SELECT COUNT(*) FROM mapped.orders")
        [(raw,)] = simulation.query('SELECT COUNT(DISTINCT _record) FROM raw."shop__orders"')
    assert mapped == raw - 1


def test_a_failing_part_of_a_backfill_is_named_and_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ECOM_CONFIG", "DAGSTER_HOME"):
        monkeypatch.setenv(name, "")  # the command sets them, and they must not outlive the test
    with simulate(tmp_path, seed=3, days=7, orders_per_day=2) as simulation:
        file = simulation.pipeline.settings.file
        simulation.world.missing_rights.add(("qonto", "organization.read"))
        days = ("--from", "2026-11-09", "--to", "2026-11-14")  # no whole week, so no report
        said = told(call("backfill", *days, "--config", file), 1)
        again = "ecom-pipeline backfill --from 2026-11-09 --to 2026-11-14 --source bank"
        assert again in said
        assert SECRET_CANARY not in said
        simulation.world.missing_rights.clear()
        result = call(*again.split()[1:], "--config", file, "--json")
        assert result.exit_code == 0, result.output
        outcome = json.loads(result.stdout)
    assert (outcome["ok"], outcome["failed"]) == (True, [])
    assert set(outcome["seconds"]) == {"extract", "compute", "report"}


def test_the_bars_know_the_size_of_a_chunk() -> None:
    assert progress.CHUNK_DAYS == extracts.CHUNK_DAYS

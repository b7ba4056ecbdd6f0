"""The KPIs' pages are what their files say, in both languages, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ecom_pipeline.cli import app
from ecom_pipeline.commands.documentation import INDEX, LANGUAGES, document_kpis
from ecom_pipeline.kpis.definition import kpis
from ecom_pipeline.warehouse.catalog import build_catalog

from .simulation import Simulation

CATALOG = build_catalog((), kpis().values())


@pytest.fixture(scope="module", params=LANGUAGES)
def pages(request: pytest.FixtureRequest) -> tuple[str, dict[str, str]]:
    return request.param, document_kpis(CATALOG, request.param, "EUR")


def test_every_kpi_has_a_page_that_the_index_leads_to(pages: tuple[str, dict[str, str]]) -> None:
    _, texts = pages
    assert set(texts) == {INDEX, *(f"{key}.md" for key in kpis())}
    assert all(texts[INDEX].count(f"]({key}.md)") == 1 for key in kpis())
    assert all(f"]({INDEX})" in text for name, text in texts.items() if name != INDEX)


def test_a_page_says_all_its_file_says(pages: tuple[str, dict[str, str]]) -> None:
    language, texts = pages
    for kpi in kpis().values():
        page = texts[f"{kpi.key}.md"]
        told = [kpi.name, kpi.definition, kpi.action, kpi.undefined, kpi.counts.many if kpi.counts else None]
        for words in told:
            assert words is None or words.in_language(language).replace("'", "’") in page, kpi.key
        assert kpi.sql.strip() in page
        assert f"| {kpi.since} |" in page
        for days in (kpi.window, kpi.matures_after, kpi.young_until):
            assert not days or str(days) in page, kpi.key
        for table in CATALOG.measured_by(kpi):
            assert f"- `{table}` (" in page, (kpi.key, table)


def test_references_are_written_in_the_readers_language() -> None:
    french, english = (document_kpis(CATALOG, language, "EUR") for language in LANGUAGES)
    assert "| Repère | ≥ 30\u202f% |" in french["repeat_purchase_rate.md"]
    assert "| Reference | ≥ 30% |" in english["repeat_purchase_rate.md"]
    assert "| Repère | 2\u202f%\u00a0à\u00a03\u202f% |" in french["conversion_rate.md"]
    assert (
        "| Over a period | the last day’s value, over the 90 days up to it |"
        in english["net_promoter_score.md"]
    )


def test_the_command_writes_them_and_takes_away_what_is_gone(small_shop: Simulation, tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    (folder / "fr").mkdir(parents=True)
    (folder / "fr" / "gone.md").write_text("an indicator nobody computes any more")
    config = ["--config", str(small_shop.pipeline.settings.file)]
    answer = CliRunner().invoke(app, [*config, "kpi", "document", "--output", str(folder)])
    assert answer.exit_code == 0, answer.output
    wanted = {folder / language / f"{key}.md" for language in LANGUAGES for key in ("index", *kpis())}
    assert set(folder.rglob("*.md")) == wanted
    page = (folder / "en" / "orders.md").read_text(encoding="utf-8")
    assert "- `orders` (without which it means nothing): shopify" in page, (
        "which of the shop's vendors feed it"
    )

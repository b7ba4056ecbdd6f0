"""Who a report is for: what an audience reads, by what the shop wrote, what the product ships, and everything."""

from __future__ import annotations

from ecom_pipeline.insights.questions.question import questions
from ecom_pipeline.kpis.definition import kpis
from ecom_pipeline.reports.audience import EVERYBODY, expand_families, make_audience, shipped_audiences

ESSENTIALS = ("orders", "net_sales")


def test_everybody_reads_everything_in_the_catalogues_order() -> None:
    audience = make_audience(EVERYBODY, {}, ESSENTIALS, kpis(), questions())
    assert audience.kpis == tuple(kpis())
    assert audience.essentials == ESSENTIALS
    assert audience.questions == tuple(questions())
    assert (audience.title.fr, audience.title.en) == ("Direction", "Management")


def test_a_shops_word_counts_before_the_products() -> None:
    chosen = {"kpis": ("service", "orders"), "questions": ()}
    audience = make_audience("finance", chosen, ESSENTIALS, kpis(), questions())
    assert audience.essentials == tuple(shipped_audiences()["finance"]["essentials"])
    assert audience.questions == ()
    service = [key for key, kpi in kpis().items() if kpi.family == "service"]
    assert audience.kpis[: len(service) + 1] == (*service, "orders")
    assert set(audience.essentials) < set(audience.kpis), (
        "what stands on page one has its definition in the report"
    )


def test_an_audience_of_the_shops_own_has_its_name_and_the_shops_essentials() -> None:
    audience = make_audience("night_shift", {"kpis": ("orders",)}, ESSENTIALS, kpis(), questions())
    assert audience.title.fr == audience.title.en == "Night shift"
    assert audience.kpis == audience.essentials == ESSENTIALS


def test_a_family_named_after_one_of_its_kpis_does_not_repeat_it() -> None:
    found = expand_families(["orders", "sales"], kpis())
    assert found[0] == "orders"
    assert len(set(found)) == len(found) == sum(kpi.family == "sales" for kpi in kpis().values())


def test_what_is_shipped_names_what_exists() -> None:
    families = {kpi.family for kpi in kpis().values()}
    for key, shipped in shipped_audiences().items():
        assert set(shipped.get("kpis", ())) <= {*kpis(), *families}, key
        assert set(shipped.get("essentials", ())) <= set(kpis()), key
        assert set(shipped.get("questions", ())) <= set(questions()), key

"""The doctor names exactly what a shop's token lacks and where to grant it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import SecretStr, ValidationError

from ecom_pipeline.sandbox.events import Shop
from ecom_pipeline.sources.contract import Finding
from ecom_pipeline.sources.shopify import ShopifySource
from ecom_pipeline.sources.shopify.doctor import SCOPES, scope_findings, version_findings
from ecom_pipeline.sources.shopify.graphql import granted_scopes

from .shopify_bench import Bench, bench_of, shop_of_two_months


@pytest.fixture(scope="module")
def shop() -> Shop:
    return shop_of_two_months()


@pytest.fixture
def bench(shop: Shop) -> Iterator[Bench]:
    with bench_of(shop) as bench:
        yield bench


def by_subject(bench: Bench) -> dict[str, Finding]:
    return {finding.subject: finding for finding in bench.source.check()}


def test_a_healthy_shop_has_nothing_to_mend(bench: Bench) -> None:
    findings = bench.source.check()
    assert {finding.state for finding in findings} == {"ok"}
    assert len(findings) == 8


@pytest.mark.parametrize("scope", SCOPES)
def test_each_missing_scope_is_named_alone(bench: Bench, scope: str) -> None:
    bench.world.missing_rights.add(("shopify", scope))
    wrong = [finding for finding in bench.source.check() if finding.state != "ok"]
    [finding] = wrong
    assert (finding.subject, finding.state) == (f"scope {scope}", "error")
    assert "Develop apps" in finding.mend and scope in finding.mend


def test_the_right_to_write_includes_reading() -> None:
    handles = ("write_orders", "read_all_orders", "write_customers", "read_products", "read_inventory")
    answer = {"currentAppInstallation": {"accessScopes": [{"handle": handle} for handle in handles]}}
    assert {finding.state for finding in scope_findings(granted_scopes(answer))} == {"ok"}


def test_an_answer_of_another_shape_is_a_finding(bench: Bench) -> None:
    bench.world.faults.arm("shopify", "missing_column", column="accessScopes")
    [finding] = bench.source.check()
    assert finding.state == "error" and "accessScopes" in finding.detail


def test_an_address_without_encryption_is_one_finding(shop: Shop) -> None:
    with bench_of(shop, base_url="http://shop.example") as bench:
        [finding] = bench.source.check()
    assert (finding.subject, finding.state) == ("address", "error")
    assert "https" in finding.mend


def test_a_refused_token_is_one_finding_without_the_token(shop: Shop) -> None:
    with bench_of(shop, access_token="shpat_canary-of-the-doctor") as bench:
        [finding] = bench.source.check()
    assert (finding.subject, finding.state) == ("access token", "error")
    assert "status 401" in finding.detail and "Develop apps" in finding.mend
    assert "canary-of-the-doctor" not in repr(finding)


def test_another_time_zone_is_a_warning_with_the_right_one(shop: Shop) -> None:
    with bench_of(replace(shop, time_zone="America/Montreal")) as bench:
        finding = by_subject(bench)["time zone"]
    assert finding.state == "warning"
    assert 'time_zone = "America/Montreal"' in finding.mend


def test_another_shop_than_configured_is_a_warning(shop: Shop) -> None:
    with bench_of(shop, domain="another-shop.myshopify.com") as bench:
        finding = by_subject(bench)["shop"]
    assert finding.state == "warning" and shop.domain in finding.detail


def test_a_version_that_fell_forward_is_a_warning(shop: Shop) -> None:
    with bench_of(shop, api_version="2025-01") as bench:
        finding = by_subject(bench)["API version"]
    assert finding.state == "warning" and "2026-10 instead of 2025-01" in finding.detail
    assert list(version_findings(None, "2026-10")) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"domain": "https://x.myshopify.com"},
        {"domain": "shop.example"},
        {"api_version": "latest"},
        {"token": "x"},
    ],
)
def test_bad_settings_are_refused(wrong: dict[str, str]) -> None:
    right = {"domain": "x.myshopify.com", "access_token": SecretStr("shpat")}
    ShopifySource.Settings.model_validate(right)
    with pytest.raises(ValidationError):
        ShopifySource.Settings.model_validate(right | wrong)

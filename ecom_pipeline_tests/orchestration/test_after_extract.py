"""After which runs computing is started: every extract, and what the UI put together and could not read."""

from __future__ import annotations

import dagster as dg
import pytest

from ecom_pipeline.orchestration.jobs import needs_computing

ORDERS, CHARGES, SALES = (
    dg.AssetKey(["shop", "orders"]),
    dg.AssetKey(["stripe", "charges"]),
    dg.AssetKey(["kpi"]),
)
VENDOR_TABLES = {ORDERS, CHARGES}
SUCCESS, FAILURE = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE
CANCELED = dg.DagsterRunStatus.CANCELED


@pytest.mark.parametrize(
    ("job", "status", "assets", "expected"),
    [
        ("extract", SUCCESS, None, True),
        ("extract", FAILURE, None, True),
        ("extract", CANCELED, None, True),
        ("__ASSET_JOB", FAILURE, {ORDERS, CHARGES}, True),
        ("__ASSET_JOB", FAILURE, {ORDERS, SALES}, True),
        ("__ASSET_JOB", SUCCESS, {ORDERS, CHARGES}, False),  # the UI's own backfill goes on to compute
        ("__ASSET_JOB", CANCELED, {ORDERS, CHARGES}, False),  # somebody wanted it to end
        ("__ASSET_JOB", FAILURE, {SALES}, False),
        ("compute", FAILURE, {SALES}, False),  # or it would start itself for ever
        ("compute", FAILURE, None, False),
    ],
)
def test_computing_follows_extracts_and_what_failed_to_read(
    job: str, status: dg.DagsterRunStatus, assets: set[dg.AssetKey] | None, expected: bool
) -> None:
    selection = frozenset(assets) if assets is not None else None
    run = dg.DagsterRun(
        job_name=job,
        run_id="00000000-0000-0000-0000-000000000001",
        status=status,
        asset_selection=selection,
    )
    assert needs_computing(run, VENDOR_TABLES) is expected

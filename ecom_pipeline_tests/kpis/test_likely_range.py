"""The net promoter score's range holds the truth about as often as it says, however few answered."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from ecom_pipeline.kpis.definition import kpis
from ecom_pipeline.warehouse.functions import Expansion
from ecom_pipeline.warehouse.rewrite import to_duckdb

SAMPLES = 400
FIRST = date(1700, 1, 1)


@pytest.mark.parametrize(
    "shares", [(0.5, 0.3, 0.2), (0.8, 0.15, 0.05), (0.1, 0.2, 0.7)]
)  # promoters, …, detractors
@pytest.mark.parametrize("answers", [4, 20, 150])
def test_nine_ranges_in_ten_hold_the_truth(answers: int, shares: tuple[float, float, float]) -> None:
    """Samples of a known opinion, each on the days of a window of its own."""
    chance = np.random.default_rng(answers)
    scores = chance.choice([10, 8, 3], size=SAMPLES * answers, p=shares)
    days = [FIRST + timedelta(days=90 * (at // answers)) for at in range(SAMPLES * answers)]
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA mapped; CREATE SCHEMA run")
        connection.register(
            "given", pa.table({"day": pa.array(days, pa.date32()), "score": pa.array(scores)})
        )
        connection.execute("CREATE TABLE mapped.survey_answers AS FROM given")
        connection.execute("CREATE TABLE run.days AS SELECT DISTINCT day FROM given")
        query = to_duckdb(kpis()["net_promoter_score"].sql, Expansion("Europe/Paris"))
        rows = connection.execute(
            f"SELECT numerator / denominator, denominator, low, high FROM ({query})"
        ).fetchall()
    truth = 100 * (shares[0] - shares[2])
    assert len(rows) == SAMPLES and {count for _, count, _, _ in rows} == {answers}
    held = sum(low <= truth <= high for _, _, low, high in rows) / SAMPLES
    assert (0.75 if answers == 4 else 0.82) < held < 0.995, (
        held
    )  # four answers leave steps too coarse for nine in ten
    assert all(-100 <= low < high <= 100 for _, _, low, high in rows)
    widths = [high - low for _, _, low, high in rows]
    assert np.mean(widths) < 260 / answers**0.5

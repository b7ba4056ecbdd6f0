"""The page's own arithmetic: formats as the report writes them, drivers as insights split them, CSV that is safe."""

from __future__ import annotations

import random
import shutil
import subprocess
from decimal import Decimal
from fractions import Fraction
from importlib.resources import files
from typing import get_args

import pytest

from ecom_pipeline.cockpit.encode import encode_formats
from ecom_pipeline.cockpit.page import SCRIPTS
from ecom_pipeline.insights.drivers import Parts, compute_drivers
from ecom_pipeline.kpis.definition import Kpi, Unit
from ecom_pipeline.reports.formats import LANGUAGES, Formats
from ecom_pipeline_tests.cockpit.node import run_script

UNITS: tuple[Unit, ...] = get_args(Unit)
AMOUNTS = [
    "0", "0.004", "0.005", "-0.005", "0.0449999", "0.05", "0.0995", "0.09995", "0.1", "0.12345", "0.5", "-0.5", "0.75",
    "1", "1.005", "2.5", "-2.5", "9.995", "9.99", "10", "59.4", "59.5", "60", "-61.5", "119.5", "999.994", "999.995",
    "999.9999", "1000", "-1000.5", "3599.5", "12345.675", "123456789.125", "-987654321.5", "1000000000000",
]  # fmt: skip


def rates() -> list[tuple[int, int]]:
    chance = random.Random(4)
    return [(chance.randint(-(10**9), 10**9), chance.randint(1, 10**6)) for _ in range(300)]


def make_kpi(unit: Unit) -> Kpi:
    header = {
        "key": "k", "family": "sales", "name": {"fr": "k", "en": "k"}, "definition": {"fr": "d", "en": "d"},
        "unit": unit, "kind": "ratio", "good": "up", "sql": "",
    }  # fmt: skip
    return Kpi.model_validate(header)


@pytest.mark.parametrize("currency", ["EUR", "USD", "CHF", "JPY"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_numbers_are_written_as_the_report_writes_them(language: str, currency: str) -> None:
    formats = Formats(language, currency)
    exact = [Fraction(text) for text in AMOUNTS] + [Fraction(top, base) for top, base in rates()]
    amounts = [one.numerator / Decimal(one.denominator) for one in exact]
    pairs = list(zip(amounts, [*amounts[1:], amounts[0]], strict=True))
    expected = {
        unit: [
            [formats.value(kpi, now), formats.limit(kpi, now), formats.difference(kpi, now), formats.change(kpi, now, then)]
            for now, then in pairs
        ]
        for unit in UNITS
        for kpi in [make_kpi(unit)]
    }  # fmt: skip
    found = run_script(
        """
        const formats = makeFormats(given.rules);
        const amounts = given.exact.map(([top, base]) => fraction(BigInt(top), BigInt(base)));
        return Object.fromEntries(given.units.map((unit) => [unit, amounts.map((now, place) => {
            const before = amounts[(place + 1) % amounts.length];
            return [formats.value(unit, now), formats.limit(unit, now), formats.difference(unit, now),
                formats.change(unit, now, before)];
        })]));
        """,
        {
            "rules": encode_formats(formats),
            "units": UNITS,
            "exact": [[str(one.numerator), str(one.denominator)] for one in exact],
        },
    )
    for unit in UNITS:
        wrong = [
            (amount, mine, theirs)
            for amount, mine, theirs in zip(amounts, found[unit], expected[unit], strict=True)
            if mine != theirs
        ]
        assert not wrong, unit


def random_segments(chance: random.Random, *, is_ratio: bool) -> dict[str, Parts]:
    names = [name for name in "ABCDEFG" if chance.random() < 0.8] or ["A"]
    return {
        name: Parts(
            Fraction(chance.randint(-5000, 90000), 100),
            Fraction(chance.choice([0, chance.randint(1, 400)])) if is_ratio else None,
        )
        for name in names
    }


def total_of(segments: dict[str, Parts], *, is_ratio: bool) -> Parts:
    base = sum((one.denominator or Fraction(0) for one in segments.values()), Fraction(0))
    return Parts(sum((one.numerator for one in segments.values()), Fraction(0)), base if is_ratio else None)


def test_changes_are_split_as_insights_split_them() -> None:
    chance = random.Random(8)
    cases, expected = [], []
    for number in range(60):
        is_ratio = number % 2 == 0
        before, after = (random_segments(chance, is_ratio=is_ratio) for _ in range(2))
        totals = [total_of(segments, is_ratio=is_ratio) for segments in (before, after)]
        if number % 7 == 0:  # segments that overlap add up to nothing
            totals[1] = Parts(totals[1].numerator + 1, totals[1].denominator)
        names = sorted({*before, *after})
        cases.append(
            {
                "segments": [[name, plain(before.get(name)), plain(after.get(name))] for name in names],
                "totals": [plain(total) for total in totals],
            }
        )
        drivers = compute_drivers("channel", before, after, totals[0], totals[1])
        expected.append(
            None
            if drivers is None
            else {
                one.segment: [as_text(part) for part in (one.rate, one.mix, one.effect, one.weight)]
                for one in drivers.drivers
            }
        )
    found = run_script(
        """
        const read = (pair) => pair && { state: "ok", top: fraction(BigInt(pair[0]), BigInt(pair[1])),
            base: pair[2] === null ? null : fraction(BigInt(pair[2])) };
        const gcd = (a, b) => (b === 0n ? (a < 0n ? -a : a) : gcd(b, a % b));
        const text = (a) => { const by = gcd(a.top, a.base); return `${a.top / by}/${a.base / by}`; };
        return given.map(({ segments, totals }) => {
            const split = splitChange(segments.map(([name, before, after]) =>
                ({ name, before: read(before), after: read(after) })), read(totals[0]), read(totals[1]));
            return split && Object.fromEntries(split.parts.map((one) =>
                [one.name, [one.rate, one.mix, one.effect, one.weight].map(text)]));
        });
        """,
        cases,
    )
    assert found == expected
    assert any(one is None for one in expected)
    assert sum(one is not None for one in expected) > 30


def plain(parts: Parts | None) -> list[str | None] | None:
    if parts is None:
        return None
    base = None if parts.denominator is None else str(parts.denominator)
    return [str(parts.numerator.numerator), str(parts.numerator.denominator), base]


def as_text(part: Fraction) -> str:
    return f"{part.numerator}/{part.denominator}"


class TestCsv:
    def test_separator_and_decimal_sign_are_the_readers(self) -> None:
        cells = [["a", "b"], ["x", {"raw": "1,5"}]]
        assert run_script("return toCsv(given, ',');", cells) == "a;b\r\nx;1,5\r\n"
        cells = [["a", "b"], ["x", {"raw": "1.5"}]]
        assert run_script("return toCsv(given, '.');", cells) == "a,b\r\nx,1.5\r\n"

    @pytest.mark.parametrize(
        ("text", "written"),
        [
            ('say "hi"; now', '"say ""hi""; now"'),
            ("two\nlines", '"two\nlines"'),
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-2 j", "'-2 j"),
            ("plain", "plain"),
        ],
    )
    def test_texts_are_quoted_and_never_run(self, text: str, written: str) -> None:
        assert run_script("return toCsv([[given]], ',');", text) == written + "\r\n"

    @pytest.mark.parametrize(
        ("text", "written"),
        [
            ("1234567.5", "1234567,5"),
            ("-0.25", "-0,25"),
            ("0", "0"),
            ("0.123456789", "0,12345679"),
            ("12", "12"),
        ],
    )
    def test_numbers_are_plain(self, text: str, written: str) -> None:
        assert run_script("return toCell(parseDecimal(given), ',');", text) == written


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_sound(name: str) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node to check the page's scripts: apt install nodejs")
    file = files("ecom_pipeline.cockpit") / "static" / f"{name}.js"
    done = subprocess.run([node, "--check", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_script_is_on_the_page_and_fits_in_ones_head() -> None:
    folder = files("ecom_pipeline.cockpit") / "static"
    texts = {
        entry.name.removesuffix(".js"): entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".js")
    }
    assert set(texts) == set(SCRIPTS)
    assert not {name for name, text in texts.items() if len(text.splitlines()) > 300}


def test_scripts_write_no_markup_and_reach_for_no_network() -> None:
    folder = files("ecom_pipeline.cockpit") / "static"
    for name in SCRIPTS:
        text = (folder / f"{name}.js").read_text(encoding="utf-8")
        for forbidden in (
            "innerHTML",
            "outerHTML",
            "insertAdjacent",
            "document.write",
            "eval(",
            "fetch(",
            "XMLHttp",
            "import(",
        ):
            assert forbidden not in text, name

"""The KPIs' pages, made from their files: what each means, how it is computed and from what.

One folder for each language, with a page for each KPI and an index by family. Nothing on them is written by hand,
so they cannot disagree with what is computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from ecom_pipeline.kpis.definition import Kind, Kpi, Reference, kpis
from ecom_pipeline.kpis.definition import Words as KpiWords
from ecom_pipeline.reports.formats import Formats
from ecom_pipeline.reports.words import Words, load_words
from ecom_pipeline.warehouse.catalog import Catalog, canonical_tables

LANGUAGES = ("fr", "en")
INDEX = "index.md"


def write_documentation(folder: Path, catalog: Catalog, currency: str) -> list[Path]:
    """Write every page; pages of KPIs that are gone are removed. Returns the files written."""
    written = []
    for language in LANGUAGES:
        (folder / language).mkdir(parents=True, exist_ok=True)
        pages = document_kpis(catalog, language, currency)
        for stale in set((folder / language).glob("*.md")) - {folder / language / name for name in pages}:
            stale.unlink()
        for name, text in pages.items():
            (folder / language / name).write_text(text, encoding="utf-8")
            written.append(folder / language / name)
    return written


def document_kpis(catalog: Catalog, language: str, currency: str) -> dict[str, str]:
    """The Markdown pages of a language by file name."""
    writer = _Pages(catalog, load_words(language), Formats(language, currency))
    pages = {f"{kpi.key}.md": writer.page(kpi) for kpi in kpis().values()}
    return {INDEX: writer.index(), **pages}


class _Pages:
    """Writes pages in one language."""

    def __init__(self, catalog: Catalog, words: Words, formats: Formats) -> None:
        self.catalog = catalog
        self.words = words
        self.formats = formats

    def index(self) -> str:
        lines = [f"# {self._say('title')}", "", self._say("about")]
        for family, members in groupby(kpis().values(), key=lambda kpi: kpi.family):
            lines += ["", f"## {self._family(family)}", ""]
            lines += [
                f"- [{self._text(kpi.name)}]({kpi.key}.md): {self._text(kpi.definition)}" for kpi in members
            ]
        return "\n".join(lines) + "\n"

    def page(self, kpi: Kpi) -> str:
        facts = [f"| {name} | {value} |" for name, value in self._facts(kpi)]
        parts = [
            f"# {self._text(kpi.name)}",
            self._text(kpi.definition),
            "\n".join([f"| `{kpi.key}` | |", "|---|---|", *facts]),
        ]
        if kpi.action is not None:
            parts += [f"## {self._say('action')}", self._text(kpi.action)]
        parts += [f"## {self._say('made_of')}", "\n".join(self._inputs(kpi))]
        parts += [f"## {self._say('query')}", f"```sql\n{kpi.sql.strip()}\n```"]
        return "\n\n".join([*parts, f"[{self._say('all')}]({INDEX})"]) + "\n"

    def _facts(self, kpi: Kpi) -> Iterator[tuple[str, str]]:
        yield self._say("fact.family"), self._family(kpi.family)
        yield self._say("fact.unit"), self._say(f"unit.{kpi.unit}")
        yield self._say("fact.kind"), self._kind(kpi)
        yield self._say("fact.good"), self._say(f"good.{kpi.good}")
        if kpi.dimensions:
            yield self._say("fact.dimensions"), ", ".join(self._dimension(one) for one in kpi.dimensions)
        if kpi.reference is not None:
            yield self._say("fact.reference"), self._reference(kpi, kpi.reference)
        if kpi.counts is not None:
            yield self._say("fact.counts"), self._text(kpi.counts.many)
        if kpi.undefined is not None:
            yield self._say("fact.undefined"), self._text(kpi.undefined)
        if kpi.matures_after:
            yield self._say("fact.matures"), self.words.count("documentation.days", kpi.matures_after)
        if kpi.young_until:
            yield self._say("fact.young"), self.words.count("documentation.days", kpi.young_until)
        yield self._say("fact.version"), str(kpi.since)

    def _kind(self, kpi: Kpi) -> str:
        if kpi.kind is not Kind.WINDOW or kpi.window is None:
            return self._say(f"kind.{kpi.kind.value}")
        return self._say("kind.window_days", days=kpi.window)

    def _reference(self, kpi: Kpi, reference: Reference) -> str:
        if reference.between is not None:
            low, high = (self.formats.limit(kpi, edge) for edge in reference.between)
            return self.words.say("reference.between", low=low, high=high)
        kinds = {"at_least": reference.at_least, "at_most": reference.at_most, "around": reference.around}
        return " ".join(
            self.words.say(f"reference.{kind}", value=self.formats.limit(kpi, edge))
            for kind, edge in kinds.items()
            if edge is not None
        )

    def _inputs(self, kpi: Kpi) -> Iterator[str]:
        """The canonical tables and settings it descends from, and which of them it means nothing without."""
        needed = self.catalog.measured_by(kpi)
        origins = self.catalog.origins(f"kpi.{kpi.key}")
        tables = {name.removeprefix("mapped.") for name in origins if name.startswith("mapped.")}
        for name in sorted(needed | tables):
            mark = f" ({self._say('needed')})" if name in needed else ""
            fed = sorted({stream.vendor for stream in self.catalog.feeding(name)})
            if name not in canonical_tables():
                fed = ["ecom.toml"]
            yield f"- `{name}`{mark}{': ' if fed else ''}{', '.join(fed)}"
        for origin in sorted(origins):
            if not origin.startswith("mapped."):
                yield f"- `{origin}`" + (": ecom.toml" if origin.startswith("config.") else "")

    def _say(self, key: str, **values: object) -> str:
        return self.words.say(f"documentation.{key}", **values)

    def _family(self, family: str) -> str:
        return self.words.get(f"family.{family}") or family

    def _dimension(self, dimension: str) -> str:
        return self.words.get(f"dimension.{dimension}") or dimension

    def _text(self, words: KpiWords) -> str:
        return words.in_language(self.words.language).replace("'", "’")

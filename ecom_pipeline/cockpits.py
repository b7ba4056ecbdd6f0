"""The cockpits from the published warehouse to their files: one for each audience and language, the newest day only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ecom_pipeline.cockpit import Cockpit, CockpitRequest, compute_cockpit, render_cockpit
from ecom_pipeline.files import replace_file
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.reporting import shop_audience, shop_targets
from ecom_pipeline.settings import Settings
from ecom_pipeline.warehouse.connection import open_published


@dataclass(frozen=True)
class RenderedCockpit:
    """A cockpit that was just written."""

    audience: str
    language: str
    file: Path
    size_bytes: int
    newest_day: date
    kpis: int
    late_sources: int


def cockpit_file(settings: Settings, audience: str, language: str) -> Path:
    """The place of an audience's cockpit, whether it was rendered yet or not."""
    return settings.reports_folder / "cockpit" / f"{audience}_{language}.html"


def compute_audience(pipeline: Pipeline, name: str) -> Cockpit:
    """What an audience's cockpit shows as of the newest complete day, read from the published copy.

    Raises:
        EcomError: nothing has been published yet.
    """
    settings = pipeline.settings
    request = CockpitRequest(
        shop_name=settings.shop.name,
        currency=settings.shop.currency,
        newest_day=pipeline.newest_day(),
        audience=shop_audience(pipeline, name),
        targets=shop_targets(settings),
        minimum_coverage=settings.shop.minimum_coverage,
        generated_at=pipeline.clock(),
    )
    with open_published(settings.published_file) as connection:
        return compute_cockpit(connection, pipeline.kpis, request)


def render_audience(pipeline: Pipeline, name: str, languages: Iterable[str]) -> list[RenderedCockpit]:
    """Write an audience's cockpit in some languages, each file whole or not at all.

    Raises:
        EcomError: nothing has been published yet, or the cockpit cannot be written in a language.
    """
    cockpit = compute_audience(pipeline, name)
    found = []
    for language in languages:
        page = render_cockpit(cockpit, language).encode()
        file = cockpit_file(pipeline.settings, name, language)
        replace_file(file, page)
        day, late = cockpit.request.newest_day, len(cockpit.late_sources)
        found.append(RenderedCockpit(name, language, file, len(page), day, len(cockpit.kpis), late))
    return found


def render_cockpits(pipeline: Pipeline) -> list[RenderedCockpit]:
    """Write every audience's cockpit in every language it reads.

    Raises:
        EcomError: nothing has been published yet.
    """
    settings = pipeline.settings
    return [
        rendered
        for name in settings.audiences
        for rendered in render_audience(pipeline, name, settings.audience_languages(name))
    ]

"""Which reports there are: of a week or a month, for an audience, in a language."""

from __future__ import annotations

from dataclasses import dataclass

from ecom_pipeline.periods import ReportPeriod
from ecom_pipeline.settings import Settings


@dataclass(frozen=True, order=True)
class Edition:
    """One report: of a week or a month, for an audience, in a language."""

    period: ReportPeriod
    audience: str
    language: str

    @property
    def key(self) -> str:
        """What the delivery ledger knows it by: weekly/2026-W47/direction/fr."""
        return f"{self.period.rhythm}/{self.period.name}/{self.audience}/{self.language}"

    @property
    def stem(self) -> str:
        """What its files are called: weekly_direction_fr."""
        return f"{self.period.rhythm}_{self.audience}_{self.language}"


def report_choices(settings: Settings) -> list[tuple[str, str]]:
    """Audience and language of every report that is made of a period, in the order of the configuration."""
    return [
        (audience, language)
        for audience in settings.audiences
        for language in settings.audience_languages(audience)
    ]

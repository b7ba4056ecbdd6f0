"""`cockpit`: every audience's cockpit, written anew from what is published."""

from __future__ import annotations

from typing import Annotated

import typer

from ecom_pipeline.commands.session import (
    LANGUAGES,
    console,
    native_libraries,
    print_json,
    require_known,
    session_of,
    shown_path,
)
from ecom_pipeline.errors import ConfigurationError


def cockpit(
    context: typer.Context,
    audience: Annotated[
        str | None, typer.Option("--audience", help="One of ecom.toml's audiences; by default all of them.")
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", help="fr or en; by default what the audience reads.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON instead of paths.")] = False,
) -> None:
    """Write the cockpits as of the newest complete day, and print where they are."""
    with native_libraries():
        from ecom_pipeline.cockpits import render_audience  # noqa: PLC0415 - as reports do
    pipeline = session_of(context).pipeline
    settings = pipeline.settings
    names = list(settings.audiences)
    if audience is not None:
        names = [require_known(audience, settings.audiences, "audience")]
    if language is not None:
        require_known(language, LANGUAGES, "language")
        names = [name for name in names if language in settings.audience_languages(name)]
        if not names:
            raise ConfigurationError(
                f"No audience asked for reads {language}.",
                mend=f'Add "{language}" to its languages in ecom.toml.',
            )
    found = []
    for name in names:
        languages = settings.audience_languages(name) if language is None else (language,)
        found += render_audience(pipeline, name, languages)
    if as_json:
        print_json(
            [
                {
                    "audience": one.audience,
                    "language": one.language,
                    "file": one.file,
                    "bytes": one.size_bytes,
                    "newest_day": one.newest_day,
                    "late_sources": one.late_sources,
                }
                for one in found
            ]
        )
        return
    for one in found:
        console.print(shown_path(one.file), soft_wrap=True)
        if one.late_sources:
            console.print("  The data is incomplete; the cockpit says so at its top.")

"""Looks at everything a run needs before it is needed, and names exactly what is missing and how to mend it.

Nothing is changed: credentials are tried with the vendors' cheapest calls, the mail server is greeted and
sent nothing.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from ecom_pipeline.delivery import check_server
from ecom_pipeline.errors import EcomError
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.settings import (
    DAGSTER_POSTGRES_VARIABLE,
    PSEUDONYM_VARIABLE,
    SMTP_PASSWORD_VARIABLE,
    MailSettings,
    Settings,
    missing_secrets,
)
from ecom_pipeline.sources.contract import Finding, Source
from ecom_pipeline.sources.scrub import Scrubber
from ecom_pipeline.warehouse.connection import open_warehouse

SHORTEST_KEY = 32
LOW_SPACE, LEAST_SPACE = 5_000_000_000, 500_000_000
WAREHOUSE_PATIENCE = 2.0
CONNECT_SECONDS = 5
NEEDED_LIBRARIES = ("libpango-1.0.so.0", "libpangoft2-1.0.so.0")
QUICKER_LIBRARY = "libharfbuzz-subset.so.0"
PACKAGES = {
    "libpango-1.0.so.0": "libpango-1.0-0",
    "libpangoft2-1.0.so.0": "libpangoft2-1.0-0",
    QUICKER_LIBRARY: "libharfbuzz-subset0",
}


@dataclass(frozen=True)
class Examination:
    """What was found in one area: the configuration, a source, mail, reports, storage."""

    area: str
    findings: tuple[Finding, ...]


def examine(pipeline: Pipeline) -> Iterator[Examination]:
    """Look at one area after the other; never raises for what it finds."""
    settings = pipeline.settings
    yield Examination("configuration", tuple(_configuration(settings)))
    for name in settings.sources:
        yield Examination(f"source {name}", tuple(_source(pipeline, name)))
    yield Examination("mail", tuple(_mail(settings)))
    if settings.tells_alerts:
        yield Examination("alerts", tuple(_alerts(settings)))
    yield Examination("reports", tuple(_renderer()))
    yield Examination("storage", tuple(_storage(settings)))
    yield Examination("dagster", tuple(_dagster(settings)))


def _configuration(settings: Settings) -> Iterator[Finding]:
    yield Finding("ecom.toml", "ok", f"{settings.file} is understood.")
    if settings.pseudonym_key is None or not settings.pseudonym_key.get_secret_value():
        yield Finding(
            PSEUDONYM_VARIABLE,
            "error",
            "It is not set; without it no customer can be recognised and nothing is read.",
            f"Set {PSEUDONYM_VARIABLE} to a random text of {SHORTEST_KEY} characters or more, once, and keep it.",
        )
    else:
        yield Finding(PSEUDONYM_VARIABLE, "ok", "It is set.")
    if not settings.sources:
        yield Finding(
            "sources", "error", "No source is configured.", "Add a [sources.<name>] section to ecom.toml."
        )


def _source(pipeline: Pipeline, name: str) -> Iterator[Finding]:
    try:
        source = pipeline.sources[name]
    except EcomError as error:
        yield _as_finding(name, error)
        return
    missing = missing_secrets(pipeline.settings.sources[name])
    for variable in missing:
        mend = f"Put {variable} into the environment or the .env beside ecom.toml. {source.credentials}"
        yield Finding(variable, "error", "It is not set.", mend)
    if not missing:
        yield from _try_source(source)


def _try_source(source: Source) -> list[Finding]:
    try:
        return source.check()
    except EcomError as error:
        return [_as_finding(source.title, error)]
    except Exception as error:
        why = f"The check itself failed with {type(error).__name__}."
        return [Finding(source.title, "error", why, "Please report it.")]


def _as_finding(subject: str, error: EcomError) -> Finding:
    return Finding(subject, "error", f"{error.what} {error.why}".strip(), error.mend)


def _mail(settings: Settings) -> Iterator[Finding]:
    mail = settings.mail
    if mail is None:
        mend = "Add a [mail] section to ecom.toml."
        yield Finding(
            "mail server", "warning", "None is configured: reports are rendered and not sent.", mend
        )
        return
    if mail.username and settings.smtp_password is None:
        mend = f"Put {SMTP_PASSWORD_VARIABLE} into the environment or the .env beside ecom.toml."
        yield Finding(SMTP_PASSWORD_VARIABLE, "error", f"{mail.host} has a user name and no password.", mend)
        return
    yield _mail_server(settings)
    yield _recipients(mail)
    yield from _suppressed(settings)
    if mail.inbox is not None:
        yield _mailbox(settings)


def _mail_server(settings: Settings) -> Finding:
    # The settings of the server are made where reports are, which needs the PDF renderer's libraries.
    from ecom_pipeline.reporting import smtp_server  # noqa: PLC0415

    try:
        result = check_server(smtp_server(settings))
    except EcomError as error:
        return _as_finding("mail server", error)
    if result.ok:
        return Finding("mail server", "ok", f"{'; '.join(result.passed)}.")
    return Finding("mail server", "error", f"{result.problem}.", f"{result.mend}.")


def _recipients(mail: MailSettings) -> Finding:
    if not mail.recipients:
        mend = "Add recipients to [mail] in ecom.toml."
        return Finding("recipients", "warning", "Nobody receives the report.", mend)
    return Finding("recipients", "ok", f"{len(mail.recipients)} people receive the report.")


def _suppressed(settings: Settings) -> Iterator[Finding]:
    from ecom_pipeline.readers import load_readers  # noqa: PLC0415 - as reports do
    from ecom_pipeline.reporting import ledger_file  # noqa: PLC0415

    if settings.pseudonym_key is None or not ledger_file(settings).is_file():
        return
    try:
        readers = load_readers(settings)
    except EcomError as error:
        yield _as_finding("delivery ledger", error)
        return
    for reader in readers:
        if reader.suppression is not None:
            mend = (
                "Correct or remove the address in ecom.toml; ecom-pipeline readers allow sends there again."
            )
            yield Finding(
                f"reader {reader.display}",
                "warning",
                f"Gets no mail: {reader.suppression.explanation}.",
                mend,
            )


def _mailbox(settings: Settings) -> Finding:
    from ecom_pipeline.readers import check_mailbox  # noqa: PLC0415 - as reports do

    try:
        result = check_mailbox(settings)
    except EcomError as error:
        return _as_finding("mailbox", error)
    if result.ok:
        return Finding("mailbox", "ok", f"{'; '.join(result.passed)} opens.")
    return Finding("mailbox", "error", f"It cannot be read: {result.problem}.", f"{result.mend}.")


def _alerts(settings: Settings) -> Iterator[Finding]:
    # As with the mail server, alerts need what reports need.
    from ecom_pipeline.alerting import find_webhook_problems  # noqa: PLC0415

    for name, problem in find_webhook_problems(settings).items():
        if problem is None:
            yield Finding(f"webhook {name}", "ok", "Its secrets are set; it was not asked.")
        else:
            why, mend = problem
            yield Finding(f"webhook {name}", "error", f"Nothing can be sent there: {why}.", mend)
    if people := len(settings.alerts.recipients):
        yield Finding("alert recipients", "ok", f"{people} people are told by e-mail.")


def _renderer() -> Iterator[Finding]:
    missing = [name for name in NEEDED_LIBRARIES if not _loads(name)]
    if missing:
        packages = " ".join(PACKAGES[name] for name in missing)
        detail = f"Missing: {', '.join(missing)}. Without them no PDF can be made."
        yield Finding("Pango", "error", detail, f"sudo apt-get install {packages}")
    else:
        yield Finding("Pango", "ok", "It can be loaded.")
    if _loads(QUICKER_LIBRARY):
        yield Finding("HarfBuzz subset", "ok", "It can be loaded.")
    else:
        mend = f"sudo apt-get install {PACKAGES[QUICKER_LIBRARY]}"
        yield Finding("HarfBuzz subset", "warning", "It is missing: a PDF takes four times as long.", mend)
    fonts = [entry.name for entry in files("ecom_pipeline").joinpath("reports/fonts").iterdir()]
    if any(name.endswith(".woff2") for name in fonts):
        yield Finding("fonts", "ok", "The report's own fonts are installed with the package.")
    else:
        yield Finding("fonts", "error", "The report's own fonts are missing.", "Install the package again.")


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _storage(settings: Settings) -> Iterator[Finding]:
    folder = settings.folder
    place = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not (place.is_dir() and _is_writable(place)):
        mend = f"Give the user {_user()} the right to write there, or change storage.folder in ecom.toml."
        yield Finding(str(folder), "error", "It cannot be written to.", mend)
        return
    yield Finding(str(folder), "ok", "It can be written to.")
    yield _space(place)
    if settings.warehouse_file.is_file():
        yield _warehouse(settings.warehouse_file)


def _is_writable(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _user() -> str:
    return f"number {os.geteuid()}"


def _space(place: Path) -> Finding:
    free = shutil.disk_usage(place).free
    detail = f"{free / 1e9:.1f} GB are free."
    if free < LEAST_SPACE:
        return Finding("disk space", "error", detail, "Make room: a load that does not fit is not stored.")
    if free < LOW_SPACE:
        return Finding("disk space", "warning", detail, "Make room before the history grows.")
    return Finding("disk space", "ok", detail)


def _warehouse(file: Path) -> Finding:
    try:
        with open_warehouse(file, patience_seconds=WAREHOUSE_PATIENCE):
            return Finding("warehouse", "ok", f"{file.stat().st_size / 1e6:.0f} MB.")
    except EcomError as error:
        if "locked" in error.what:
            return Finding("warehouse", "warning", error.what, error.mend)
        return _as_finding("warehouse", error)


def _dagster(settings: Settings) -> Iterator[Finding]:
    """Whether Dagster's own storage answers; the embedded server is started for the question."""
    url = settings.dagster_postgres_url.get_secret_value() if settings.dagster_postgres_url else ""
    kind = f"the server {DAGSTER_POSTGRES_VARIABLE} names" if url else "the embedded PostgreSQL"
    try:
        runs = _recorded_runs(settings, url)
    except Exception as error:  # drivers raise many kinds
        words = Scrubber(_passwords(url)).clean(str(error)).splitlines()[:1]
        detail = f"{kind} does not answer: {' '.join(words)} ({type(error).__name__})"
        mend = f"Close other programs that use {settings.folder}; if none does, read the log in its folder postgres."
        if url:
            mend = (
                f"Set {DAGSTER_POSTGRES_VARIABLE} to postgresql+psycopg2://user:password@host:5432/database"
            )
        yield Finding("run storage", "error", detail, mend)
    else:
        yield Finding("run storage", "ok", f"{kind} answers; {runs} runs are recorded.")


def _recorded_runs(settings: Settings, url: str) -> int:
    from dagster import DagsterInstance  # noqa: PLC0415 - Dagster loads slowly, and is asked last

    from ecom_pipeline.orchestration.instance import prepare_home  # noqa: PLC0415
    from ecom_pipeline.orchestration.storage import psycopg2_url  # noqa: PLC0415

    if url:
        # Dagster itself would try many times before it says that nobody answers.
        seconds = {"connect_timeout": CONNECT_SECONDS}
        create_engine(psycopg2_url(url), connect_args=seconds).connect().close()
    prepare_home(settings)
    with DagsterInstance.get() as instance:
        return instance.get_runs_count()


def _passwords(url: str) -> list[str]:
    try:
        return [url, make_url(url).password or ""] if url else []
    except ArgumentError:
        return [url]

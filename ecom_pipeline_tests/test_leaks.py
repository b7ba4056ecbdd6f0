"""No secret and no personal data in anything the product writes: a whole run, every byte of it looked through.

The simulated vendors put canaries into every credential and every personal field; customers' addresses, the
secrets themselves and the recipients' addresses are looked for as well. Databases are compressed, PDFs and mails
encoded: each is also read as what it is.
"""

from __future__ import annotations

import gzip
import json
import logging
import re
import shutil
import sqlite3
import subprocess
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from dotenv import dotenv_values

from ecom_pipeline.alerting import record_run
from ecom_pipeline.editions import Edition
from ecom_pipeline.orchestration.alerts import find_in_run
from ecom_pipeline.orchestration.assembly import build_definitions
from ecom_pipeline.orchestration.console import QUIET
from ecom_pipeline.periods import Rhythm, newest_complete
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.reporting import deliver_edition, render_edition
from ecom_pipeline.sandbox.faults import FOREVER
from ecom_pipeline.sandbox.mail_catcher import MailCatcher, run_mail_catcher
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, SECRET_CANARY
from ecom_pipeline.settings import load_settings

from .orchestration.conftest import AT_ONCE, run_days
from .simulation import Simulation, simulate

MAILS = "mails"  # what the catcher received, addressed as mails are
READERS = ("direction@readers.example", "canary.investor@readers.example")
SMTP_PASSWORD = f"{SECRET_CANARY}-smtp-password"
# Nobody answers there: the error is what may tell.
WEBHOOK = {
    "ECOM_WEBHOOK_TEAM_URL": f"http://127.0.0.1:1/services/{SECRET_CANARY}-webhook",
    "ECOM_WEBHOOK_TEAM_SIGNING_KEY": f"{SECRET_CANARY}-signing-key",
}
MAIL = """
[mail]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "rapport@maison.example"
sender_name = "Maison Lumen"
recipients = [
  {{ email = "direction@readers.example", name = "Direction", language = "fr" }},
  {{ email = "canary.investor@readers.example", name = "Investors", language = "en" }},
]
[alerts]
recipients = [{{ email = "direction@readers.example", kinds = ["daily", "failures"] }}]
[[webhooks]]
name = "team"
kinds = ["daily", "failures"]
"""


@dataclass
class Run:
    """Everything one run wrote, and what it logged."""

    simulation: Simulation
    folder: Path
    catcher: MailCatcher
    logged: str
    secrets: dict[str, str]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Simulate, extract, fail once, compute, publish, render, send, and again by Dagster with a home on disk."""
    folder = tmp_path_factory.mktemp("leaks")
    records: list[str] = []
    handler = _Collector(records)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with (
            simulate(folder, seed=23, days=21, orders_per_day=5) as simulation,
            run_mail_catcher(folder / MAILS) as catcher,
        ):
            _configure_mail(simulation, catcher.port)
            simulation.run()
            simulation.pipeline.publish()
            _report(simulation.pipeline)
            _run_dagster(simulation, folder)
            secrets = dict(_secret_values(folder / ".env"))
            yield Run(simulation, folder, catcher, "\n".join(records), secrets)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


class _Collector(logging.Handler):
    def __init__(self, records: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._records = records
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        # The vendors run in this process too; what a server logs of itself is not the product's.
        if not record.name.startswith(("uvicorn", "starlette", "asyncio", "fontTools")):
            self._records.append(self.format(record))


def _configure_mail(simulation: Simulation, port: int) -> None:
    file = simulation.pipeline.settings.file
    file.write_text(file.read_text(encoding="utf-8") + MAIL.format(port=port), encoding="utf-8")
    dotenv = file.parent / ".env"
    dotenv.write_text(dotenv.read_text(encoding="utf-8") + f"ECOM_SMTP_PASSWORD='{SMTP_PASSWORD}'\n")
    with dotenv.open("a", encoding="utf-8") as lines:
        lines.writelines(f"{name}='{value}'\n" for name, value in WEBHOOK.items())
    simulation.pipeline = Pipeline(load_settings(file), clock=simulation.world.now)


def _report(pipeline: Pipeline) -> None:
    week = newest_complete(Rhythm.WEEKLY, pipeline.newest_day())
    for language in pipeline.settings.report.languages:
        render_edition(pipeline, Edition(week, "direction", language))
        delivery = deliver_edition(pipeline, Edition(week, "direction", language))
        assert delivery.deliveries and not delivery.undelivered


def _run_dagster(simulation: Simulation, folder: Path) -> None:
    """Two days more by Dagster's jobs, one vendor refusing the key: its error goes into the event log."""
    definitions = build_definitions(simulation.pipeline, AT_ONCE)
    home = folder / "var" / "dagster"
    home.mkdir(parents=True)
    last = simulation.shop.last_day
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        simulation.world.faults.arm("stripe", "expired_token", times=FOREVER)
        simulation.world.faults.arm("qonto", "missing_column", column="updated_at", times=FOREVER)
        failed = run_days(definitions.resolve_job_def("extract"), instance, last, last)
        simulation.world.faults.clear()
        assert not failed.success
        assert run_days(definitions.resolve_job_def("compute"), instance, last, last).success
        findings = find_in_run(failed.dagster_run, instance)
        assert findings is not None and record_run(simulation.pipeline, findings)
        sending = definitions.resolve_job_def("send_alerts")
        assert sending.execute_in_process(instance=instance, run_config=QUIET).success


def _secret_values(dotenv: Path) -> Iterator[tuple[str, str]]:
    for name, value in dotenv_values(dotenv, interpolate=False).items():
        assert value
        yield name, value
        if value.startswith("{"):
            key = str(json.loads(value)["private_key"]).splitlines()
            yield f"{name}, key", key[2]


def needles(run: Run) -> dict[str, str]:
    """What must not be found, lower case, by what it is called when it is."""
    orders = run.simulation.shop.orders
    emails = {order.email.strip() for order in orders if order.email}
    emails |= {order.customer.email for order in orders if order.customer}
    assert len(emails) > 50
    found = {SECRET_CANARY: "a secret's canary", PERSONAL_CANARY: "a person's canary"}
    found |= {email.lower(): f"a customer's address {email}" for email in emails}
    found |= dict.fromkeys(READERS, "a recipient's address")
    found |= {value.lower(): f"the secret {name}" for name, value in run.secrets.items()}
    return found


def texts(file: Path) -> Iterator[str]:
    """The file as it lies, and everything it holds in another form."""
    content = file.read_bytes()
    yield content.decode("utf-8", errors="replace")
    yield content.decode("utf-16-le", errors="replace")
    if file.suffix == ".duckdb":
        yield from _duckdb_texts(file)
    elif content.startswith(b"SQLite format 3"):
        yield from _sqlite_texts(file)
    elif content.startswith(b"%PDF"):
        yield from _pdf_texts(file, content)
    elif content.startswith(b"\x1f\x8b"):
        yield gzip.decompress(content).decode("utf-8", errors="replace")
    elif zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            yield from (archive.read(name).decode("utf-8", errors="replace") for name in archive.namelist())
    elif file.suffix == ".eml":
        for part in message_from_bytes(content, policy=policy.default).walk():
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                yield payload.decode("utf-8", errors="replace")


def _duckdb_texts(file: Path) -> Iterator[str]:
    with closing(duckdb.connect(str(file), read_only=True)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        tables = connection.execute("SELECT schema_name, table_name, sql FROM duckdb_tables()").fetchall()
        for schema, table, sql in tables:
            yield sql
            rows = connection.execute(f'SELECT * FROM {schema}."{table}"')
            while batch := rows.fetchmany(10_000):
                yield repr(batch)


def _sqlite_texts(file: Path) -> Iterator[str]:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        yield "\n".join(connection.iterdump())


def _pdf_texts(file: Path, content: bytes) -> Iterator[str]:
    for match in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL):
        try:
            yield zlib.decompress(match[1]).decode("latin-1")
        except zlib.error:
            continue
    if tool := shutil.which("pdftotext"):
        read = subprocess.run([tool, str(file), "-"], capture_output=True, check=True, text=True)
        yield " ".join(read.stdout.split())


def leaks(file: Path, wanted: dict[str, str], allowed: tuple[str, ...] = ()) -> set[str]:
    found: set[str] = set()
    for text in texts(file):
        lower = text.lower()
        found |= {name for needle, name in wanted.items() if needle not in allowed and needle in lower}
    return found


def scanned_files(run: Run) -> list[Path]:
    """Everything below the folder but the secrets' own file and the mails that were received."""
    return sorted(
        file
        for file in run.folder.rglob("*")
        if file.is_file() and file.name != ".env" and MAILS not in file.relative_to(run.folder).parts[:1]
    )


def test_no_file_holds_a_secret_or_a_person(run: Run) -> None:
    wanted = needles(run)
    found = {}
    for file in scanned_files(run):
        allowed = READERS if file.name == "ecom.toml" else ()
        if leaked := leaks(file, wanted, allowed):
            found[file.relative_to(run.folder).as_posix()] = leaked
    assert found == {}


def test_what_was_looked_through_is_the_whole_run(run: Run) -> None:
    kinds = {file.name for file in scanned_files(run)}
    suffixes = {file.suffix for file in scanned_files(run)}
    assert {"warehouse.duckdb", "deliveries.sqlite", "alerts.sqlite", "ecom.toml"} <= kinds
    assert {".pdf", ".html", ".json", ".db", ".duckdb"} <= suffixes
    assert len([file for file in scanned_files(run) if file.name == "warehouse.duckdb"]) == 2, "and its copy"
    (raw,) = run.simulation.query('SELECT COUNT(*) FROM raw."shop__orders"')
    assert raw[0] > 50
    assert len(run.catcher.mails) == len(READERS) + 2, "reports, the day's alert and that of the failed run"


def test_the_failed_run_is_recorded_without_its_credentials(run: Run) -> None:
    """The scan proves nothing about errors unless errors were written."""
    told = "\n".join(
        text for file in (run.folder / "var" / "dagster").rglob("*.db") for text in _sqlite_texts(file)
    )
    assert "the vendor refuses the credentials" in told
    assert "updated_at" in told


def test_no_log_line_holds_a_secret_or_a_person(run: Run) -> None:
    lower = run.logged.lower()
    assert "weasyprint" in lower, "the run logged nothing, so this proves nothing"
    assert {name for needle, name in needles(run).items() if needle in lower} == set()


def test_mails_hold_their_own_reader_and_no_other(run: Run) -> None:
    wanted = needles(run)
    for mail in run.catcher.mails:
        (reader,) = mail.recipients
        assert leaks(mail.path, wanted, (reader,)) == set()


def test_secrets_are_readable_by_their_owner_only(run: Run) -> None:
    assert (run.folder / ".env").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("kind", ["text", "duckdb", "sqlite", "gzip", "zip", "pdf", "eml"])
def test_the_scan_finds_what_is_there(tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"planted.{kind}"
    planted = f"{PERSONAL_CANARY}-{'x' * 40}"
    match kind:
        case "text":
            file.write_text(f"before {planted} after")
        case "duckdb":
            with closing(duckdb.connect(str(file))) as connection:
                # Enough rows, alike enough, for the file to be compressed.
                connection.execute(
                    f"CREATE TABLE t AS SELECT '{planted[:10]}' || '{planted[10:]}' || (i % 7) AS c FROM range(300000) AS r(i)"
                )
        case "sqlite":
            with closing(sqlite3.connect(file)) as connection:
                connection.execute("CREATE TABLE t (c BLOB)")
                connection.execute("INSERT INTO t VALUES (?)", [planted])
                connection.commit()
        case "gzip":
            file.write_bytes(gzip.compress(planted.encode()))
        case "zip":
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("inner.csv", planted)
        case "pdf":
            file.write_bytes(b"%PDF-1.7\nstream\n" + zlib.compress(planted.encode()) + b"\nendstream\n")
        case "eml":
            file.write_text(
                "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"
                "Y2FuYXJ5LXBlcnNvbmFs\n"
            )
    if kind == "pdf":
        assert any(PERSONAL_CANARY in text for text in texts_without_tool(file))
    else:
        assert leaks(file, {PERSONAL_CANARY: "found"}) == {"found"}


def texts_without_tool(file: Path) -> Iterator[str]:
    """A PDF's streams alone: the planted one is no whole PDF, which pdftotext would refuse."""
    for match in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", file.read_bytes(), re.DOTALL):
        yield zlib.decompress(match[1]).decode("latin-1")

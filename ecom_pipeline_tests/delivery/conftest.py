from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ecom_pipeline.delivery import Ledger, Recipient, ReportMail, Retries, Sender, SmtpServer
from ecom_pipeline.sandbox.mail_catcher import MailCatcher, run_mail_catcher

KEY = b"a key that only this test knows"
PICTURE = b"\x89PNG\r\n\x1a\n not more than its first bytes"

MakeReport = Callable[..., ReportMail]


@pytest.fixture
def make_report(tmp_path: Path) -> MakeReport:
    def make(**changes: object) -> ReportMail:
        pdf = tmp_path / "report.pdf"
        if not pdf.exists():
            pdf.write_bytes(b"%PDF-1.7\nnot a page in it\n%%EOF\n")
        values: dict[str, object] = {
            "report_key": "weekly/2026-W47/fr",
            "language": "fr",
            "subject": "Semaine 47 : le résultat net a progressé de 8 %",
            "text": "Bonjour,\n\n.une ligne qui commence par un point\nRésultat : 1 234,50 €\n",
            "html": '<p>Résultat : 1 234,50 €</p><img src="cid:report-picture" alt="">',
            "pdf_path": pdf,
            "pdf_name": "Rapport d'été \u2013 semaine 47.pdf",
            "picture_png": PICTURE,
        }
        return ReportMail(**{**values, **changes})  # type: ignore[arg-type]

    return make


@pytest.fixture
def report(make_report: MakeReport) -> ReportMail:
    return make_report()


@pytest.fixture
def sender() -> Sender:
    return Sender("rapports@boutique.example", "Boutique & Fils", "stop+weekly@boutique.example", KEY)


@pytest.fixture
def marie() -> Recipient:
    return Recipient("marie.lefebvre@atelier.example", "fr", "Marie Lefèbvre, gérante")


@pytest.fixture
def paul() -> Recipient:
    return Recipient("paul@atelier.example", "fr")


@pytest.fixture
def catcher(tmp_path: Path) -> Iterator[MailCatcher]:
    with run_mail_catcher(tmp_path / "mails") as running:
        yield running


@pytest.fixture
def server(catcher: MailCatcher) -> SmtpServer:
    return SmtpServer(catcher.host, catcher.port, "none", timeout_seconds=10)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger.sqlite", KEY) as opened:
        yield opened


@pytest.fixture
def waits() -> list[float]:
    """What `retries` would have slept."""
    return []


@pytest.fixture
def retries(waits: list[float]) -> Retries:
    return Retries((5.0, 30.0), waits.append)

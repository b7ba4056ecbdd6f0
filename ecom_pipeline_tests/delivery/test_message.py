from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecom_pipeline.delivery import DeliveryError, Recipient, ReportMail, Sender, build_message
from ecom_pipeline.delivery.message import (
    MAX_PDF_BYTES,
    PICTURE_REFERENCE,
    UNSUBSCRIBE_REFERENCE,
    ascii_file_name,
    build_reader_token,
)
from ecom_pipeline_tests.delivery.conftest import KEY, PICTURE, MakeReport

AT = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)


def received(message: EmailMessage) -> EmailMessage:
    wire = message.as_bytes()
    assert wire.isascii(), "needs 8BITMIME"
    assert max(len(line) for line in wire.split(b"\r\n")) <= 998
    parsed = message_from_bytes(wire, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    assert not parsed.defects
    return parsed


def read_name(message: EmailMessage) -> str:
    # By the library's older reader: its newer one adds spaces between encoded words of a name.
    written = message_from_bytes(message.as_bytes())["To"].replace("\r\n", "")
    return str(make_header(decode_header(parseaddr(written)[0])))


def test_reads_back_as_it_was_written(report: ReportMail, marie: Recipient, sender: Sender) -> None:
    message = build_message(report, marie, sender, written_at=AT)
    mail = received(message)
    assert mail["Subject"] == report.subject
    assert read_name(message) == marie.name
    assert mail["To"].addresses[0].addr_spec == marie.email
    assert mail["From"].addresses[0].display_name == "Boutique & Fils"
    assert mail["Date"].datetime == AT
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Content-Language"] == "fr"
    assert mail["List-Id"] == "<weekly-report.boutique.example>"
    token = build_reader_token(marie, sender)
    unsubscribe = f"<mailto:stop%2Bweekly@boutique.example?subject=unsubscribe%20weekly-report%20{token}>"
    assert mail["List-Unsubscribe"] == unsubscribe
    assert mail["MIME-Version"] == "1.0"


def test_no_header_is_ruined_by_long_names(make_report: MakeReport) -> None:
    domain = "reports.a-very-long-department-name.of-a-very-long-company-name.example"
    report = make_report(subject="Un sujet très long, " * 20, pdf_name="Été " * 30 + ".pdf")
    recipient = Recipient(f"{'m' * 60}@{domain}", "fr", "Élodie Lefèbvre, " * 9 + "fin")
    sender = Sender(f"a@{domain}", "Boutique, é", f"stop@{domain}", KEY)
    message, token = build_message(report, recipient, sender), build_reader_token(recipient, sender)
    mail = received(message)
    assert mail["List-Id"] == f"<weekly-report.{domain}>"
    assert mail["List-Unsubscribe"] == f"<mailto:stop@{domain}?subject=unsubscribe%20weekly-report%20{token}>"
    assert mail["Subject"] == report.subject
    assert mail["To"].addresses[0].addr_spec == recipient.email
    assert read_name(message) == recipient.name
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == report.pdf_name
    for name in ("Message-ID", "List-Id", "List-Unsubscribe", "Content-ID"):
        assert f"\r\n{name}: <".encode() in message.as_bytes(), name


AWKWARD = [
    "net",
    "a",
    "8",
    "%",
    "résultat",
    "1\u202f234,50\u00a0€",
    "Élodie,",
    "(gérante)",
    '"B"',
    "d'été",
    ":",
]
AWKWARD += ["↑", "up;", "x@y", "中文", "🎉", "a=?b?=", "\\"]
WORDS = st.lists(st.sampled_from(AWKWARD), min_size=1, max_size=25).map(" ".join)


@settings(
    max_examples=150,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(subject=WORDS, name=WORDS)
def test_any_subject_and_name_are_read_back(
    make_report: MakeReport, sender: Sender, subject: str, name: str
) -> None:
    message = build_message(make_report(subject=subject), Recipient("m@a.example", "fr", name), sender)
    assert received(message)["Subject"] == subject
    assert read_name(message) == name


def test_text_html_and_picture_are_whole(report: ReportMail, marie: Recipient, sender: Sender) -> None:
    mail = received(build_message(report, marie, sender))
    assert mail.get_content_type() == "multipart/mixed"
    alternative = next(iter(mail.iter_parts()))
    assert [part.get_content_type() for part in alternative.iter_parts()] == [
        "text/plain",
        "multipart/related",
    ]
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None and text.get_content().replace("\r\n", "\n") == report.text
    pictures = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert html is not None and len(pictures) == 1
    assert f'src="cid:{pictures[0]["Content-ID"].strip("<>")}"' in html.get_content()
    assert pictures[0].get_content() == PICTURE
    assert pictures[0].get_content_disposition() == "inline"


LONG = (
    "Le taux de conversion du mobile a baissé de moitié\u00a0: 1\u202f234,50\u00a0€ de moins que prévu. " * 4
)


@pytest.mark.parametrize(
    "text",
    [
        f"{LONG}\n\n- {LONG}\n- court\n",
        "From here on\n> quoted\n indented\n",
        f"{'x' * 200} {'y' * 71} z\n",
        "ends with a blank \nand goes on\n",
        f"{'a' * 69} From b\n{'a' * 69} > b\n",
    ],
)
def test_the_text_fits_a_terminal_and_flows_elsewhere(
    make_report: MakeReport, marie: Recipient, sender: Sender, text: str
) -> None:
    part = received(build_message(make_report(text=text), marie, sender)).get_body(("plain",))
    assert part is not None and part["Content-Type"].params["format"] == "flowed"
    lines = part.get_content().replace("\r\n", "\n").splitlines()
    assert all(len(line) <= 73 or " " not in line.strip() for line in lines)
    assert not any(line.startswith(("From ", ">")) for line in lines), (
        "mailboxes and programs read them as theirs"
    )
    assert unflowed(lines) == [paragraph.rstrip(" ") for paragraph in text.splitlines()]


def unflowed(lines: list[str]) -> list[str]:
    """The paragraphs, read as RFC 3676 says."""
    paragraphs, begun = [], ""
    for line in lines:
        begun += line.removeprefix(" ")
        if not line.endswith(" "):
            paragraphs.append(begun)
            begun = ""
    return paragraphs + ([begun] if begun else [])


def test_the_link_in_the_html_asks_for_no_more_mail(
    make_report: MakeReport, marie: Recipient, paul: Recipient, sender: Sender
) -> None:
    report = make_report(html=f'<img src="{PICTURE_REFERENCE}"><a href="{UNSUBSCRIBE_REFERENCE}">stop</a>')
    links = []
    for reader in (marie, paul):
        mail = received(build_message(report, reader, sender))
        html = mail.get_body(("html",))
        assert html is not None
        links.append(f'href="{mail["List-Unsubscribe"].strip("<>")}"')
        assert links[-1] in html.get_content()
    assert links[0] != links[1]


def test_nobody_else_can_make_our_marks(report: ReportMail, marie: Recipient, sender: Sender) -> None:
    other = Sender(sender.address, sender.name, sender.unsubscribe, KEY[::-1])
    mine, theirs = (build_message(report, marie, one) for one in (sender, other))
    assert mine["Message-ID"] != theirs["Message-ID"]
    assert mine["List-Unsubscribe"] != theirs["List-Unsubscribe"]
    assert KEY.decode() not in repr(sender)


@pytest.mark.parametrize("key", ["weekly/2026-W47/direction/fr", "monthly/2026-10/data_team/en"])
def test_reports_of_audiences_have_keys(
    make_report: MakeReport, marie: Recipient, sender: Sender, key: str
) -> None:
    message = build_message(make_report(report_key=key), marie, sender)
    assert str(message["List-Id"]).startswith(f"<{key.split('/', maxsplit=1)[0]}-report.")


def test_pdf_is_attached_under_both_spellings_of_its_name(
    report: ReportMail, marie: Recipient, sender: Sender
) -> None:
    (attached,) = received(build_message(report, marie, sender)).iter_attachments()
    assert attached.get_content() == report.pdf_path.read_bytes()
    assert attached.get_filename() == report.pdf_name
    assert attached["Content-Type"].params["name"] == "Rapport-d-ete-semaine-47.pdf"


def test_without_picture_the_html_stands_alone(
    make_report: MakeReport, marie: Recipient, sender: Sender
) -> None:
    mail = received(build_message(make_report(picture_png=None, html="<p>é</p>"), marie, sender))
    assert [part.get_content_type() for part in mail.walk() if not part.is_multipart()] == [
        "text/plain",
        "text/html",
        "application/pdf",
    ]


def test_message_id_follows_report_recipient_and_edition(
    make_report: MakeReport, marie: Recipient, paul: Recipient, sender: Sender
) -> None:
    first = build_message(make_report(), marie, sender)["Message-ID"]
    shouting = Recipient("MARIE.Lefebvre@ATELIER.example", "fr")
    assert build_message(make_report(subject="Corrigé"), shouting, sender)["Message-ID"] == first
    others = {
        build_message(make_report(), paul, sender)["Message-ID"],
        build_message(make_report(report_key="weekly/2026-W48/fr"), marie, sender)["Message-ID"],
        build_message(make_report(), marie, sender, edition=2)["Message-ID"],
        first,
    }
    assert len(others) == 4
    assert first.endswith("@boutique.example>") and "marie" not in first


@pytest.mark.parametrize("character", ["\n", "\r", "\r\n", "\0", "\x0b", "\u2028", "\x85", "\x7f"])
@pytest.mark.parametrize("where", ["subject", "pdf_name", "name", "sender_name", "language", "report_key"])
def test_nothing_can_break_out_of_a_header(
    make_report: MakeReport, marie: Recipient, sender: Sender, where: str, character: str
) -> None:
    bad = f"fr{character}Bcc: thief@evil.example"
    with pytest.raises(DeliveryError) as refused:
        if where == "name":
            Recipient(marie.email, "fr", bad)
        elif where == "sender_name":
            Sender(sender.address, bad, sender.unsubscribe, KEY)
        else:
            build_message(make_report(**{where: bad}), marie, sender)
    assert "thief" not in str(refused.value)
    assert refused.value.mend


@pytest.mark.parametrize(
    "address",
    [
        "marie",
        "",
        "@atelier.example",
        "marie@",
        "marie@gmail",
        "marie@atelier..example",
        ".marie@atelier.example",
        "marie..l@atelier.example",
        "marie@atelier.example\nBcc: thief@evil.example",
        "marie@atelier.example, thief@evil.example",
        "Marie <marie@atelier.example>",
        "ma rie@atelier.example",
        "mariée@atelier.example",
        "marie@-atelier.example",
        f"{'m' * 65}@atelier.example",
        f"m@{'a' * 60}.{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 20}.example",
    ],
)
def test_bad_addresses_are_refused_without_being_shown(address: str) -> None:
    with pytest.raises(DeliveryError) as refused:
        Recipient(address, "fr")
    assert "marie" not in str(refused.value) and "atelier" not in str(refused.value)
    assert refused.value.__context__ is None or "marie" not in str(refused.value.__context__)


def test_an_international_domain_is_written_in_ascii() -> None:
    assert Recipient("marie@café.example", "fr").email == "marie@xn--caf-dma.example"


def test_people_are_shown_masked(marie: Recipient) -> None:
    assert marie.display == "m…@a….example"
    assert "marie" not in repr(marie).lower() and "atelier" not in repr(marie)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"text": "  "}, "empty"),
        ({"html": ""}, "empty"),
        ({"subject": " "}, "subject"),
        ({"pdf_name": "../rapport.pdf"}, "folder"),
        ({"picture_png": None}, "picture"),
        ({"html": "<p>no picture here</p>"}, "picture"),
        ({"report_key": "../../etc"}, "key"),
        ({"pdf_path": Path("/nowhere/at/all.pdf")}, "cannot be read"),
    ],
)
def test_an_unusable_report_is_refused(
    make_report: MakeReport, marie: Recipient, sender: Sender, changes: dict[str, object], why: str
) -> None:
    with pytest.raises(DeliveryError, match=why):
        build_message(make_report(**changes), marie, sender)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not a whole PDF"),
        (b"<html>%%EOF", "not a whole PDF"),
        (b"%PDF-1.7 cut off in the mid", "not a whole PDF"),
        (b"%PDF-1.7" + b" " * MAX_PDF_BYTES + b"%%EOF", "15.0 MB"),
    ],
    ids=["empty", "not-pdf", "truncated", "huge"],
)
def test_an_unusable_pdf_is_refused(
    report: ReportMail, marie: Recipient, sender: Sender, content: bytes, why: str
) -> None:
    report.pdf_path.write_bytes(content)
    with pytest.raises(DeliveryError, match=why):
        build_message(report, marie, sender)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("été.pdf", "ete.pdf"),
        ("周报.pdf", "report.pdf"),
        ('a"b\\c.pdf', "a-b-c.pdf"),
        ("W47 (fr).pdf", "W47-fr-.pdf"),
    ],
)
def test_fallback_name_is_plain(name: str, plain: str) -> None:
    assert ascii_file_name(name) == plain

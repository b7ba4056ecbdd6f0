"""The weekly and the monthly report: what it says (numbers first, words after), its charts, HTML, PDF and e-mail.

Knows the KPI tables and nothing of who fills them or who starts it.
"""

from ecom_pipeline.reports.compute import compute_report, shown_decisions
from ecom_pipeline.reports.html import render_html
from ecom_pipeline.reports.mail import MailContent, render_mail
from ecom_pipeline.reports.pdf import render_pdf
from ecom_pipeline.reports.picture import render_first_page
from ecom_pipeline.reports.report import Correction, Report, ReportRequest, Told

__all__ = [
    "Correction",
    "MailContent",
    "Report",
    "ReportRequest",
    "Told",
    "compute_report",
    "render_first_page",
    "render_html",
    "render_mail",
    "render_pdf",
    "shown_decisions",
]

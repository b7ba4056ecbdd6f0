"""Between reports: what is told on the day it is found, to whom, and when.

Makes alerts of the published warehouse and of what Dagster saw, keeps them in the alert box, and sends them.
Knows nothing of Dagster.
"""

from ecom_pipeline.alerting.collect import DayAlerts, RunFindings, make_sample, record_day, record_run
from ecom_pipeline.alerting.sending import alerts_are_due, find_webhook_problems, send_alerts, send_sample

__all__ = [
    "DayAlerts",
    "RunFindings",
    "alerts_are_due",
    "find_webhook_problems",
    "make_sample",
    "record_day",
    "record_run",
    "send_alerts",
    "send_sample",
]

"""Sending alerts to the receivers that the settings name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ecom_pipeline.delivery import (
    Alert,
    AlertBox,
    AlertDelivery,
    Ledger,
    MailReceiver,
    Outcome,
    QuietHours,
    Receiver,
    Recipient,
    Sender,
    SlackReceiver,
    SmtpServer,
    Webhook,
    WebhookReceiver,
    deliver_alerts,
    is_anything_due,
    plan_alerts,
)
from ecom_pipeline.errors import ConfigurationError
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.reporting import ledger_file, ledger_key, mail_sender, smtp_server
from ecom_pipeline.settings import Settings, WebhookSettings, webhook_variable
from ecom_pipeline.settings_errors import nearest


def open_box(settings: Settings) -> AlertBox:
    """The record of the alerts that were made."""
    return AlertBox(settings.folder / "alerts.sqlite")


def plan(pipeline: Pipeline, box: AlertBox) -> None:
    """Settle who is to have the alerts that were just made."""
    settings = pipeline.settings
    with Ledger(ledger_file(settings), ledger_key(settings)) as ledger:
        plan_alerts(box, ledger, make_receivers(settings), pipeline.clock())


def send_alerts(pipeline: Pipeline) -> list[AlertDelivery]:
    """Send what is due, one attempt each; nothing in the quiet hours.

    Raises:
        ConfigurationError: the key of the delivery ledger is missing.
        DeliveryError: an address cannot be used, or the record of alerts cannot be read.
    """
    receivers, quiet = make_receivers(pipeline.settings), _quiet_hours(pipeline.settings)
    with _open(pipeline.settings) as (box, ledger):
        return deliver_alerts(box, ledger, receivers, quiet, pipeline.clock())


def alerts_are_due(pipeline: Pipeline) -> bool:
    """Whether `send_alerts` would send something now; changes nothing and asks nobody.

    Raises:
        EcomError: as `send_alerts`.
    """
    receivers, quiet = make_receivers(pipeline.settings), _quiet_hours(pipeline.settings)
    with _open(pipeline.settings) as (box, ledger):
        return is_anything_due(box, ledger, receivers, quiet, pipeline.clock())


def send_sample(pipeline: Pipeline, alert: Alert, name: str) -> Outcome:
    """Hand an alert to one webhook, once, whatever the hour; nothing is recorded.

    Raises:
        ConfigurationError: no webhook has this name.
    """
    hooks = {hook.name: hook for hook in pipeline.settings.webhooks}
    if name not in hooks:
        raise ConfigurationError(
            f"There is no webhook {name}.",
            mend=nearest(name, hooks) or "Add a [[webhooks]] section to ecom.toml.",
        )
    return _receiver(hooks[name]).send(alert, 1, pipeline.clock(), lambda: None)


def find_webhook_problems(settings: Settings) -> dict[str, tuple[str, str] | None]:
    """Each webhook by name, with why nothing can be sent there and how to mend it; asks nobody."""
    return {hook.name: _problem(hook) for hook in settings.webhooks}


def make_receivers(settings: Settings) -> list[Receiver]:
    """Everybody and everything the settings say is told between reports."""
    receivers: list[Receiver] = [_receiver(hook) for hook in settings.webhooks]
    for one in settings.alerts.recipients:
        person = Recipient(one.email, one.language, one.name)
        receivers.append(MailReceiver(person, frozenset(one.kinds), lambda: _mail_way(settings)))
    return receivers


def _mail_way(settings: Settings) -> tuple[SmtpServer, Sender]:
    return smtp_server(settings), mail_sender(settings)


def _receiver(hook: WebhookSettings) -> Receiver:
    kinds = frozenset(hook.kinds)
    if hook.format == "slack":
        return SlackReceiver(_webhook(hook), kinds, hook.language)
    return WebhookReceiver(_webhook(hook), kinds)


def _webhook(hook: WebhookSettings) -> Webhook:
    url = hook.url.get_secret_value() if hook.url else ""
    key = hook.signing_key.get_secret_value() if hook.signing_key else ""
    return Webhook(hook.name, url, None if hook.format == "slack" else key)


def _problem(hook: WebhookSettings) -> tuple[str, str] | None:
    problem = _webhook(hook).find_problem()
    if problem is None:
        return None
    field = "signing_key" if "key" in problem else "url"
    variable = webhook_variable(hook.name, field)
    return problem, f"Put {variable} into the environment or the .env beside ecom.toml."


def _quiet_hours(settings: Settings) -> QuietHours | None:
    begin, end = settings.alerts.quiet_from, settings.alerts.quiet_until
    return QuietHours(begin, end, settings.shop.zone) if begin is not None and end is not None else None


@contextmanager
def _open(settings: Settings) -> Iterator[tuple[AlertBox, Ledger]]:
    with open_box(settings) as box, Ledger(ledger_file(settings), ledger_key(settings)) as ledger:
        yield box, ledger

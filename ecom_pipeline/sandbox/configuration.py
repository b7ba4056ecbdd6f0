"""Writes the `ecom.toml` and the environment with which the pipeline reads the simulated shop."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from ecom_pipeline.sandbox.events import MonthlyCost, ShopCosts, Storefront
from ecom_pipeline.sandbox.ledgers import LEDGERS
from ecom_pipeline.sandbox.twins import Instance

PSEUDONYM_KEY = "sandbox-pseudonym-key-of-32-bytes"


def sandbox_environment(instances: Iterable[Instance]) -> dict[str, str]:
    """The secrets of the simulated vendors, under the names the pipeline reads them by."""
    environment = {"ECOM_PSEUDONYM_KEY": PSEUDONYM_KEY}
    for instance in instances:
        environment |= instance.environment
    return environment


def sandbox_toml(
    instances: Iterable[Instance],
    costs: ShopCosts,
    history_start: date,
    imports: Path,
    smtp_port: int | None = None,
    *,
    ledgers: bool = False,
    storefronts: Iterable[Storefront] = (),
) -> str:
    """The text of an `ecom.toml` for the simulated shop; `ledgers` come from CSVs in `imports`."""
    lines = [
        "[shop]",
        'name = "Maison Lumen"',
        'time_zone = "Europe/Paris"',
        'currency = "EUR"',
        f"history_start = {history_start}",
        "",
        "[shop.platform_time_zones]",
        *(f'{one.key} = "{one.time_zone}"' for one in storefronts if one.time_zone != "Europe/Paris"),
        "",
    ]
    for instance in instances:
        lines += [f"[sources.{instance.name}]", f'vendor = "{instance.vendor}"']
        lines += [f"{name} = {_toml(value)}" for name, value in instance.settings.items()]
        lines.append("")
    lines += [
        *(_ledger_lines(imports) if ledgers else ()),
        *_cost_lines(costs),
        *_influencer_lines(costs),
        "[targets]",
        "conversion_rate = 0.024",
        "customer_acquisition_cost = 20",
        "ltv_to_cac = 3",
        "average_order_value = 66",
        "net_margin_rate = 0.08",
        "",
        "[targets.net_sales]",
        'month = "220000"',
        "",
    ]
    if smtp_port is not None:
        lines += [
            "[mail]",
            'host = "127.0.0.1"',
            f"port = {smtp_port}",
            'security = "none"',
            'sender = "rapport@maison-lumen.example"',
            'sender_name = "Maison Lumen"',
            'unsubscribe = "mailto:rapport@maison-lumen.example?subject=stop"',
            "recipients = [",
            '  { email = "direction@maison-lumen.example", name = "Direction", language = "fr" },',
            '  { email = "investors@maison-lumen.example", name = "Investors", language = "en" },',
            "]",
            "",
        ]
    return "\n".join(lines)


def _toml(value: Any) -> str:
    """A setting's value as TOML: text, numbers, yes or no, lists and tables of them."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)  # of these, JSON's spelling is TOML's too


def write_configuration(folder: Path, toml: str, environment: dict[str, str]) -> Path:
    """Write `ecom.toml` and a `.env` beside it; returns the former's path."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "ecom.toml"
    file.write_text(toml, encoding="utf-8")
    dotenv = folder / ".env"
    dotenv.write_text("".join(f"{key}='{value}'\n" for key, value in environment.items()), encoding="utf-8")
    dotenv.chmod(0o600)
    return file


def _ledger_lines(imports: Path) -> list[str]:
    return [
        "[sources.ledgers]",
        'vendor = "files"',
        f"folder = {_toml(str(imports))}",
        f"ready = {_toml(LEDGERS)}",
        "",
    ]


def _cost_lines(costs: ShopCosts) -> list[str]:
    lines: list[str] = []
    for kind, entries in (("fixed", costs.fixed), ("marketing", costs.marketing)):
        for entry in entries:
            lines += [f"[[costs.{kind}]]", *_monthly_lines(entry), ""]
    for rate in costs.logistics:
        lines += [
            "[[costs.logistics]]",
            f'country = "{rate.country}"',
            *(
                f'{name} = "{_units(getattr(rate, name))}"'
                for name in ("shipping", "fulfilment", "packaging", "return_freight")
            ),
            "",
        ]
    return lines


def _monthly_lines(cost: MonthlyCost) -> list[str]:
    lines = [f'name = "{cost.name}"', f'monthly = "{_units(cost.amount)}"', f"first_day = {cost.first_day}"]
    if cost.last_day is not None:
        lines.append(f"last_day = {cost.last_day}")
    if cost.channel is not None:
        lines.append(f'channel = "{cost.channel}"')
    return lines


def _influencer_lines(costs: ShopCosts) -> list[str]:
    lines: list[str] = []
    for one in costs.influencers:
        lines += [
            "[[influencers]]",
            f"name = {_toml(one.name)}",
            f"codes = {_toml([one.code])}",
            f"utm_campaigns = {_toml([one.utm_campaign])}",
            f'monthly_fee = "{_units(one.monthly_fee)}"',
            f"commission_percent = {one.commission_percent}",
            f"first_day = {one.first_day}",
            *([] if one.last_day is None else [f"last_day = {one.last_day}"]),
            "",
        ]
    return lines


def _units(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"

"""Serve a generated shop on loopback: `python -m ecom_pipeline.sandbox --seed 7 --port 8765`."""

from __future__ import annotations

import argparse
import gc
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from ecom_pipeline.sandbox.events import GROUP, ONE_SHOP
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.ledgers import write_ledgers
from ecom_pipeline.sandbox.server import HOST, listening_socket, server
from ecom_pipeline.sandbox.world import World

BUSINESSES = {"one_shop": ONE_SHOP, "group": GROUP}


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line, read."""
    parser = argparse.ArgumentParser(prog="python -m ecom_pipeline.sandbox", description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--first-day", type=date.fromisoformat, required=True)
    parser.add_argument("--last-day", type=date.fromisoformat, required=True)
    parser.add_argument("--orders-per-day", type=float, default=40.0)
    parser.add_argument("--business", choices=BUSINESSES, default="one_shop", help="which tools it runs")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument(
        "--now",
        type=datetime.fromisoformat,
        help="the sandbox's clock (UTC unless a zone is given); default: 06:00 shop time after the last day",
    )
    parser.add_argument("--ledgers", type=Path, help="the folder to write what no tool tells into, as CSVs")
    return parser.parse_args(argv)


def morning_after(day: date, time_zone: str) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(6), ZoneInfo(time_zone)).astimezone(UTC)


def main(argv: Sequence[str] | None = None) -> None:
    """Generate the shop, say where it is served, and serve until interrupted."""
    asked = arguments(argv)
    shop = generate_shop(
        asked.seed, asked.first_day, asked.last_day, asked.orders_per_day, BUSINESSES[asked.business]
    )
    gc.freeze()  # the shop never changes; collecting around it would double the time of big answers
    now = asked.now or morning_after(shop.last_day, shop.time_zone)
    world = World(shop, now if now.tzinfo else now.replace(tzinfo=UTC))
    if asked.ledgers is not None:
        write_ledgers(shop, asked.ledgers, world.now())
    bound = listening_socket(asked.port)
    serving = server(world)
    bound.listen()
    print(  # noqa: T201 - whoever started it waits for this line
        f"sandbox ready at http://{HOST}:{bound.getsockname()[1]} as of {world.now().isoformat()}", flush=True
    )
    serving.run(sockets=[bound])


if __name__ == "__main__":
    main()

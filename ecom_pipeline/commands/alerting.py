"""`alert`: the newest day's figures to one webhook, to set up what receives them."""

from __future__ import annotations

from typing import Annotated

import typer

from ecom_pipeline.commands.session import console, native_libraries, session_of
from ecom_pipeline.errors import EcomError


def alert(
    context: typer.Context,
    webhook: Annotated[str, typer.Argument(help="The name of a webhook in ecom.toml.")],
) -> None:
    """Send a webhook the newest day's figures as a sample, at once; nothing is recorded of it."""
    with native_libraries():
        from ecom_pipeline.alerting import make_sample, send_sample  # noqa: PLC0415 - as reports do
        from ecom_pipeline.delivery import Verdict  # noqa: PLC0415
    pipeline = session_of(context).pipeline
    outcome = send_sample(pipeline, make_sample(pipeline), webhook)
    said = f"{outcome.code} {outcome.words}" if outcome.code else outcome.words
    if outcome.verdict is not Verdict.ACCEPTED:
        raise EcomError(
            f"The webhook {webhook} did not take the sample.",
            why=f"{said}.",
            mend="Check its address and what waits there; ecom-pipeline doctor names missing variables.",
        )
    console.print(f"The webhook {webhook} took the sample: {said}.")

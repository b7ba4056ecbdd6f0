"""`readers`: who is mailed to, who is not any more and why, and how to change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ecom_pipeline.commands.failures import CommandGroup
from ecom_pipeline.commands.session import console, native_libraries, print_json, session_of
from ecom_pipeline.delivery import display_address

if TYPE_CHECKING:
    from ecom_pipeline.readers import Reader

app = typer.Typer(
    cls=CommandGroup,
    invoke_without_command=True,
    help="Who reads reports and alerts, and who gets no more of them.",
)

Email = Annotated[str, typer.Argument(help="The reader's address in ecom.toml.", metavar="EMAIL")]


@app.callback()
def list_readers(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON instead of a table.")] = False,
) -> None:
    """List everybody who is mailed to, addresses masked, and why some get nothing."""
    if context.invoked_subcommand is not None:
        return
    with native_libraries():
        from ecom_pipeline.readers import load_readers  # noqa: PLC0415 - as reports do
    readers = load_readers(session_of(context).settings)
    if as_json:
        print_json([_as_json(reader) for reader in readers])
    elif not readers:
        console.print("Nobody is mailed to: add recipients to [mail] in ecom.toml.")
    else:
        table = Table("Reader", "Language", "Audience", "State", box=None, padding=(0, 2, 0, 0))
        for reader in readers:
            state = reader.suppression.explanation if reader.suppression else "gets mail"
            table.add_row(reader.display, reader.language, reader.audience, state)
        console.print(table)


@app.command()
def suppress(context: typer.Context, email: Email) -> None:
    """Send a reader no more mail, as if they had unsubscribed; their place in ecom.toml stays."""
    with native_libraries():
        from ecom_pipeline.readers import suppress_reader  # noqa: PLC0415 - as reports do
    done = suppress_reader(session_of(context).pipeline, email)
    console.print(f"{display_address(email)} gets no more mail{'' if done else ', as before'}.")


@app.command()
def allow(context: typer.Context, email: Email) -> None:
    """Send to a reader again who unsubscribed or whose mailbox was gone: do it when they ask you to."""
    with native_libraries():
        from ecom_pipeline.readers import allow_reader  # noqa: PLC0415 - as reports do
    done = allow_reader(session_of(context).pipeline, email)
    console.print(f"{display_address(email)} gets mail{' again' if done else ', as before'}.")


@app.command()
def inbox(context: typer.Context) -> None:
    """Look now for returned reports and requests to receive none; Dagster does it every hour."""
    with native_libraries():
        from ecom_pipeline.readers import read_mailbox  # noqa: PLC0415 - as reports do
    found = read_mailbox(session_of(context).pipeline)
    console.print(f"{found.messages} new messages were looked at.")
    for lines, what in (
        (found.bounced, "The mailbox is gone; no more mail goes to"),
        (found.unsubscribed, "Asked to receive no more:"),
        (found.returned, "Came back for a reason that may pass:"),
    ):
        for line in lines:
            console.print(f"{what} {line}", soft_wrap=True)
    if found.unknown:
        console.print(f"{found.unknown} notices or requests are about none of our messages or readers.")


def _as_json(reader: Reader) -> dict[str, object]:
    one = reader.suppression
    return {
        "reader": reader.display,
        "language": reader.language,
        "audience": reader.audience,
        "suppressed": one is not None,
        "reason": one.reason.value if one else None,
        "status": one.detail or None if one else None,
        "since": one.since.isoformat() if one else None,
    }

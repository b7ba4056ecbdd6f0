"""Errors as a person reads them: what, why, how to mend. Exit code 2 is wrong usage, 1 anything that failed.

No traceback by default, because the person at the terminal did not write this program; ECOM_TRACEBACK=1
shows it to those who want to.
"""

from __future__ import annotations

import os
from typing import Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from ecom_pipeline.commands.session import Session
from ecom_pipeline.errors import ConfigurationError, DefinitionError, EcomError
from ecom_pipeline.sources.scrub import Scrubber

FAILED, WRONG_USAGE = 1, 2
TRACEBACK_VARIABLE = "ECOM_TRACEBACK"
SECRET_PREFIX = "ECOM_"


class CommandGroup(TyperGroup):
    """A group whose commands fail in words; `--config FILE` may stand anywhere in the line."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _config_first(args))

    def invoke(self, ctx: Any) -> Any:
        if os.environ.get(TRACEBACK_VARIABLE):
            return super().invoke(ctx)
        try:
            return super().invoke(ctx)
        except EcomError as error:
            print_error(error)
            wrong_usage = isinstance(error, ConfigurationError | DefinitionError)
            raise typer.Exit(WRONG_USAGE if wrong_usage else FAILED) from None
        except Exception as error:
            if isinstance(error, BrokenPipeError) or _is_for_the_shell(error):
                raise
            print_error(_unforeseen(error, ctx.obj))
            raise typer.Exit(FAILED) from None


def print_error(error: EcomError) -> None:
    """Write an error to standard error, its parts under one another."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text.assemble(("Error: ", "bold red"), (error.what, "bold")))
    for label, text in (("Why", error.why), ("To mend", error.mend)):
        if text:
            console.print(Text.assemble((f"  {label + ':':<9}", "dim"), text))


def _is_for_the_shell(error: Exception) -> bool:
    # The command line's own library ends commands and tells wrong usage by exceptions.
    return type(error).__module__.startswith("typer.")


def _unforeseen(error: Exception, session: Session | None) -> EcomError:
    scrubber = Scrubber(value for name, value in os.environ.items() if name.startswith(SECRET_PREFIX))
    if session is not None and session.has_settings:
        for instance in session.settings.sources.values():
            scrubber.register_settings(instance.settings)
        scrubber.register_settings(session.settings)
    words = scrubber.clean(str(error)) or type(error).__name__
    return EcomError(
        f"Something unforeseen happened: {type(error).__name__}.",
        why=words,
        mend=f"{TRACEBACK_VARIABLE}=1 before the command shows where; please report it.",
    )


def _config_first(args: list[str]) -> list[str]:
    """The arguments with `--config FILE` moved to where the group reads it."""
    for index, argument in enumerate(args):
        if argument == "--":
            break
        if argument == "--config" and index + 1 < len(args):
            return [*args[index : index + 2], *args[:index], *args[index + 2 :]]
        if argument.startswith("--config="):
            return [argument, *args[:index], *args[index + 1 :]]
    return args

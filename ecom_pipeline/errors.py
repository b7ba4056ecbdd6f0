"""One shape for everything a user can be told: what went wrong, why, and how to mend it."""

from __future__ import annotations


class EcomError(Exception):
    """An error with a remedy. Never holds a secret or personal data: it travels to logs and events."""

    def __init__(self, what: str, *, why: str = "", mend: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.mend = mend

    def __str__(self) -> str:
        parts = [self.what]
        if self.why:
            parts.append(f"Why: {self.why}")
        if self.mend:
            parts.append(f"To mend: {self.mend}")
        return "\n".join(parts)


class ConfigurationError(EcomError):
    """`ecom.toml` or the environment says something that cannot be used."""


class SourceError(EcomError):
    """A vendor could not be read; other sources are unaffected."""


class AuthenticationError(SourceError):
    """The vendor refuses the credentials, or they lack a right."""


class SchemaError(SourceError):
    """The vendor's answer lacks a declared column or bears another type; nothing of it is stored."""


class DefinitionError(EcomError):
    """A model, mapping or KPI file cannot be understood."""

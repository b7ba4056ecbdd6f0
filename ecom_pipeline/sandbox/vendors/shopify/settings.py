"""What a test or demo may change about this vendor, beyond the faults all vendors share."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Settings:
    """How generous the vendor is, and how its bulk operations go."""

    restore_rate: int = 100  # points a second; the bucket holds twenty seconds of it
    bulk_polls: int = 2  # looks at a bulk operation until it has ended
    bulk_failures: list[str] = field(default_factory=list)  # error codes of the next ones to fail

"""The cockpit: one self-contained HTML file for each audience and language, with every KPI it reads.

Knows the KPI tables, the insights and the report's words and formats; nothing of who fills or starts it.
"""

from ecom_pipeline.cockpit.cockpit import Cockpit, CockpitRequest
from ecom_pipeline.cockpit.compute import compute_cockpit
from ecom_pipeline.cockpit.render import LARGEST, render_cockpit

__all__ = ["LARGEST", "Cockpit", "CockpitRequest", "compute_cockpit", "render_cockpit"]

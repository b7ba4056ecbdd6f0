"""What runs print: warnings and errors, not the line for every asset and day that Dagster writes by default."""

# No postponed annotations here: Dagster reads the annotation of the context.

import logging

import dagster as dg

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dg.logger(
    {"log_level": dg.Field(str, default_value="WARNING")},
    description="Warnings and errors of a run on the terminal.",
)
def console(context: dg.InitLoggerContext) -> logging.Logger:
    """A logger for one run; its level comes from the run's configuration."""
    logger = logging.Logger("ecom_pipeline", context.logger_config["log_level"])
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    return logger

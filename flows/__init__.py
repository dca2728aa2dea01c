"""Order: what follows what, and when."""

import os

PREFECT_DEFAULTS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "nightmail",
}
"""Prefect's settings that every flow needs; the environment wins."""

QUIET = {
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_ROOT_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
}
"""Without a server of one's own, the terminal shows our progress, not Prefect's."""

# Prefect reads them once, when it is imported: so they stand before any flow.
for _name, _value in PREFECT_DEFAULTS.items():
    os.environ.setdefault(_name, _value)
if "PREFECT_API_URL" not in os.environ:
    for _name, _value in QUIET.items():
        os.environ.setdefault(_name, _value)

"""`worker`: settle what requests left open, as a process of its own."""

import sys

from universal_calendar.cli.options import Home
from universal_calendar.cli.session import read_settings
from universal_calendar.settings import LogFormat


def worker(home: Home = None) -> None:
    """Write to calendars and send notices until told to stop.

    `serve` does it too, unless RUN_WORKER=false; any number may work at once.

    Example: universal-calendar worker
    """
    from universal_calendar.bootstrap.worker import run_worker
    from universal_calendar.web.logs import configure_logs

    settings = read_settings(uc_home=home)
    configure_logs(
        level=settings.log_level,
        as_json=settings.log_format is LogFormat.JSON,
        stream=sys.stdout,
    )
    run_worker(settings, lambda: print("Working", flush=True))

"""Every place where a caller's words land, looked at after every string came by: (what, what is wrong with it)."""

from tests.sinks import files, pages, services, terminals
from tests.sinks.words import CALLS

__all__ = ["CALLS", "SINKS"]

SINKS = [
    services.slack,
    services.google_sheets,
    services.crm,
    services.presets,
    services.webhook,
    services.filters,
    files.csv_file,
    files.json_lines,
    files.files,
    services.notify,
    services.e_mail,
    services.texts,
    pages.metrics,
    pages.searches,
    pages.pages,
    pages.browser,
    terminals.commands,
    terminals.logs,
]

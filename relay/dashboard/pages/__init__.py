"""The pages, in the order of the navigation."""

from relay.dashboard.page import Page
from relay.dashboard.pages import (
    alerts,
    audit,
    call,
    calls,
    connectors,
    now,
    numbers,
    people,
    requests,
    rules,
    texts,
)

PAGES: tuple[Page, ...] = (
    Page("/", "Now", "now.html", now.read, "Is it working, what came in, what needs somebody."),
    Page("/calls", "Calls", "calls.html", calls.read, "Calls and texts in, newest first, with what was done."),
    Page("/calls/{reference}", "One call", "call.html", call.read, "The whole story of one call.", "/calls"),
    Page("/people", "People", "people.html", people.read, "Find a person; who is never texted."),
    Page("/people/{number}", "Person", "person.html", people.read_one, "All that is known of one person.", "/people"),
    Page("/texts", "Texts", "texts.html", texts.read, "Texts that went out, or did not."),
    Page("/numbers", "Numbers", "numbers.html", numbers.read, "The business's numbers by group, and their calls."),
    Page("/rules", "Rules", "rules.html", rules.read, "What each rule did, and the file as loaded."),
    Page("/connectors", "Connectors", "connectors.html", connectors.read, "The services, as they stand."),
    Page("/alerts", "Alerts", "alerts.html", alerts.read, "What somebody should see to."),
    Page("/audit", "Audit", "audit.html", audit.read, "What people did, and who."),
    Page("/refused", "Refused", "refused.html", requests.read, "Requests that made no event, and why."),
)

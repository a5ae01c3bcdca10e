"""Who comes to the admin listener, and what can be asked there."""

from relay.access.going import local_path
from relay.access.route import Handler, Parameter, Route
from relay.access.sessions import Sessions
from relay.access.visitor import Access, Role, Visitor, visitor_of

__all__ = ["Access", "Handler", "Parameter", "Role", "Route", "Sessions", "Visitor", "local_path", "visitor_of"]

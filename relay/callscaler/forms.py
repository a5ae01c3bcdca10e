"""Form submissions that the tracking script caught on the website."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.callscaler.resource import Resource
from relay.callscaler.thing import Thing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class FormSubmission(Thing):
    """A submitted form; the documents do not list its fields, so most are in `model_extra`."""

    id: str
    created_at: str | None = None


class Forms(Resource):
    """`client.forms`."""

    def list(self, *, limit: int | None = None, offset: int | None = None) -> AsyncIterator[FormSubmission]:
        """All submissions; `limit` is rows a page, and only sent when given."""
        return self._rows(
            "forms list", FormSubmission, ("forms", "form_submissions", "submissions"), limit=limit, offset=offset
        )

    async def get(self, id: str) -> FormSubmission:  # noqa: A002 - the API's own name
        """One submission."""
        return await self._one("forms get", FormSubmission, ("form", "form_submission", "submission"), id=id)

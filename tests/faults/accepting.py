"""Accepts events on a ledger whose disk may fail, and tells on stdout what was acknowledged: `path how-many`."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from relay.errors import StoreBusy, StoreUnusable
from relay.intake import merge
from relay.store.sqlite import SqliteStore
from tests.store.ledger import event


async def main(path: Path, count: int) -> None:
    acked, refused = [], 0
    try:
        store = SqliteStore(path)
    except StoreUnusable as error:
        print(json.dumps({"acked": [], "refused": 0, "broken": None, "unusable": str(error)}))  # noqa: T201 - the answer
        return
    for number in range(count):
        try:
            acked.append((await store.accept(event(f"call-{number}"), b"x" * 3000, merge)).event)
        except StoreBusy:
            refused += 1
    print(json.dumps({"acked": acked, "refused": refused, "broken": store.broken}))  # noqa: T201 - as above
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))

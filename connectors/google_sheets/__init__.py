"""Writes rows into a Google Sheets worksheet, one row a key, over the Sheets v4 REST API.

Limits and rules of the service, each with its source:

- 60 reads and 60 writes a minute for one service account, then 429; a request counts once, however many rows it holds
  (https://developers.google.com/workspace/sheets/api/limits). A batch costs one read and one or two writes.
- A request is done wholly or not at all, and may take up to 180 s (same page).
- 50,000 characters in a cell, 10 million cells in a spreadsheet (https://support.google.com/drive/answer/37603).
- `values.append` knows no idempotency key, and two at once may land on one row: hence one lane, and the key column is
  read before every write
  (https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets.values/append).
- With valueInputOption RAW a text stays a text; USER_ENTERED would turn a caller's "=…" into a formula
  (https://developers.google.com/workspace/sheets/api/reference/rest/v4/ValueInputOption).
- A token lasts an hour, and this machine's clock must be right
  (https://developers.google.com/identity/protocols/oauth2/service-account).

Row 1 is the header: it is written when missing, columns are added at its right, and nothing is ever moved. People may
sort, filter and add columns of their own.
"""

from __future__ import annotations

from connectors.google_sheets.connector import GoogleSheets
from connectors.google_sheets.forms import Row, SheetsOptions

__all__ = ["GoogleSheets", "Row", "SheetsOptions"]

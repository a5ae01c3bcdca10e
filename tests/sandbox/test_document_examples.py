"""The document's own command lines, with nothing changed but the host, the key and the ids."""

import asyncio
import json
import shlex
import shutil

import pytest

from tests.patience import PATIENCE

EXAMPLES = {
    "numbers": """curl -H "Authorization: Bearer cs_key_..." \\
https://callscaler.com/api/v1/numbers""",
    "call_flow": """curl -H "Authorization: Bearer cs_key_..." \\
https://callscaler.com/api/v1/call-flows/UUID""",
    "text": """curl -X POST -H "Authorization: Bearer cs_key_..." \\
-H "Content-Type: application/json" \\
-d '{"from_number_id": "uuid", "to": "+15735551234", "body": "Thanks for calling! How can we help?"}' \\
https://callscaler.com/api/v1/texts""",
    "total_calls": """curl -H "Authorization: Bearer cs_key_..." \\
"https://callscaler.com/api/v1/dashboard/stats?date_from=2026-03-01&date_to=2026-03-31\"""",
    "key": """curl -X POST -H "Authorization: Bearer cs_key_..." \\
-H "Content-Type: application/json" \\
-d '{"name": "CRM Integration"}' \\
https://callscaler.com/api/v1/api-keys""",
    "deliveries": """curl -H "Authorization: Bearer cs_key_..." \\
"https://callscaler.com/api/v1/webhooks/deliveries?status=failed&limit=10\"""",
}


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("answered", EXAMPLES)
async def test_the_command_works_as_it_stands(sandbox, answered):
    number = sandbox.number("+13125550142")
    command = EXAMPLES[answered].replace("https://callscaler.com", sandbox.url).replace("cs_key_...", sandbox.key)
    command = command.replace("UUID", number["call_flow_id"]).replace('"uuid"', f'"{number["id"]}"')
    process = await asyncio.create_subprocess_exec(
        *shlex.split(command.replace("\\\n", " ")), "-sS", stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(PATIENCE):
        out, _ = await process.communicate()
    assert answered in json.loads(out)["data"]

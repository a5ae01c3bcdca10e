import asyncio
import io

import pytest
from aiohttp import web

from relay.errors import NotFound, Rejected, Unavailable

AUDIO = {"Content-Type": "audio/mpeg"}


async def test_a_recording_becomes_a_file_with_progress(client, service, tmp_path):
    service.says((200, b"ID3" + b"x" * 200_000, AUDIO))
    told = []
    size = await client.voicemails.recording("v1", tmp_path / "a.mp3", progress=lambda *it: told.append(it))
    assert size == 200_003
    assert (tmp_path / "a.mp3").read_bytes()[:3] == b"ID3"
    assert told[-1] == (200_003, 200_003)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp3"]
    assert service.asked[0].path == "/voicemails/v1/recording"


async def test_a_recording_goes_to_a_stream_as_well(client, service):
    service.says((200, b"ID3", AUDIO))
    sink = io.BytesIO()
    assert await client.calls.recording("c1", sink) == 3
    assert sink.getvalue() == b"ID3"


@pytest.mark.parametrize("announced", [True, False])
async def test_a_recording_of_more_than_25_mib_leaves_no_file(client, service, tmp_path, announced):
    async def huge(request):
        response = web.StreamResponse(headers=AUDIO)
        if announced:
            response.content_length = 26 * 1024 * 1024
        await response.prepare(request)
        for _ in range(26):
            await response.write(b"x" * 1024 * 1024)
        return response

    service.says(huge)
    told = []
    with pytest.raises(Unavailable, match="larger than 25 MiB"):
        await client.voicemails.recording("v1", tmp_path / "a.mp3", progress=lambda *it: told.append(it))
    assert list(tmp_path.iterdir()) == []
    assert bool(told) is not announced


async def test_a_recording_that_breaks_off_leaves_the_older_file_alone(client, service, tmp_path):
    async def cut(request):
        response = web.StreamResponse(headers=AUDIO)
        response.content_length = 1000
        await response.prepare(request)
        await response.write(b"x" * 10)
        request.transport.close()
        return response

    (tmp_path / "a.mp3").write_bytes(b"older")
    service.says(cut)
    with pytest.raises(Unavailable, match="broke off"):
        await client.voicemails.recording("v1", tmp_path / "a.mp3")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"older"]


async def test_a_recording_that_stalls_is_given_up(make_client, service, tmp_path):
    async def stall(request):
        response = web.StreamResponse(headers=AUDIO)
        await response.prepare(request)
        await response.write(b"x")
        await over.wait()
        return response

    over = asyncio.Event()
    service.says(stall)
    with pytest.raises(Unavailable, match="stalled after 1 bytes"):
        await make_client(timeout=1.0).voicemails.recording("v1", tmp_path / "a.mp3")
    over.set()


@pytest.mark.parametrize("answer", [{"data": {}}, "<html></html>", (200, b"", AUDIO)])
async def test_what_is_no_recording_is_an_error(client, service, tmp_path, answer):
    service.says(answer)
    with pytest.raises(Unavailable):
        await client.voicemails.recording("v1", tmp_path / "a.mp3")
    assert list(tmp_path.iterdir()) == []


async def test_the_key_is_not_carried_to_another_address(client, service, tmp_path):
    service.says((302, b"", {"Location": service.url + "/elsewhere"}))
    with pytest.raises(Rejected, match="redirects are not followed"):
        await client.calls.recording("c1", tmp_path / "a.mp3")
    assert len(service.asked) == 1


async def test_a_recording_that_does_not_exist_is_not_found(client, service, tmp_path):
    service.says((404, {"error": "not found"}))
    with pytest.raises(NotFound):
        await client.voicemails.recording("v1", tmp_path / "a.mp3")


async def test_calls_are_exported_as_csv(client, service):
    service.says((200, b"id\nc1\n", {"Content-Type": "text/csv"}))
    sink = io.BytesIO()
    assert await client.calls.export(sink, status="completed", qualified=True) == 6
    assert service.asked[0].query == {"status": "completed", "qualified": "true"}

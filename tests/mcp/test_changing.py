"""What an assistant may change, and how work that it takes back ends."""

import threading

import anyio
import pytest

from tests.llm.endpoint import HANG, PATIENCE_S, Reply, claims
from tests.mcp.conftest import server_of
from tests.mcp.talking import call, data, refusal, talk
from tests.pdfs import write_pdf
from vrag.serve.jobs import Steps

QUESTION = "How often is the oil filter replaced?"


@pytest.fixture
def inbox(tmp_path):
    write_pdf(tmp_path / "inbox" / "sub" / "sails.pdf", ["The mainsail is made of canvas.", "The jib is red."])
    write_pdf(tmp_path / "private.pdf", ["Nobody may read this."])
    return tmp_path / "inbox"


@pytest.fixture
def writing(own, inbox, keeping):
    return server_of(keeping(own), roots=[inbox], may_remove=True)


def test_tools_that_change_something_say_so(writing):
    tools = {tool.name: tool.annotations for tool in talk(writing, lambda client: client.list_tools()).tools}
    assert [name for name, said in tools.items() if not said.read_only_hint] == ["ingest", "remove"]
    assert tools["remove"].destructive_hint
    assert not tools["ingest"].destructive_hint


@pytest.mark.parametrize("paths", [[], ["sub"], ["sub/sails.pdf"], ["{inbox}/sub/sails.pdf"], ["../inbox/sub"]])
def test_files_below_a_folder_are_indexed_and_found(writing, inbox, paths):
    told = []

    async def conversation(client):
        named = {"paths": [path.format(inbox=inbox) for path in paths]} if paths else {}
        return await client.call_tool("ingest", named, progress_callback=lambda *step: _tell(told, step))

    assert data(talk(writing, conversation)) == {"added_pages": 2, "unchanged_pages": 0}
    assert (2.0, 2.0) in [(done, total) for done, total, _ in told]
    assert data(call(writing, "search", query="mainsail canvas", k=1))["results"][0]["id"] == "sails.pdf#1"


async def _tell(told, step):
    told.append(step)


@pytest.mark.parametrize(
    "path", ["../private.pdf", "{outside}/private.pdf", "/etc", "sub/../../private.pdf", "\0", ".."]
)
def test_nothing_outside_is_indexed(writing, inbox, path):
    said = refusal(call(writing, "ingest", paths=[path.format(outside=inbox.parent)]))
    assert "outside of the folders" in said or "is no path" in said


@pytest.mark.parametrize("path", ["none.pdf", "{inbox}/none.pdf", "empty", "{inbox}/note.log"])
def test_an_assistant_is_not_told_where_the_folders_are(writing, inbox, path):
    (inbox / "empty").mkdir()
    (inbox / "note.log").touch()
    said = refusal(call(writing, "ingest", paths=[path.format(inbox=inbox)]))
    assert path.removeprefix("{inbox}/") in said
    assert str(inbox.parent) not in said


def test_no_link_leads_outside(writing, inbox):
    (inbox / "sub" / "linked.pdf").symlink_to(inbox.parent / "private.pdf")
    (inbox / "up").symlink_to(inbox.parent, target_is_directory=True)
    done = data(call(writing, "ingest"))
    assert done["added_pages"] == 2
    assert done["note"] == "1 file left out: links lead out of the folders."
    assert "outside of the folders" in refusal(call(writing, "ingest", paths=["sub/linked.pdf"]))
    assert "outside of the folders" in refusal(call(writing, "ingest", paths=["up/private.pdf"]))


def test_a_file_that_fails_is_named_as_it_is_called_below_its_folder(writing, inbox):
    (inbox / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    done = data(call(writing, "ingest"))
    assert done["added_pages"] == 2
    assert done["failed"][0].startswith("broken.pdf: ")
    assert str(inbox) not in str(done)


def test_documents_are_removed_and_their_files_stay(writing, folder):
    assert data(call(writing, "remove", names=["machines.pdf"])) == {"removed": ["machines.pdf"], "pages": 2}
    assert "No document called 'machines.pdf'" in refusal(call(writing, "fetch", id="machines.pdf#1"))
    assert "No document called 'machines.pdf'" in refusal(call(writing, "remove", names=["machines.pdf"]))
    assert (folder / "sub" / "machines.pdf").exists()


def test_an_ingest_that_is_taken_back_stops_at_a_page_and_what_is_done_is_kept(own, inbox, keeping, monkeypatch):
    """It stops while a page is read, however long that takes."""
    reached, reading = threading.Event(), Steps.reading
    kept = keeping(own)
    server = server_of(kept, roots=[inbox])

    def read(steps, path, page):
        if page == 2:
            reached.set()
            assert steps._job.cancelled.wait(PATIENCE_S)
        reading(steps, path, page)

    monkeypatch.setattr(Steps, "reading", read)

    async def conversation(client):
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, "ingest", {})
            assert await anyio.to_thread.run_sync(reached.wait, PATIENCE_S)
            group.cancel_scope.cancel()
        (job,) = kept._service.jobs.all()
        await anyio.to_thread.run_sync(job.ended)
        return job.status().state, data(await client.call_tool("list_documents"))

    state, listed = talk(server, conversation)
    assert state == "cancelled"
    assert listed["documents"][-1]["state"] == "partial"
    monkeypatch.setattr(Steps, "reading", reading)
    done = data(call(server, "ingest"))
    assert done["added_pages"] + done["unchanged_pages"] == 2


def test_a_model_answers_with_quotes_that_were_checked(own, keeping, endpoint):
    endpoint.will_say(claims(("Every 500 hours.", 1, "after every 500 hours of operation")))
    told = []

    async def conversation(client):
        return await client.call_tool(
            "ask", {"question": QUESTION, "k": 1}, progress_callback=lambda *step: _tell(told, step)
        )

    answer = data(talk(server_of(keeping(own), endpoint.llm()), conversation))
    assert answer["found"]
    assert "Every 500 hours." in answer["answer"]
    assert answer["quotes"] == [
        {"text": "after every 500 hours of operation", "page": "machines.pdf#1", "status": "supported"}
    ]
    assert [message for *_, message in told] == ["1 page found", "1 claim checked"]


def test_a_question_that_is_taken_back_is_taken_back_from_the_model(own, keeping, endpoint):
    endpoint.will_say(Reply(pieces=(claims()[:3], HANG)))

    async def conversation(client):
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, "ask", {"question": QUESTION, "k": 1})
            while not endpoint.asked:
                await anyio.sleep(0.01)
            group.cancel_scope.cancel()
        assert await anyio.to_thread.run_sync(endpoint.asked[0].gone.wait, PATIENCE_S)
        return data(await client.call_tool("fetch", {"id": "machines.pdf#1"}))

    assert talk(server_of(keeping(own), endpoint.llm()), conversation)["text"]


def test_a_model_that_fails_is_told_as_the_tools_error(own, keeping, endpoint):
    endpoint.will_say(Reply(status=401, body=b"{}"))
    assert "wants a key. Set VRAG_LLM_KEY." in refusal(
        call(server_of(keeping(own), endpoint.llm()), "ask", question=QUESTION)
    )

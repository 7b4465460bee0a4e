"""docs/api.md does what it says: each of its commands is run, in its order."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.api.drafts import draft_for
from tests.factories import files
from tracing.client import Client, Refused

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
STATES = ["draft", "submitted", "acknowledged", "records_searched", "responded"]


def commands():
    """The commands of the page, one by one, as words."""
    text = PAGE.read_text("utf-8")
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        for one in re.split(r"(?m)^(?=curl )", block):
            if one.strip():
                yield one.strip()


def filled(command, known):
    words = shlex.split(command.replace("\\\n", " "))
    for name, value in known.items():
        words = [word.replace(f"${name}", value) for word in words]
    return words


def test_the_page_is_walked_with_curl(
    live_server, session, asking, asked, of, tmp_path
):
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    draft = tmp_path / "draft.json"
    draft.write_text(json.dumps(draft_for(of.asked)), "utf-8")
    # SQLite's one writer is not left waiting for this test.
    session.commit()
    known = {
        "SITE": live_server,
        "ASKING": asking.token,
        "ASKED": asked.token,
        "DRAFT": str(draft),
    }
    seen, answers = [], []
    for command in commands():
        words = filled(command, known)
        done = subprocess.run(
            [curl, *words[1:]],
            capture_output=True,
            cwd=tmp_path,
            timeout=60,
            check=True,
        )
        answer = json.loads(done.stdout)
        assert "code" not in answer or "title" not in answer, (command, answer)
        answers.append(answer)
        if "state" in answer:
            known |= {"HREF": answer["href"], "ETAG": answer["etag"]}
            seen.append(answer["state"])
    assert seen == [*STATES, "responded", "closed"]
    fed = next(one for one in answers if "more" in one)
    assert [one["step"] for one in fed["items"]] == ["submit"]
    again = filled(next(c for c in commands() if "file-1" in c), known)
    done = subprocess.run(
        [curl, *again[1:]], capture_output=True, cwd=tmp_path, check=True
    )
    assert json.loads(done.stdout)["reference"] == answers[1]["reference"]
    assert len(asking.get("requests?list=mine&view=drafts").json["items"]) == 0


def test_the_client_does_the_same(live_server, session, asking, asked, of):
    here, there = (Client(live_server, one.token) for one in (asking, asked))
    draft = draft_for(of.asked)
    session.commit()
    filed = here.file(draft, key="file-1")
    assert here.file(draft, key="file-1") == filed
    here.attach(filed, "photo of the mark.png", files.png((20, 20)))
    filed = here.standing(filed.href)
    assert here.possible(filed)["submit"]["missing"] == []
    sent = here.take(filed, "submit", {"authorised": True})
    (told,) = there.events(wait=5)
    assert (told.step, told.href) == ("submit", sent.href)
    with pytest.raises(Refused) as refused:
        there.take(filed, "acknowledge")
    assert (refused.value.status, refused.value.code) == (412, "stale")
    now = there.take(there.standing(sent.href), "acknowledge")
    assert here.search(serial="EX-1234-7")[0]["reference"] == now.reference
    withdrawn = here.take(now, "withdraw", {"reason": "It was found."})
    assert withdrawn.state == "withdrawn"
    with pytest.raises(Refused) as refused:
        here.take(withdrawn, "withdraw", {"reason": "It was found."})
    assert refused.value.code == "not_possible_now"

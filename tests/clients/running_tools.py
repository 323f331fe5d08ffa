"""A `glmgate serve` before a strict BigModel whose model runs tools of its own, as the user's words say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.services import KEYS, Answer, ScriptedCall, ScriptedTool, Service, running
from tests.stories.served import SETTINGS, Served, serving

LOGS = {"type": "logs", "logs": "42"}
CODE = ScriptedTool("code_interpreter", "print(6 * 7)", (LOGS,))
SHORT = ScriptedTool("code_interpreter", "6*7", (LOGS,), in_one=True)
PAGE = {"title": "Oslo", "link": "https://oslo.test", "content": "Rain."}
SEARCH = ScriptedTool("web_browser", "weather Oslo", (PAGE,), in_one=True)
PICTURE = ScriptedTool("drawing_tool", "", ({"image": "https://pictures.test/cat.png"},))
LIST = ScriptedCall("shell", {"query": "ls"})
SCRIPT: Final[Mapping[str, tuple[ScriptedCall | ScriptedTool, ...]]] = {
    "Compute.": (CODE,),
    "Short.": (SHORT,),
    "Search.": (SEARCH,),
    "Draw.": (PICTURE,),
    "List the files.": (LIST,),
    "Everything.": (CODE, SEARCH, PICTURE, LIST),
}
MODELS: Final = ("glm-4", "glm-4-alltools", "embedding-2")


def model(body: Mapping[str, Any]) -> Answer:
    """Calls as the user's last words say; when they have been made, words."""
    calls = SCRIPT.get(str(body["messages"][-1]["content"]), ())
    return Answer("" if calls else "All done.", reasoning="", calls=calls)


@contextmanager
def before_bigmodel(home: Path) -> Iterator[tuple[Served, Service]]:
    """The server, and the service that it asks."""
    (home / "key").write_text(KEYS[0], encoding="utf-8")
    with running("bigmodel") as service:
        service.answer_with(model, always=True)
        upstream = f'name = "it"\nprofile = "bigmodel"\nbase_url = "{service.base_url}"\ncredentials = ["file:key"]\n'
        text = f"{SETTINGS}[[upstreams]]\n{upstream}"
        for name in MODELS:
            text += f'[[models]]\nname = "{name}"\nroute = [{{ upstream = "it", model = "{name}" }}]\n'
        with serving(home, text) as served:
            yield served, service

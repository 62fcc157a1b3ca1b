"""One client library reading responses: `other_readers.py CLIENT`, a job a line in, what the program got a line out.

A job is {"url", "api", "tools", "stream"}, an answer {"calls": [{"id", "name", "arguments"}], "text", "finish",
"error"}; `arguments` is a text where the library leaves it to the program to parse, else an object. Each function below
is what a program written with that library does to get an answer with tools, in a stream or in one piece, and then use
it. The libraries' own retries are off, and their time-outs are 3 seconds; all else is as it comes.
docs/other-clients.md tells what is judged.

Knows the libraries. Must not know Callscope, nor what is expected.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

Job = dict[str, Any]
Answer = dict[str, Any]
SECONDS = 3.0
QUESTION = [{"role": "user", "content": "go"}]
SCHEMA: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": True}


def answer(calls: list[tuple[Any, Any, Any]], text: Any, finish: Any) -> Answer:
    """What a program has in its hands at the end."""
    made = [{"id": call_id, "name": name, "arguments": arguments} for call_id, name, arguments in calls]
    return {"calls": made, "text": text, "finish": finish, "error": None}


def openai_client(job: Job) -> Any:
    from openai import OpenAI

    return OpenAI(base_url=job["url"], api_key="none", max_retries=0, timeout=SECONDS)


def openai_tools(job: Job) -> list[Any]:
    return [{"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in job["tools"]]


def message_of(completion: Any) -> Answer:
    """A whole completion."""
    choice = completion.choices[0]
    calls = [
        (call.id, call.custom.name, call.custom.input)
        if call.type == "custom"
        else (call.id, call.function.name, call.function.arguments)
        for call in choice.message.tool_calls or ()
    ]
    return answer(calls, choice.message.content or "", choice.finish_reason)


def openai_loop(job: Job) -> Answer:
    """The SDK's stream in a loop that joins calls by their index, and looks at whatever the types say may be None."""
    calls: dict[int, list[Any]] = {}
    text, finish = "", None
    create = openai_client(job).chat.completions.create
    if not job["stream"]:
        return message_of(create(model="m", messages=QUESTION, tools=openai_tools(job)))
    for chunk in create(model="m", messages=QUESTION, tools=openai_tools(job), stream=True):
        if not chunk.choices:
            continue
        choice = chunk.choices[0]
        finish = choice.finish_reason or finish
        text += choice.delta.content or ""
        for piece in choice.delta.tool_calls or ():
            call = calls.setdefault(piece.index, [None, None, ""])
            call[0] = piece.id or call[0]
            if piece.function:
                call[1] = piece.function.name or call[1]
                call[2] += piece.function.arguments or ""
    return answer([(call[0], call[1], call[2]) for call in calls.values()], text, finish)


def openai_helper(job: Job) -> Answer:
    """The SDK's stream helper, and the completion that it gives at the end; `parse` where no stream is asked for."""
    from openai import ContentFilterFinishReasonError, LengthFinishReasonError

    completions = openai_client(job).chat.completions
    if not job["stream"]:
        try:
            return message_of(completions.parse(model="m", messages=QUESTION))
        except LengthFinishReasonError as error:
            return message_of(error.completion)
    with completions.stream(model="m", messages=QUESTION, tools=openai_tools(job)) as stream:
        for _ in stream:
            pass
        try:
            return message_of(stream.get_final_completion())
        except (LengthFinishReasonError, ContentFilterFinishReasonError):
            return message_of(stream.current_completion_snapshot)  # it is how the helper says this finish reason


class ServerError(Exception):
    """What the SDK gives as an event, or as a member of the response."""


def responses_tools(job: Job) -> list[Any]:
    return [{"type": "function", "name": name, "parameters": SCHEMA, "strict": False} for name in job["tools"]]


def response_of(response: Any) -> Answer:
    """A whole response."""
    if response.error:
        raise ServerError(response.error.message)
    calls, text = [], ""
    for item in response.output:
        if item.type == "function_call":
            calls.append((item.call_id, item.name, item.arguments))
        elif item.type == "custom_tool_call":
            calls.append((item.call_id, item.name, item.input))
        elif item.type == "message":
            text += "".join(part.text for part in item.content if part.type == "output_text")
    return answer(calls, text, ended_as(response))


def ended_as(response: Any) -> Any:
    """The status; of an incomplete response the reason, in the word that the notes have for it."""
    details = response.incomplete_details
    reason = details.reason if response.status == "incomplete" and details else response.status
    return "length" if reason == "max_output_tokens" else reason


def responses_loop(job: Job) -> Answer:
    """The SDK's stream in a loop that joins calls by their place in the output, and hears both events of errors."""
    calls: dict[int, list[Any]] = {}
    text, finish = "", None
    create = openai_client(job).responses.create
    if not job["stream"]:
        return response_of(create(model="m", input="go", tools=responses_tools(job)))
    for event in create(model="m", input="go", tools=responses_tools(job), stream=True):
        match event.type:
            case "response.output_text.delta":
                text += event.delta
            case "response.output_item.added" if event.item.type == "function_call":
                calls[event.output_index] = [event.item.call_id, event.item.name, event.item.arguments]
            case "response.output_item.added" if event.item.type == "custom_tool_call":
                calls[event.output_index] = [event.item.call_id, event.item.name, event.item.input]
            case "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta":
                calls[event.output_index][2] += event.delta
            case "response.completed" | "response.incomplete":
                finish = ended_as(event.response)
            case "response.failed":
                raise ServerError(event.response.error.message)
            case "error":
                raise ServerError(event.message)
    return answer([(call[0], call[1], call[2]) for call in calls.values()], text, finish)


def responses_helper(job: Job) -> Answer:
    """The SDK's stream helper, and the response that it gives at the end; `parse` where no stream is asked for."""
    responses = openai_client(job).responses
    if not job["stream"]:
        return response_of(responses.parse(model="m", input="go", tools=responses_tools(job)))
    with responses.stream(model="m", input="go", tools=responses_tools(job)) as stream:
        for event in stream:
            if event.type == "error":
                raise ServerError(event.message)
            if event.type == "response.failed":
                raise ServerError(event.response.error.message)
        return response_of(stream.get_final_response())


def llm_library(job: Job) -> Answer:
    """`model.prompt(…, tools=…)` of simonw's llm."""
    import llm
    from llm.default_plugins.openai_models import Chat

    model = Chat("m", model_name="m", api_base=job["url"], supports_tools=True)
    model.key = "none"
    tools = [llm.Tool(name=name, input_schema=SCHEMA) for name in job["tools"]]
    response = model.prompt("go", tools=tools, stream=job["stream"])
    text = response.text()
    calls = [(call.tool_call_id, call.name, call.arguments) for call in response.tool_calls()]
    found = response.response_json or {}
    choices = found.get("choices") or [{}]
    return answer(calls, text, found.get("finish_reason") or choices[0].get("finish_reason"))


def langchain(job: Job) -> Answer:
    """`ChatOpenAI.stream`, its chunks added up, or `invoke`; calls that it calls invalid come as they are."""
    from langchain_openai import ChatOpenAI

    model = ChatOpenAI(model="m", base_url=job["url"], api_key="none", max_retries=0, timeout=SECONDS)
    bound = model.bind_tools(openai_tools(job))
    whole: Any = None
    if job["stream"]:
        for chunk in bound.stream("go"):
            whole = chunk if whole is None else whole + chunk
    else:
        whole = bound.invoke("go")
    calls = [(call["id"], call["name"], call["args"]) for call in whole.tool_calls]
    calls += [(call["id"], call["name"], call["args"]) for call in whole.invalid_tool_calls]
    return answer(calls, whole.text, whole.response_metadata.get("finish_reason"))


def pydantic_ai(job: Job) -> Answer:
    """`direct.model_request_stream_sync`, or without the stream: what an agent stands on."""
    from openai import AsyncOpenAI
    from pydantic_ai.direct import model_request_stream_sync, model_request_sync
    from pydantic_ai.messages import ModelRequest, TextPart, ToolCallPart
    from pydantic_ai.models import ModelRequestParameters
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider
    from pydantic_ai.tools import ToolDefinition

    client = AsyncOpenAI(base_url=job["url"], api_key="none", max_retries=0, timeout=SECONDS)
    model = OpenAIChatModel("m", provider=OpenAIProvider(openai_client=client))
    tools = [ToolDefinition(name=name, parameters_json_schema=SCHEMA) for name in job["tools"]]
    parameters = ModelRequestParameters(function_tools=tools, allow_text_output=True)
    question = [ModelRequest.user_text_prompt("go")]
    if job["stream"]:
        with model_request_stream_sync(model, question, model_request_parameters=parameters) as stream:
            for _ in stream:
                pass
            response = stream.response
    else:
        response = model_request_sync(model, question, model_request_parameters=parameters)
    calls = [
        (part.tool_call_id, part.tool_name, part.args) for part in response.parts if isinstance(part, ToolCallPart)
    ]
    text = "".join(part.content for part in response.parts if isinstance(part, TextPart))
    details = response.provider_details or {}
    return answer(calls, text, details.get("finish_reason") or response.finish_reason)


CLIENTS: dict[str, dict[str, Callable[[Job], Answer]]] = {
    "chat": {
        "openai-loop": openai_loop,
        "openai-helper": openai_helper,
        "llm": llm_library,
        "langchain-openai": langchain,
        "pydantic-ai": pydantic_ai,
    },
    "responses": {"openai-loop": responses_loop, "openai-helper": responses_helper},
}


def read(name: str, job: Job) -> Answer:
    """What the program got, or the exception that it got instead, with the module of its class."""
    try:
        return CLIENTS[job["api"]][name](job)
    except Exception as error:
        kind = type(error)
        told = {"type": kind.__name__, "module": kind.__module__.partition(".")[0], "words": str(error)[:500]}
        return {"calls": [], "text": "", "finish": None, "error": told}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    for line in sys.stdin:
        print(json.dumps(read(sys.argv[1], json.loads(line)), default=repr), file=answers, flush=True)


if __name__ == "__main__":
    main()

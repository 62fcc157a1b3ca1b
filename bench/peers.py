"""What a person would write instead: a bare loop over an `AsyncOpenAI` stream that joins the deltas and prints nothing.

peers.py BASE_URL MODEL
"""

import asyncio
import sys

from openai import AsyncOpenAI


async def main(base: str, model: str) -> None:
    """Read one answer to its end."""
    client = AsyncOpenAI(base_url=base, api_key="none", max_retries=0)
    text: list[str] = []
    calls: dict[int, list[str]] = {}
    stream = await client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": "go"}], stream=True, stream_options={"include_usage": True}
    )
    async for chunk in stream:
        for choice in chunk.choices:
            if choice.delta.content:
                text.append(choice.delta.content)
            for call in choice.delta.tool_calls or ():
                if call.function and call.function.arguments:
                    calls.setdefault(call.index, []).append(call.function.arguments)
    read = len("".join(text)) + sum(len("".join(pieces)) for pieces in calls.values())
    expected = int(model.partition("-")[2]) * 4
    if read != expected:
        sys.exit(f"{read} characters came, {expected} were sent")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

"""A recording in which every text that can come from outside is the same hostile one."""

from __future__ import annotations

import json

from written_recording import Written, wants

HOSTILE = [
    "<script>document.title='pwned'</script>",
    "</script><script>document.title='pwned'</script>",
    "</style><style>*{display:none}</style><img src=x onerror=\"document.title='pwned'\">",
    "--><svg onload=document.title='pwned'></svg><!--",
    "\"' onmouseover=document.title='pwned' x='\" autofocus onfocus=document.title='pwned'",
    "&lt;script&gt; &#60;script&#62; &amp;amp; &#x3c;b&#x3e;",
    "<![CDATA[<b>]]> <?xml version='1.0'?> <!doctype html></main></body></html>",
    "<iframe srcdoc='<script>parent.document.title=1</script>'></iframe><base href='//evil.test/'>",
    "<meta http-equiv='refresh' content='0;url=http://evil.test/'><form action=//evil.test><input name=a>",
    "javascript:document.title='pwned' data:text/html,<script>1</script>",
    "\u2028\u2029\u202e\u2066txt.exe\u2069\u200b\ufeff\u00ad",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07\x00\x08\x7f\x9b",
    "{{constructor.constructor('x')()}} ${document.title='pwned'} `x`",
    "a" * 5000 + "<b>" + "\u0301" * 500,
    "<plaintext><textarea><title><noscript><template><select><math><mtext></form>",
]


def hostile(evil: str, written: Written | None = None) -> Written:
    """One session with it wherever it can be."""
    written = written or Written()
    tool = {"name": evil, "description": evil, "parameters": {"type": "object", "properties": {evil: {"const": evil}}}}
    written.add("settings", dialect="chat", url=f"http://h/{evil}", model=evil, system=evil, parameters={"x": evil})
    written.add("tools", tools=[tool]).add("mark", text=evil).add("user", text=evil)
    headers = [("content-type", "application/json"), (evil, evil)]
    arguments = json.dumps({"a": evil})
    written.exchanged(
        [
            *wants(evil, arguments[:9], arguments[9:], call_id=evil)[:-2],
            f": {evil}\n\nevent: {evil}\ndata: {evil}\n\n".encode("utf-8", "replace"),
            *wants(evil, "{}")[-2:],
        ],
        body=json.dumps({"messages": [evil]}, ensure_ascii=False).encode(),
        url=f"http://h/{evil}",
        method=evil,
        headers=headers,
        answer=[("content-type", "text/event-stream"), (evil, evil)],
        how="reset",
        detail=evil,
    )
    call = [written.exchange, 0]
    written.add("decision", call=call, action="reject", message=evil, by="person")
    written.add("result", call=call, status="error", output=evil, prints=evil)
    written.add("diagnostic", severity="error", code=evil, message=evil)
    error = json.dumps({"error": {"message": evil, "type": evil, "code": evil}}).encode()
    written.exchanged([error], status=400, answer=[("content-type", "application/json"), ("x-request-id", evil)])
    return written.add("turn", reason="failed")

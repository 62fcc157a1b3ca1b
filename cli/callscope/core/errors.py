"""Errors a person must act on, by what they must act on.

    CallscopeError
      + UsageError        2  a flag, an option, a setting
      + UnusableFile      3  a tool file, a recording, a full disk
      + EndpointError     4  the server, the network, the key

What a peer does wrong within a response is a `Diagnostic` or `ResponseFailed`; what a tool does wrong is a
`ToolResult`. Neither is ever raised. Each class carries the exit code the program ends with.
"""

from __future__ import annotations


class CallscopeError(Exception):
    """Something a person can mend; the text is one clear message that says what to do."""

    exit_code = 1


class UsageError(CallscopeError):
    """The command line, the environment or a profile asks for what cannot be done."""

    exit_code = 2


class UnusableFile(CallscopeError):
    """A file cannot be read or written as asked."""

    exit_code = 3


class EndpointError(CallscopeError):
    """The endpoint did not answer as an endpoint."""

    exit_code = 4

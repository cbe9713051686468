"""What went wrong in a store, told without what a server sent, which may quote a key or a value."""

import os
import re

#: The name of an error of a name node.
_OF_A_NAME_NODE = re.compile(r'RPCError\("[\w.$]*?(\w+)"')
#: The number of an error of the system, as the client of HDFS writes it and as that of object stores does.
_OF_THE_SYSTEM = re.compile(r"\(os error (\d{1,4})\)|\bOs \{\s*code: (\d{1,4})\b")
#: What became of a request that no answer came to, and the number of an answer that refuses.
_OF_A_REQUEST, _ANSWERED = re.compile(r"HttpError \{\s*kind: (\w+)"), re.compile(r"non-2xx status code: (\d{3})")
#: What the client of HDFS says where a name node takes a request, or not, and its connection ends before the answer.
_CUT = "RPC listener disconnected"
_UNANSWERED = {"Connect": "no connection", "Timeout": "no answer in time"}


def kind_of(error: Exception) -> str:
    """What went wrong: the name of an error, what the system calls it, or the number of an answer.

    >>> kind_of(RuntimeError('RPCError("org.apache.hadoop.security.AccessControlException", "Permission denied")'))
    'AccessControlException'
    >>> kind_of(OSError("Connection refused (os error 111)")), kind_of(RuntimeError("of no interest"))
    ('Connection refused', 'Runtime')
    >>> kind_of(OSError("RPC listener disconnected"))
    'the connection was cut'

    Args:
        error: what a client of a store raised.
    """
    if was_cut(error):
        return "the connection was cut"
    name, text = type(error).__name__.removesuffix("Error"), str(error)
    refused, system = _OF_A_NAME_NODE.match(text), _OF_THE_SYSTEM.search(text)
    if refused is not None:
        return refused[1]
    if system is not None:
        return os.strerror(int(system[1] or system[2]))
    if name != "Generic":  # as clients of object stores call what has no name of its own
        return name
    request, answered = _OF_A_REQUEST.search(text), _ANSWERED.search(text)
    if request is not None and request[1] in _UNANSWERED:
        return _UNANSWERED[request[1]]
    return name if answered is None else f"status {answered[1]}"


def was_cut(error: Exception) -> bool:
    """Whether a connection to HDFS ended before the answer came: nobody knows whether it did what it was asked.

    The client asks again by itself for what reads, and not for what changes something.

    >>> was_cut(OSError("RPC listener disconnected")), was_cut(OSError("Connection refused (os error 111)"))
    (True, False)
    """
    return _CUT in str(error)


def failed(error: Exception) -> OSError:
    """What is raised in the place of an error of a client where a file is read: there is none, or what went wrong.

    Args:
        error: what a client of a store raised.
    """
    return error if type(error) is FileNotFoundError else OSError(kind_of(error))

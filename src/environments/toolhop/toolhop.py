"""Executes tools of ToolHop: each is the source of a Python function, and a call runs it with keyword arguments."""

import json


def _as_text(value):
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def call_tool(functions, name, arguments_text):
    """The text of the reply, and the kind of error or null. Every call has a namespace of its own, in which the item's functions are defined."""
    namespace = {"__name__": "__main__"}
    unreadable = None
    for source in functions:
        try:
            exec(source, namespace)
        except Exception as error:
            unreadable = unreadable or error
    kind = "failed"
    try:
        function = namespace.get(name)
        if not callable(function):
            kind = "unknown-tool"
            raise unreadable or NameError(f"name {name!r} is not defined")
        return [_as_text(function(**json.loads(arguments_text))), None]
    except MemoryError:
        raise
    except TypeError as error:
        return [f"an error occured when call {name}: {error}", "bad-arguments"]
    except (Exception, SystemExit) as error:
        return [f"an error occured when call {name}: {error}", kind]

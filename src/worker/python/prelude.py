"""What the interpreter runs before anything else: takes away the way to JavaScript, and answers requests. Values travel as JSON text."""

import builtins
import gc
import json
import sys
from importlib.machinery import ModuleSpec


def hone_prelude():
    loads, dumps = json.loads, json.dumps
    # The packages of Pyodide that reach JavaScript, and the one that calls functions of the interpreter's own memory.
    blocked = {"js", "pyodide_js", "pyodide", "_pyodide", "_pyodide_core", "ctypes", "_ctypes"}

    class Blocked:
        @staticmethod
        def find_spec(name, path=None, target=None) -> ModuleSpec | None:
            if name.partition(".")[0] in blocked:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
            return None

    def close_way_to_javascript():
        from _pyodide import _importhook
        from pyodide.ffi import JsProxy

        _importhook.jsfinder.jsproxies.clear()
        # The specifications of modules that were imported hold loaders, and these hold the objects.
        for loader in [value for value in gc.get_objects() if isinstance(value, _importhook.JsLoader)]:
            del loader.jsproxy
        sys.meta_path[:] = [Blocked] + [finder for finder in sys.meta_path if finder is not _importhook.jsfinder]
        for name in [name for name in sys.modules if name.partition(".")[0] in blocked]:
            module = sys.modules.pop(name)
            held = {} if isinstance(module, JsProxy) else vars(module)
            for key in [key for key, value in held.items() if isinstance(value, JsProxy)]:
                del held[key]

    namespace = {"__name__": "__main__", "__builtins__": builtins}

    def describe(error):
        try:
            return f"{type(error).__name__}: {error}"
        except BaseException:
            return type(error).__name__

    def perform(request):
        if request["task"] == "run":
            exec(compile(request["code"], "<code>", "exec"), namespace)
            return None
        function = namespace.get(request["name"])
        if function is None:
            raise NameError(f"name {request['name']!r} is not defined")
        return function(*request["args"])

    def answer(text):
        try:
            return '{"ok": true, "value": ' + dumps(perform(loads(text)), allow_nan=False) + "}"
        except MemoryError:
            gc.collect()
            return '{"ok": false, "kind": "memory", "message": "MemoryError"}'
        except BaseException as error:
            return dumps({"ok": False, "kind": "raised", "message": describe(error)})

    close_way_to_javascript()
    return answer

"""
Runs and judges multi-turn items of the Berkeley Function Calling Leaderboard with the API classes of the user's own `bfcl_eval` package.
An item has a list of turns; a turn has steps, and a step has calls, each a Python expression such as `cd(folder='document')`.
"""

import ast
import copy
import importlib
import importlib.machinery
import inspect
import json
import re
import sys
import types

_sources = {}


class _SourceFinder:
    """Imports modules from texts that were handed in. What is above a module is an empty package."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        is_package = any(known.startswith(name + ".") for known in _sources)
        if name not in _sources and not is_package:
            return None
        return importlib.machinery.ModuleSpec(name, _SourceFinder, is_package=is_package)

    @staticmethod
    def create_module(spec):
        return types.ModuleType(spec.name)

    @staticmethod
    def exec_module(module):
        exec(compile(_sources.get(module.__name__, ""), module.__name__, "exec"), module.__dict__)


sys.meta_path.append(_SourceFinder)


def add_sources(sources):
    _sources.update(sources)


def _backend():
    return importlib.import_module("bfcl_eval.constants.executable_backend_config")


# Names that an expression may use besides its instances, as in the package's own evaluation.
_shared_names = {"copy": copy, "importlib": importlib, "inspect": inspect, "json": json, "re": re}
_refused = {"kill", "exit", "quit", "remove", "unlink", "popen", "Popen", "run"}
_call_name = re.compile(r"\b([a-zA-Z_]\w*)\s*(?=\()")


class Session:
    """One instance of each class of an item, in the item's initial state."""

    def __init__(self, entry):
        backend = _backend()
        category = entry["id"].rsplit("_", 1)[0]
        is_long = "long_context" in category or "composite" in category
        self.instances = {}
        self.owners = {}
        for class_name in entry["involved_classes"]:
            module = importlib.import_module(backend.CLASS_FILE_PATH_MAPPING[class_name])
            instance = getattr(module, class_name)()
            if class_name not in backend.STATELESS_CLASSES:
                config = copy.deepcopy(entry["initial_config"].get(class_name, {}))
                instance._load_scenario(config, long_context=is_long)
            self.instances[class_name] = instance
            for method, _ in inspect.getmembers(instance, predicate=inspect.ismethod):
                if not method.startswith("_"):
                    self.owners[method] = class_name
        self.names = {**_shared_names, **{self._name(class_name): value for class_name, value in self.instances.items()}}

    @staticmethod
    def _name(class_name):
        return f"instance_of_{class_name}"

    def _with_instances(self, expression):
        """Every name before a bracket that is a method gets its instance, also inside strings, as in the original."""

        def named(match):
            name = match.group(1)
            return f"{self._name(self.owners[name])}.{name}" if name in self.owners else name

        return _call_name.sub(named, expression)

    def perform(self, expression):
        """The text of the reply to one call."""
        try:
            expression = self._with_instances(expression)
            name = expression.split("(")[0]
            if "." in name:
                name = name.split(".")[1]
            if name in _refused:
                raise Exception(f"Function call {name} is not allowed.")
            value = eval(expression, self.names)
            if type(value) is dict:
                try:
                    return json.dumps(value)
                except Exception:
                    return str(value)
            return value if type(value) is str else str(value)
        except Exception as error:
            return f"Error during execution: {error}"


def call_text(name, arguments):
    """A call as an expression: keyword arguments, each as Python writes it."""
    return f"{name}({','.join(f'{key}={value!r}' for key, value in arguments.items())})"


def _calls_in_text(text):
    """Of a list of calls that a model wrote as text; only keyword arguments count. Raises SyntaxError or ValueError."""
    text = text.strip("`\n ")
    tree = ast.parse(f"{'' if text.startswith('[') else '['}{text}{'' if text.endswith(']') else ']'}", mode="eval")
    nodes = tree.body.elts if isinstance(tree.body, ast.List) else [tree.body]
    if not all(isinstance(node, ast.Call) for node in nodes):
        raise ValueError("not only calls")
    for node in nodes:
        for inner in ast.walk(node):
            if isinstance(inner, ast.keyword) and isinstance(inner.value, ast.Name):
                inner.value = ast.Constant(inner.value.id)
    return [f"{ast.unparse(node.func)}({', '.join(ast.unparse(keyword) for keyword in node.keywords)})" for node in nodes]


def _decode_step(step):
    """The calls of a step: expressions, objects `{name: arguments}` whose arguments may be JSON text, or text that lists calls."""
    if isinstance(step, str):
        return _calls_in_text(step)
    if isinstance(step, dict):
        step = [step]
    calls = []
    for call in step:
        if isinstance(call, str):
            calls.append(call)
        else:
            for name, arguments in call.items():
                calls.append(call_text(name, json.loads(arguments) if isinstance(arguments, str) else arguments))
    return calls


def _decode_turn(turn):
    """Steps that cannot be read or hold no call do not count."""
    steps = []
    for step in turn if isinstance(turn, list) else []:
        try:
            calls = _decode_step(step)
        except Exception:
            continue
        if calls:
            steps.append(calls)
    return steps


def _failure(kind, message):
    return {"valid": False, "error": {"type": f"multi_turn:{kind}", "message": message}}


def _different_attributes(found, expected):
    names = [name for name in vars(expected) if not name.startswith("_")]
    return [name for name in names if getattr(found, name) != getattr(expected, name)]


def _missing(expected, found):
    """What of `expected` is not in `found`, in any order, each as often as it occurs."""
    left = list(found)
    missing = []
    for item in expected:
        if item in left:
            left.remove(item)
        else:
            missing.append(item)
    return missing


def judge(entry_text, answer_text, truth_text):
    """Whether an answer (a list of turns) leaves the state, and has the replies, that the item's right calls have after each turn."""
    entry, answer = json.loads(entry_text), json.loads(answer_text)
    truth = json.loads(truth_text)["ground_truth"]
    if not isinstance(answer, list):
        return _failure("inference_error", "Expected a list of turns.")
    if len(answer) != len(truth):
        return _failure("force_terminated", f"Expected {len(truth)} turns, found {len(answer)}.")
    return _compare([_decode_turn(turn) for turn in answer], truth, Session(entry), Session(entry))


def _compare(answer, truth, session, expected_session):
    replies = []
    for turn, (steps, right_calls) in enumerate(zip(answer, truth)):
        replies.extend(session.perform(call) for calls in steps for call in calls)
        expected = [expected_session.perform(call) for call in right_calls]
        if not right_calls:
            continue
        if not steps:
            return _failure("empty_turn_model_response", f"Turn {turn + 1} has no call.")
        for name, instance in expected_session.instances.items():
            if different := _different_attributes(session.instances[name], instance):
                return _failure("instance_state_mismatch", f"After turn {turn + 1}, {name} differs in {', '.join(different)}.")
        if missing := _missing(expected, replies):
            return _failure("execution_response_mismatch", f"In turn {turn + 1}, {len(missing)} of the expected replies are missing.")
    return {"valid": True, "error": None}


_sessions = {}


def open_session(key, entry_text, history):
    """A session by a key of the caller's; `history` is what was called in it before, where an earlier interpreter was lost."""
    _sessions[key] = Session(json.loads(entry_text))
    for call in history:
        _sessions[key].perform(call)


def perform_calls(key, calls):
    """The replies to calls `[name, arguments as JSON text]`, with each call as an expression; null if there is no such session."""
    session = _sessions.get(key)
    if session is None:
        return None
    expressions = [call_text(name, json.loads(arguments)) for name, arguments in calls]
    return [[expression, session.perform(expression)] for expression in expressions]


def close_session(key):
    _sessions.pop(key, None)

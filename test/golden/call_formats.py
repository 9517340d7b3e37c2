"""Conversations with tools as transformers' `apply_chat_template` renders and tokenises them, for the templates in call_formats/.

Usage: python test/golden/call_formats.py      (transformers 5.24, tokenizers 0.23). Fields: README.md here.
The templates are ours, in the shapes of the families they are named after; the tokenizer is a small one, trained on this text.
"""

import json
import os
import re

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "call_formats")
SYSTEM = "You use tools."
ASKED = "Is it warmer in Zürich or in Bern?"
CALLS = [
    {"name": "get_weather", "arguments": {"city": "Zürich", "days": 3}},
    {"name": "get_weather", "arguments": {"city": 'Bern "BE"', "days": 1}},
]
REPLIES = ['{"celsius": 3}', "<b>4</b> degrees & sun"]
ANSWER = "In Bern, by 1 °C."
AGAIN = "Thanks. And tomorrow?"
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Weather of a city",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string", "description": "its name"}, "days": {"type": "integer"}},
                "required": ["city"],
            },
        },
    }
]


def dumps(value):
    return json.dumps(value, ensure_ascii=False)


def hermes(calls):
    return "\n".join(f"<tool_call>\n{dumps(call)}\n</tool_call>" for call in calls)


def python_value(value):
    return json.dumps(value, ensure_ascii=False)


def pythonic(calls):
    return "[" + ", ".join(f"{c['name']}({', '.join(f'{k}={python_value(v)}' for k, v in c['arguments'].items())})" for c in calls) + "]"


def gemma_value(value):
    return f"<escape>{value}<escape>" if isinstance(value, str) else dumps(value)


def function_gemma(calls):
    fields = [",".join(f"{k}:{gemma_value(v)}" for k, v in c["arguments"].items()) for c in calls]
    return "".join(f"<start_function_call>call:{c['name']}{{{f}}}<end_function_call>" for c, f in zip(calls, fields))


def mistral(calls):
    return "[TOOL_CALLS]" + dumps([{**c, "id": f"call{i + 1:05}"} for i, c in enumerate(calls)])


def react_parser(text):
    """StepTool's reader of ReAct text: slices from where each label was found, also where it was not (-1)."""
    return [
        text[text.find("Thought: ") + 9 : text.find("\nAction: ")],
        text[text.find("Action: ") + 8 : text.find("\nAction Input: ")],
        text[text.find("Action Input: ") + 14 :],
    ]


REACT = [
    "Thought: a\nAction: b\nAction Input: {}", "Action: X\nAction Input: {}", "", "I think you tune into...\nAction: Q\nAction Input: {}", "Thought: no action here",
    "Action Input: {\"a\": 1}\nAction: f", "Thought: \U0001f600\U0001f600 go\nAction: \U0001f600f\nAction Input: \U0001f600", "\U0001f600" * 12, "\nAction: f", "\nAction Input: {}",
    "Thought: Action: b\nAction: c\nAction Input: d\nAction Input: e", "short", "Thought:x\nAction:y\nAction Input:z",
]


# Of each template: the format, how its model writes the calls, whether the template writes calls itself, what stands in for a role of tools,
# how many calls go into a turn, and after which part the conversation ends because the template would rewrite what came before.
CHATML = {"format": "hermes", "write": hermes, "ends": "<|im_end|>"}
FAMILIES = {
    "chatml": {**CHATML, "calls_in_text": True, "replies": "user"},
    "qwen": CHATML,
    "qwen3": {**CHATML, "until": "replies"},
    "llama3": {"format": "llama", "write": lambda c: dumps({"name": c[0]["name"], "parameters": c[0]["arguments"]}), "ends": "<|eot_id|>", "calls": 1},
    "mistral": {"format": "mistral", "write": mistral, "ends": "</s>", "until": "answer"},
    "mistral_args": {"format": "mistral", "write": lambda c: "".join(f"[TOOL_CALLS]{x['name']}[ARGS]{dumps(x['arguments'])}" for x in c), "ends": "</s>"},
    "gemma": {"format": "hermes", "write": hermes, "ends": "<end_of_turn>", "calls_in_text": True, "replies": "user", "no_system": True},
    "lfm2": {"format": "pythonic", "write": lambda c: f"<|tool_call_start|>{pythonic(c)}<|tool_call_end|>", "ends": "<|im_end|>", "calls_in_text": True},
    "functiongemma": {"format": "functiongemma", "write": function_gemma, "ends": "<end_of_turn>", "call_end": "<start_function_response>"},
    "xlam": {"format": "json", "write": dumps, "ends": "<|im_end|>"},
}
SPECIAL = [
    "<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|eom_id|>", "<|python_tag|>",
    "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_CALLS]", "[ARGS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]",
    "<start_of_turn>", "<end_of_turn>", "<|tool_call_start|>", "<|tool_call_end|>", "<|tool_list_start|>", "<|tool_list_end|>", "<|tool_response_start|>", "<|tool_response_end|>",
    "<start_function_declaration>", "<end_function_declaration>", "<start_function_call>", "<end_function_call>", "<start_function_response>", "<end_function_response>", "<escape>",
]
# Qwen's vocabulary has them as tokens that are not special.
ADDED = ["<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>"]


def train_tokenizer(texts):
    tokenizer = Tokenizer(models.BPE(byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=SPECIAL, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens(ADDED)
    return tokenizer


def conversation(family):
    calls = CALLS[: family.get("calls", 2)]
    replies = REPLIES[: len(calls)]
    said = family["write"](calls)
    head = [{"role": "user", "content": f"{SYSTEM}\n\n{ASKED}"}] if family.get("no_system") else [{"role": "system", "content": SYSTEM}, {"role": "user", "content": ASKED}]
    tool_calls = [{"id": f"call{i + 1:05}", "type": "function", "function": call} for i, call in enumerate(calls)]
    turn = {"role": "assistant", "content": said} if family.get("calls_in_text") else {"role": "assistant", "content": "", "tool_calls": tool_calls}
    if family.get("replies") == "user":
        back = [{"role": "user", "content": "\n".join(f"<tool_response>\n{text}\n</tool_response>" for text in replies)}]
    else:
        back = [{"role": "tool", "content": text, "name": call["name"], "tool_call_id": f"call{i + 1:05}"} for i, (text, call) in enumerate(zip(replies, calls))]
    tail = {"replies": [], "answer": [{"role": "assistant", "content": ANSWER}]}.get(family.get("until"), [{"role": "assistant", "content": ANSWER}, {"role": "user", "content": AGAIN}])
    return calls, replies, said, [*head, turn, *back, *tail]


def variables(name):
    return {"llama3": {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"}}.get(name, {"bos_token": "<s>", "eos_token": "</s>"})


if __name__ == "__main__":
    sources = {name: open(os.path.join(FOLDER, f"{name}.jinja")).read() for name in FAMILIES}
    words = [re.sub(r"\{[%{].*?[%}]\}", " ", source) for source in sources.values()] + [SYSTEM, ASKED, ANSWER, AGAIN, dumps(TOOLS), dumps(CALLS), *REPLIES]
    trained = train_tokenizer(words * 4)
    path = os.path.join(FOLDER, "tokenizer.json")
    trained.save(path)
    cases = []
    for name, family in FAMILIES.items():
        tokenizer = PreTrainedTokenizerFast(tokenizer_file=path, **variables(name))
        tokenizer.chat_template = sources[name]
        calls, replies, said, messages = conversation(family)
        tools = TOOLS if not family.get("replies") else None
        asked = {"add_generation_prompt": family.get("until") != "answer", **({"tools": tools} if tools else {})}
        text = tokenizer.apply_chat_template(messages, tokenize=False, **asked)
        ids = tokenizer.apply_chat_template(messages, tokenize=True, return_dict=False, **asked)
        cases.append({
            "template": name, "format": family["format"], "variables": variables(name), "calls": calls, "replies": replies, "said": said,
            "call_end": family.get("call_end", family["ends"]), "end": family["ends"], "until": family.get("until", "user"), "text": text, "ids": ids,
        })  # fmt: skip
    golden = {"system": SYSTEM, "asked": ASKED, "answer": ANSWER, "again": AGAIN, "tools": TOOLS, "cases": cases, "react": [[text, *react_parser(text)] for text in REACT]}
    with open(os.path.join(HERE, "call_formats_golden.json"), "w") as f:
        json.dump(golden, f, indent=1, ensure_ascii=False)
        f.write("\n")

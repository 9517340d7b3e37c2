"""Chat templates rendered by transformers' own Jinja environment.

Usage: python test/golden/chat_template.py      (transformers 5.23). Fields: README.md here.
`tools` has the shape of Qwen2.5's template (ChatML, tool list, tool calls, tool replies), `dated` that of Llama 3's.
"""

import json
import os

from jinja2.exceptions import TemplateError
from transformers.utils.chat_template_utils import render_jinja_template

HERE = os.path.dirname(os.path.abspath(__file__))

CHATML = """{%- for message in messages %}
    {{- '<|im_start|>' + message['role'] + '\\n' + message['content'] | trim + '<|im_end|>' + '\\n' }}
{%- endfor %}
{% if add_generation_prompt %}
<|im_start|>assistant
{% endif %}
"""

TOOLS = """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content + '\\n\\n' }}
    {%- endif %}
    {{- "# Tools\\n\\n<tools>" }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\\n</tools><|im_end|>\\n" }}
{%- elif messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- set ns = namespace(calls=0) %}
{%- for message in messages %}
    {%- if message.role == "user" or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {{- '<|im_start|>assistant' }}
        {%- if message.content %}
            {{- '\\n' + message.content }}
        {%- endif %}
        {%- for tool_call in message.tool_calls or [] %}
            {%- if tool_call.function is defined %}
                {%- set tool_call = tool_call.function %}
            {%- endif %}
            {%- set ns.calls = ns.calls + 1 %}
            {{- '\\n<tool_call>\\n{"name": "' }}
            {{- tool_call.name }}
            {{- '", "arguments": ' }}
            {%- if tool_call.arguments is string %}
                {{- tool_call.arguments }}
            {%- else %}
                {{- tool_call.arguments | tojson }}
            {%- endif %}
            {{- '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if loop.index0 == 0 or messages[loop.index0 - 1].role != "tool" %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\\n<tool_response>\\n' }}
        {{- message.content }}
        {{- '\\n</tool_response>' }}
        {%- if loop.last or messages[loop.index0 + 1].role != "tool" %}
            {{- '<|im_end|>\\n' }}
        {%- endif %}
    {%- elif message.role != "system" %}
        {{- raise_exception('unknown role: ' + message.role) }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if ns.calls > 1 %}{{- '(' ~ ns.calls ~ ' calls)' }}{%- endif %}
{%- endif %}
"""

DATED = """{{- bos_token }}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\nToday Date: " + date_string + "\\n\\n" + system_message + "<|eot_id|>" }}
{%- for message in messages %}
    {%- if message.content is mapping or message.content is iterable and message.content is not string %}
        {{- '<|start_header_id|>ipython<|end_header_id|>\\n\\n' + message.content | tojson(indent=2) + '<|eot_id|>' }}
    {%- else %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif %}
"""

STRIPS = """{%- for message in messages %}
    {{- '<' + message.role | capitalize + '>' }}
    {%- if message.content is string %}
        {{- message.content.strip() + '|' + message.content.lstrip() + '|' + message.content.rstrip() + '|' }}
        {{- message.content.rstrip('\\n').lstrip('\\n ') + '|' + message.content.strip('<|>"') + '|' + message.content | trim }}
        {{- '|' + message.content.split() | join('+') + '|' + message.content.split('</think>')[-1].lstrip('\\n') }}
        {{- '|' + (message.content + '\\u0085 ') | trim | tojson }}
    {%- endif %}
{%- endfor %}
{{- 3 | trim }}{{ 'mIXED cASE'.capitalize() }}{{ '[' ~ ('xyxxay' | trim('xy')) ~ ']' }}"""

TOOL_LIST = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": 'Weather of a city, e.g. "Zürich" — <b>now</b> & later',
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]},
        },
    }
]
SYSTEM = {"role": "system", "content": "  You use tools.\n"}
USER = {"role": "user", "content": "What's the weather in Zürich?\n"}


def call(arguments, content=""):
    return {"role": "assistant", "content": content, "tool_calls": [{"type": "function", "function": {"name": "get_weather", "arguments": arguments}}]}


TURNS = [
    SYSTEM, USER, call({"city": "Zürich", "days": 3, "exact": True, "unit": None, "bounds": [1.5, -2], "note": "a\"b\\c\n</s>"}, "Let me look."),
    {"role": "tool", "name": "get_weather", "content": '{"temp": 3}'}, {"role": "tool", "content": "second 😀"},
    call('{"city": "Bern"}'), {"role": "tool", "content": "ok"}, {"role": "assistant", "content": "It is 3 °C."}, USER,
]
CASES = [
    ("chatml", {"messages": [SYSTEM, USER]}),
    ("chatml", {"messages": [USER, {"role": "assistant", "content": " hi "}], "add_generation_prompt": True}),
    ("tools", {"messages": [USER], "add_generation_prompt": True}),
    ("tools", {"messages": [SYSTEM, USER], "tools": TOOL_LIST}),
    ("tools", {"messages": TURNS, "tools": TOOL_LIST, "add_generation_prompt": True}),
    ("tools", {"messages": TURNS}),
    ("tools", {"messages": [{"role": "critic", "content": "?"}]}),
    ("strips", {"messages": [{"role": "user", "content": "\ufeff\n\n hi\n \x1c\x85"}, {"role": "ASSISTANT", "content": "<think>\n\nso\n</think>\n\n  I say\u3000\"two words\".\r\n"}]}),
    ("dated", {"messages": [SYSTEM, USER], "variables": {"bos_token": "<s>", "date_string": "1 Jan 2026"}, "add_generation_prompt": True}),
    ("dated", {"messages": [USER, {"role": "tool", "content": {"temp": 3, "list": [1, {"a": "é"}], "none": []}}], "variables": {"bos_token": "", "date_string": "x"}}),
]

if __name__ == "__main__":
    templates = {"chatml": CHATML, "tools": TOOLS, "dated": DATED, "strips": STRIPS}
    cases = []
    for name, given in CASES:
        record = {"template": name, **given}
        try:
            rendered, _ = render_jinja_template(
                conversations=[given["messages"]], tools=given.get("tools"), chat_template=templates[name],
                add_generation_prompt=given.get("add_generation_prompt", False), **given.get("variables", {}),
            )
            record["expected"] = rendered[0]
        except TemplateError as error:
            record["error"] = str(error)
        cases.append(record)
    with open(os.path.join(HERE, "chat_template_golden.json"), "w") as f:
        json.dump({"templates": templates, "cases": cases}, f, indent=1, ensure_ascii=False)
        f.write("\n")

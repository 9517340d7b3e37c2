"""Which tokens TRL's SFTTrainer lets carry loss: on every assistant turn, and on the last alone.

Usage: python test/golden/sft_masks.py      (trl 1.16, transformers 5.23)

Conversations with tool replies between the turns, through a ChatML template with generation markers and `tokenizer/qwen.json`; the labels are
those of the data set the trainer itself prepares: `assistant_only_loss` on rows of messages, and with `completion_only_loss` on rows of prompt and
completion, whose prompt is every message before the last turn. Writes sft_masks_golden.json.
"""

import json
import os
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

import trl
from datasets import Dataset
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
from trl import SFTConfig, SFTTrainer

END = "<|im_end|>"
TEMPLATE = """{%- for message in messages %}
    {%- if not loop.first %}{{- '\\n' }}{%- endif %}
    {{- '<|im_start|>' + message.role + '\\n' }}
    {%- if message.role == 'assistant' %}
        {%- generation %}{{- message.content + '<|im_end|>' }}{%- endgeneration %}
    {%- else %}
        {{- message.content + '<|im_end|>' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '\\n<|im_start|>assistant\\n' }}{%- endif %}"""


def message(role, content):
    return {"role": role, "content": content}


CONVERSATIONS = [
    [message("user", "What is 2 + 2?"), message("assistant", "It is 4.")],
    [
        message("system", "You use tools."), message("user", "What is the weather in Zürich?"),
        message("assistant", 'Action: get_weather\nAction Input: {"city": "Zürich", "days": 3}'), message("tool", '{"temp": 3, "sky": "rain ☔"}'),
        message("assistant", "Three degrees, and rain."),
    ],
    [
        message("user", "Book a table in Lyon."), message("assistant", 'search_restaurants {"city": "Lyon"}'), message("tool", "missing parameter 'cuisine'"),
        message("assistant", 'search_restaurants {"city": "Lyon", "cuisine": "thai"}'), message("tool", "[]"), message("tool", "The list is empty."),
        message("assistant", 'search_restaurants {"city": "Lyon", "cuisine": "any"}'), message("tool", '["Chez 😀"]'), message("assistant", "Chez 😀 it is."),
    ],
]


def segments(tokenizer, messages):
    """Text of each turn: all that stands before it, and what the assistant says."""
    pairs, read = [], 0
    for at, one in enumerate(messages):
        if one["role"] != "assistant":
            continue
        before = tokenizer.apply_chat_template(messages[:at], tokenize=False, add_generation_prompt=True)
        pairs.append({"prompt": before[read:], "completion": one["content"] + END})
        read = len(before) + len(one["content"] + END)
    return pairs


def labels(tokenizer, rows, **options):
    args = SFTConfig(output_dir=tempfile.mkdtemp(), report_to=[], use_cpu=True, bf16=False, max_length=None, assistant_only_loss=True, **options)
    config = Qwen2Config(vocab_size=512, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1, num_key_value_heads=1)
    trainer = SFTTrainer(Qwen2ForCausalLM(config), args=args, train_dataset=Dataset.from_list(rows), processing_class=tokenizer)
    return [(row["input_ids"], [at for at, label in enumerate(row["labels"]) if label != -100]) for row in trainer.train_dataset]


def main():
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=os.path.join(HERE, "tokenizer", "qwen.json"), eos_token=END, pad_token="<|endoftext|>")
    tokenizer.chat_template = TEMPLATE
    every = labels(tokenizer, [{"messages": m} for m in CONVERSATIONS])
    last = labels(tokenizer, [{"prompt": m[:-1], "completion": m[-1:]} for m in CONVERSATIONS], completion_only_loss=True)
    rows = []
    for messages, (ids, all_turns), (same, last_turn) in zip(CONVERSATIONS, every, last):
        assert ids == same
        rows.append({"turns": segments(tokenizer, messages), "ids": ids, "all_turns": all_turns, "last_turn": last_turn})
    with open(os.path.join(HERE, "sft_masks_golden.json"), "w") as f:
        json.dump({"source": f"trl {trl.__version__}", "rows": rows}, f, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    main()

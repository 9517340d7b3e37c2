"""Expected numbers of your own checkpoint, for `npm run -s hone -- doctor --model DIR --reference FILE`.

Usage: python checkpoint_reference.py DIR FILE ["a text" ...]          (torch and transformers, in f32 on the processor)
"""

import json
import sys

import torch
import transformers

directory, file, *texts = sys.argv[1:]
tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
model = transformers.AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager").eval()
out = {"source": f"transformers {transformers.__version__}", "ids": [], "logprobs": [], "logits": []}
for text in texts or ["The quick brown fox jumps over the lazy dog.", "def area(r): return 3.14159 * r ** 2"]:
    ids = tokenizer(text)["input_ids"]
    with torch.no_grad():
        # torch's first pass of a process was seen to be off by 1e-4 now and then, later ones never.
        for _ in range(2):
            logits = model(torch.tensor([ids])).logits[0]
    logp = torch.log_softmax(logits[:-1].double(), -1).gather(1, torch.tensor(ids[1:])[:, None])[:, 0]
    out["ids"].append(ids)
    out["logprobs"].append([round(x, 7) for x in logp.tolist()])
    out["logits"].append([[round(x, 6) for x in logits[-1].tolist()]])
with open(file, "w") as f:
    json.dump(out, f, separators=(",", ":"))

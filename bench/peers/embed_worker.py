"""Times sentence-transformers on orders from standard input: {"model": FOLDER, "threads": 2, "dtype": "bfloat16",
"texts": [...]} -> {"tokens_per_second": R, "tokens": N}. One JSON object a line."""
import json
import sys
import time

import sentence_transformers
import torch


def main():
    model, settings = None, None
    for line in sys.stdin:
        order = json.loads(line)
        wanted = (order["model"], order["threads"], order["dtype"])
        if wanted != settings:
            torch.set_num_threads(order["threads"])
            model = sentence_transformers.SentenceTransformer(
                order["model"], device="cpu", model_kwargs={"dtype": getattr(torch, order["dtype"])}
            )
            model.encode(order["texts"], batch_size=32)  # warm up
            settings = wanted
        tokens = sum(len(ids) for ids in model.tokenizer(order["texts"])["input_ids"])
        start = time.perf_counter()
        model.encode(order["texts"], batch_size=32)
        rate = tokens / (time.perf_counter() - start)
        print(json.dumps({"tokens_per_second": rate, "tokens": tokens}), flush=True)


if __name__ == "__main__":
    main()

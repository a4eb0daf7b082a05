"""Times llama.cpp (llama-cpp-python's low-level API) on orders from standard input.

One JSON object a line in, one out:
  {"model": PATH, "threads": 2, "flash": -1, "prefill": 512}                       -> {"tokens_per_second": R}
  {"model": PATH, "threads": 2, "flash": -1, "decode": 64, "depth": 1, "sequences": 1}
The model and a context stay loaded while their settings stay the same. Tokens are random and never repeat a prompt.
Decode feeds random tokens too: sampling is no part of either side's kernels and llama.cpp's would be Python's here.
"""
import ctypes
import json
import random
import sys
import time

import llama_cpp as lc


@lc.llama_log_callback
def silent(level, text, user_data):
    pass


class Peer:
    def __init__(self, path, threads, flash, tokens, sequences):
        params = lc.llama_model_default_params()
        self.model = lc.llama_model_load_from_file(path.encode(), params)
        if not self.model:
            raise SystemExit(f"llama_worker: cannot load {path}")
        settings = lc.llama_context_default_params()
        settings.n_ctx = tokens
        settings.n_seq_max = sequences
        settings.n_batch = 2048
        settings.n_ubatch = 512
        settings.n_threads = settings.n_threads_batch = threads
        settings.flash_attn_type = flash
        settings.kv_unified = False
        self.context = lc.llama_init_from_model(self.model, settings)
        if not self.context:
            raise SystemExit("llama_worker: no context")
        self.vocabulary = lc.llama_vocab_n_tokens(lc.llama_model_get_vocab(self.model))

    def close(self):
        lc.llama_free(self.context)
        lc.llama_model_free(self.model)

    def clear(self):
        lc.llama_memory_clear(lc.llama_get_memory(self.context), True)

    def compute(self, rows):
        """rows: (sequence, position, wants_logits); in batches of at most 2048 tokens."""
        for begin in range(0, len(rows), 2048):
            part = rows[begin : begin + 2048]
            batch = lc.llama_batch_init(len(part), 0, 1)
            batch.n_tokens = len(part)
            for i, (sequence, position, wanted) in enumerate(part):
                batch.token[i] = random.randrange(self.vocabulary)
                batch.pos[i] = position
                batch.n_seq_id[i] = 1
                batch.seq_id[i][0] = sequence
                batch.logits[i] = wanted
            status = lc.llama_decode(self.context, batch)
            lc.llama_batch_free(batch)
            if status != 0:
                raise SystemExit(f"llama_worker: llama_decode gave {status}")
        lc.llama_synchronize(self.context)

    def prefill(self, tokens):
        self.clear()
        rows = [(0, i, i + 1 == tokens) for i in range(tokens)]
        start = time.perf_counter()
        self.compute(rows)
        return tokens / (time.perf_counter() - start)

    def decode(self, steps, depth, sequences):
        self.clear()
        for s in range(sequences):
            self.compute([(s, i, i + 1 == depth) for i in range(depth)])
        start = time.perf_counter()
        for step in range(steps):
            self.compute([(s, depth + step, True) for s in range(sequences)])
        return steps * sequences / (time.perf_counter() - start)


def main():
    lc.llama_log_set(silent, ctypes.c_void_p(0))
    lc.llama_backend_init()
    peer, settings = None, None
    for line in sys.stdin:
        order = json.loads(line)
        sequences = order.get("sequences", 1)
        depth = order.get("depth", 1)
        steps = order.get("decode", 0)
        need = order["prefill"] if "prefill" in order else depth + steps
        tokens = (need + 255) // 256 * 256 * sequences
        wanted = (order["model"], order["threads"], order["flash"], tokens, sequences)
        if wanted != settings:
            if peer:
                peer.close()
            peer, settings = Peer(*wanted), wanted
            peer.prefill(min(need, 128))  # warm up
            peer.decode(4, min(depth, 128), sequences)
        rate = peer.prefill(order["prefill"]) if "prefill" in order else peer.decode(steps, depth, sequences)
        print(json.dumps({"tokens_per_second": rate}), flush=True)


if __name__ == "__main__":
    main()

"""What sacrebleu says of small corpora: tests/golden/bleu.json.

    python -P tools/golden/bleu.py
"""

import json
import random
from importlib.metadata import version
from pathlib import Path

import sacrebleu

OUT = Path(__file__).resolve().parents[2] / "tests" / "golden" / "bleu.json"
WORDS = ["the", "cat", "sat", "on", "mat,", "dog.", "3.14", "1,000", "(see", "below)", "it's", "A&amp;B", "x-ray",
         "2020-21", "...", "\"quoted\"", "50%", "고양이가", "매트", "위에", "앉았다.", "é", "a/b", "<skipped>"]


def corpus(seed, size):
    rng = random.Random(seed)
    hypotheses, references = [], []
    for _ in range(size):
        reference = [rng.choice(WORDS) for _ in range(rng.randint(0, 14))]
        hypothesis = [word for word in reference if rng.random() > 0.2]
        if rng.random() < 0.3:
            hypothesis.insert(0, rng.choice(WORDS))
        hypotheses.append(" ".join(hypothesis))
        references.append(" ".join(reference))
    return hypotheses, references


def case(hypotheses, references, tokenize):
    score = sacrebleu.corpus_bleu(hypotheses, [references], tokenize=tokenize)
    return {"hypotheses": hypotheses, "references": references, "tokens": tokenize, "bleu": round(score.score, 9),
            "precisions": [round(p, 9) for p in score.precisions], "brevity_penalty": round(score.bp, 9),
            "lengths": [score.sys_len, score.ref_len]}


def main():
    cases = []
    for tokenize in ["13a", "char", "none"]:
        cases += [case(*corpus(seed, size), tokenize) for seed, size in [(1, 1), (2, 5), (3, 40)]]
        cases.append(case(["no match here at all"], ["something quite different"], tokenize))
        cases.append(case(["a b"], ["a b"], tokenize))
        cases.append(case(["", "the cat"], ["empty", "the cat sat"], tokenize))
        cases.append(case(["x y z w v"], ["x q z w r"], tokenize))
    text = json.dumps({"made_by": "tools/golden/bleu.py", "sacrebleu": version("sacrebleu"), "cases": cases},
                      ensure_ascii=False, separators=(",", ":"))
    OUT.write_text(text + "\n")


if __name__ == "__main__":
    main()

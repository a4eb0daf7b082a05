#!/usr/bin/env bash
# Makes every golden file and fuzz corpus again from the reference implementations. Needs a virtual environment:
#   python3 -m venv .venv && .venv/bin/pip install -r tools/golden/requirements.txt && . .venv/bin/activate
# and the two models (`make models`). A golden that changes needs a reason in its commit.
set -euo pipefail
cd "$(dirname "$0")/../.."

models="${ONDOL_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/ondol}/models"
data="${ONDOL_DATA:-../shared/data}"

python tools/golden/io.py
python tools/golden/io.py --corpus
python tools/golden/kernels.py
python tools/golden/tokenizer_files.py "$models" tests/golden
python tools/golden/tokenizer_files.py --corpus
python -P tools/golden/unigram.py "$data"
python -P tools/golden/tokenizer_training.py "${ONDOL:-build/release/bin/ondol}" "$data"
python tools/golden/jinja.py
python tools/golden/bm25.py
python tools/golden/stats.py
python -P tools/golden/make_graph_golden.py "$data"
python -P tools/golden/bleu.py
python tools/golden/optimizers.py
python -P tools/golden/model.py
python -P tools/golden/t5.py
python -P tools/golden/peft.py
python -P tools/golden/whole_model.py
python -P tools/golden/training.py
python -P tools/golden/minilm.py "$models/all-minilm-l6-v2" tests/golden/minilm.json
python -P tools/golden/smollm2.py "$models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf" \
  "$data/corpora/wiki_demo.txt" tests/golden/smollm2.json

# The front door. `make help` lists the targets; each is one line over presets and tools.
JOBS ?= 2
export CTEST_PARALLEL_LEVEL ?= $(JOBS)
SOURCES = $(shell git ls-files --cached --others --exclude-standard 'src/*.h' 'src/*.cpp' 'include/*.h' 'examples/*.cpp' 'bench/*.cpp' 'tests/*.h')

.DEFAULT_GOAL := dev
.PHONY: help deps dev release test test-all check fmt fmt-check layers handbook models asan tsan fuzz bench bench-peers bench-quality golden size quickstart clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

deps:  ## install the Debian packages that are missing (root or sudo)
	tools/install_deps.sh dev

dev:  ## build everything, optimised with assertions: build/dev
	cmake --preset dev && cmake --build --preset dev -j $(JOBS)

release:  ## build what people run: build/release/bin/ondol
	cmake --preset release && cmake --build --preset release -j $(JOBS)

quickstart:  ## install packages, build, and run the whole story on the sample workspace
	tools/install_deps.sh run
	$(MAKE) release
	build/release/bin/ondol quickstart

models: dev  ## fetch the two models of the tests into the cache
	build/dev/bin/ondol pull smollm2-135m-instruct && build/dev/bin/ondol pull all-minilm-l6-v2

test: dev  ## every test but the slow ones
	ctest --preset dev -LE slow

test-all: dev  ## every test
	ctest --preset dev

check: fmt-check layers handbook test  ## what CI runs: format, layers, tests

fmt:  ## format the sources in place
	clang-format -i $(SOURCES)

fmt-check:  ## complain about sources that are not formatted
	@clang-format --dry-run -Werror $(SOURCES) && echo "format: clean"

layers:  ## check which room includes which
	python3 tools/check_layers.py

handbook:  ## check the sample workspace
	python3 tools/check_handbook.py

# Of the real models: loading, tokens, logits and vectors. Generation with them takes tens of times as long under the
# sanitizers and walks the code that the tiny models walk in the unit tests.
ASAN_MODEL_TESTS = '^(io|text)\.|TellsWhatTheFileHolds|LogitsAreThose|SentenceVectors'

asan:  ## the tests under address and undefined-behaviour sanitizers
	cmake --preset asan && cmake --build --preset asan -j $(JOBS)
	ctest --preset asan -LE 'slow|model'
	ctest --preset asan -L model -R $(ASAN_MODEL_TESTS)

tsan:  ## thread pool, generator, endpoints and store under the thread sanitizer
	cmake --preset tsan && cmake --build --preset tsan -j $(JOBS) --target tsan_tests && ctest --preset tsan -L unit -R '^(base|infer|net|store)\.'

fuzz:  ## a minute of fuzzing for every reader, and its coverage
	tools/fuzz.sh 60

bench: release  ## speed of this build on this machine
	build/release/bin/ondol bench -m smollm2-135m-instruct -p 512 -n 64 -t 2 -r 5

PEER_MODEL ?= $(HOME)/.cache/ondol/models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf
PEER_ENCODER ?= $(HOME)/.cache/ondol/models/all-minilm-l6-v2
bench-peers: release  ## speed beside llama.cpp and sentence-transformers (about 25 minutes the first time)
	bench/peers/setup.sh llama embed
	python3 bench/peers/compare.py --file $(PEER_MODEL)
	python3 bench/peers/compare_embed.py --folder $(PEER_ENCODER)

bench-quality: release  ## quality beside llama.cpp for every weight type (about 20 minutes)
	bench/peers/setup.sh llama
	build/peers/llama/bin/python bench/peers/make_files.py --from $(PEER_MODEL)
	build/peers/llama/bin/python bench/peers/quality.py --files build/peers/files $(PEER_MODEL)

golden:  ## make the golden files again (needs a virtual environment, see tools/golden/README.md)
	tools/golden/make_all.sh

size:  ## lines per room, long files and long functions
	python3 tools/size.py

clean:  ## remove every build
	rm -rf build

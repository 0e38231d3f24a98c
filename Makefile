# Two commands do everything: `make demo` shows vrag at work, `make test` proves it.
PYTHON ?= python3
VENV := .venv
TEST_VENV := .venv-test
COLPALI_VENV := .venv-colpali
PIP := -m pip install --quiet --disable-pip-version-check

.PHONY: demo test test-core test-colpali check format docs samples reference clean

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
	@echo "  vrag search \"what you look for\" --index ~/my-index --save-pages ./hits"

# Everything: about 10 minutes, most of it torch being installed (5 GB, once).
test: test-core test-colpali

# Without torch.
test-core: $(TEST_VENV)/installed
	PATH="$(CURDIR)/$(TEST_VENV)/bin:$$PATH" $(MAKE) check

# ColPali-style and ONNX models on tiny checkpoints.
test-colpali: $(COLPALI_VENV)/installed
	PATH="$(CURDIR)/$(COLPALI_VENV)/bin:$$PATH" VRAG_NEED_COLPALI=1 pytest tests/colpali tests/embedders

# What CI runs, in an environment that is there already.
check:
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	pytest

format:
	$(TEST_VENV)/bin/ruff check --fix .
	$(TEST_VENV)/bin/ruff format .

# The command line reference, from the live --help.
docs: $(TEST_VENV)/installed
	$(TEST_VENV)/bin/typer vrag.cli.app utils docs --name vrag --title "The command line" --output docs/cli.md

# The built-in model against transformers and torch.
reference: $(COLPALI_VENV)/installed
	$(COLPALI_VENV)/bin/pytest -m reference tests/embedders

samples: $(TEST_VENV)/installed
	$(TEST_VENV)/bin/python $(PIP) -e '.[samples]'
	$(TEST_VENV)/bin/python eval/samples/make_samples.py

clean:
	rm -rf $(VENV) $(TEST_VENV) $(COLPALI_VENV) .vrag

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python $(PIP) .
	touch $@

$(TEST_VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(TEST_VENV)
	$(TEST_VENV)/bin/python $(PIP) -e '.[test]'
	touch $@

$(COLPALI_VENV)/installed: pyproject.toml requirements-colpali.txt
	$(PYTHON) -m venv $(COLPALI_VENV)
	$(COLPALI_VENV)/bin/python $(PIP) -r requirements-colpali.txt
	touch $@

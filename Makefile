# The project's habits. `make demo` and `make test` need Python 3.11+ and make, nothing else.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
ARGS ?=
# Processes of the suite, each with its own servers; more than cores, since tests often wait.
TESTERS ?= 3

.PHONY: demo test lint fix bench up lock messages screenshots

demo: $(VENV)/installed
	@$(PY) manage.py demo $(ARGS)

up: $(VENV)/installed
	@$(PY) manage.py up $(ARGS)

test: $(VENV)/installed-dev
	@$(PY) -m pytest -n $(TESTERS) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(VENV)/installed-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports
	$(VENV)/bin/mypy .

fix: $(VENV)/installed-dev
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

# Every worker's page, into docs/images/.
screenshots: $(VENV)/installed-dev
	@$(PY) docs/screenshots.py $(ARGS)
	@$(PY) docs/tour_pictures.py $(ARGS)

# The sentences of the workers' pages into locale/, and what is translated of them into .mo files.
# Needs GNU gettext (`apt install gettext`). A new language: `make messages ARGS="--locale fr"`.
messages: $(VENV)/installed
	@$(PY) manage.py makemessages $(or $(ARGS),--all) --no-wrap --add-location file --no-obsolete \
		$(foreach left_out,.venv var build tests benchmarks docs templates/admin,--ignore "$(left_out)/*")
	@$(PY) manage.py compilemessages --ignore .venv

# Sizes for under 15 minutes in all on 2 cores; each script's default is the size of its goal.
BENCH_effort := --grids 5 --clicked 1
BENCH_export := --judgments 400000 --responses 60000 --repeat 2
BENCH_import_responses := --judgments 200000 --campaigns 2
BENCH_inference := --images 64
BENCH_load := --hits 1000 10000 --seconds 6 --think 0.1 --answers 2
BENCH_pages := --images 5000 --rounds 4
BENCH_posterior := --judgments 300000
BENCH_publish := --hits 2000 --crashes 3 --study 60
BENCH_chaos := --rounds 10
BENCH_sessions := --sessions 60 --practice
BENCH_report := --images 2000 --workers 100 --classifiers 3 --repeat 1
BENCH_fuzz := --inputs 4000
BENCH_coverage := --studies 20 --workers 12 --answers 5
BENCHMARKS := $(basename $(notdir $(wildcard benchmarks/*.py)))

bench: $(BENCHMARKS:%=bench-%)

bench-%: $(VENV)/installed-dev
	@echo "== $* $(BENCH_$*)"
	@$(PY) benchmarks/$*.py $(BENCH_$*)

$(VENV)/installed: requirements.txt
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@echo "Installing requirements.txt into $(VENV) (a minute or two) ..."
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	@echo "Installing the tests' requirements into $(VENV) ..."
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# Prints the lock: the versions that pip resolves today from pyproject.toml.
lock:
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/pip install --quiet torch==2.13.0 $$($(PYTHON) -c "import tomllib; print(*(repr(d) for d in tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies']))")
	build/lock/bin/pip freeze | sed 's/^\(torch==[0-9.]*\)+.*/\1/'

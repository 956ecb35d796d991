# `make demo` and `make test` need nothing but this folder, Python 3.11 or newer and a package index.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
# A real (software) OpenGL screen: Qt's own offscreen platform draws no image layers.
VIRTUAL_SCREEN := env QT_QPA_PLATFORM=xcb LIBGL_ALWAYS_SOFTWARE=1 xvfb-run -a -s "-screen 0 1600x1000x24"

# The widget tests that take longest: `make gui` runs them, with all others, on both bindings.
LONG := $(foreach name,responsive review undo window,--ignore=tests/gui/test_$(name).py)
PYTEST := -m pytest -m "not slow"
ON_PYQT6 := $(VIRTUAL_SCREEN) env QT_API=pyqt6 PYTEST_QT_API=pyqt6 $(BIN)/python $(PYTEST)
ON_PYSIDE6 := $(VIRTUAL_SCREEN) env QT_API=pyside6 PYTEST_QT_API=pyside6 $(BIN)/python $(PYTEST)
SHORT := $(foreach name,charts keys matrix opening preferences review_bar,tests/gui/test_$(name).py)

.PHONY: demo test lint pytest slow gui screenshots install clean

demo: install
	$(BIN)/longiseg demo --out demo_output

test: lint pytest

lint: install
	$(BIN)/ruff check src tests benchmarks scripts
	$(BIN)/ruff format --check src tests benchmarks scripts
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/npe2 validate --imports napari-longiseg

pytest: install
	$(ON_PYQT6) $(LONG)
	$(ON_PYSIDE6) $(SHORT)

gui: install
	$(ON_PYQT6) tests/gui
	$(ON_PYSIDE6) tests/gui

# The pictures of docs/, from the sample study.
screenshots: install
	$(VIRTUAL_SCREEN) $(BIN)/python scripts/screenshots.py

# Networks of full size: 8 GB of memory and some minutes.
slow: install
	$(BIN)/python -m pytest -m slow

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml scripts/install.sh
	bash scripts/install.sh $(VENV)
	touch $@

clean:
	rm -rf $(VENV) demo_output

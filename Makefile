# `make demo` and `make test` need nothing but this folder, Python 3.11 or newer and a package index.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
# A real (software) OpenGL screen: Qt's own offscreen platform draws no image layers.
VIRTUAL_SCREEN := env QT_QPA_PLATFORM=xcb LIBGL_ALWAYS_SOFTWARE=1 xvfb-run -a -s "-screen 0 1600x1000x24"

PYTEST := $(BIN)/python -m pytest
ON_PYQT6 := $(VIRTUAL_SCREEN) env QT_API=pyqt6 PYTEST_QT_API=pyqt6 $(PYTEST)
ON_PYSIDE6 := $(VIRTUAL_SCREEN) env QT_API=pyside6 PYTEST_QT_API=pyside6 $(PYTEST)
# What has to do with Qt.
GUI := tests/gui tests/napari

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
	$(ON_PYQT6) -m "not slow"
	$(ON_PYSIDE6) -m "not slow" $(GUI)

gui: install
	$(ON_PYQT6) -m "not slow" $(GUI)
	$(ON_PYSIDE6) -m "not slow" $(GUI)

# The pictures of docs/, from the sample study.
screenshots: install
	$(VIRTUAL_SCREEN) $(BIN)/python scripts/screenshots.py

# Networks of full size, and what a long session costs: 8 GB of memory and some minutes.
slow: install
	$(ON_PYQT6) -m slow

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml scripts/install.sh
	bash scripts/install.sh $(VENV)
	touch $@

clean:
	rm -rf $(VENV) demo_output

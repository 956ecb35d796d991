#!/usr/bin/env bash
# Makes a machine ready for `make demo` and `make test`: system libraries, a virtual environment, the package.
# Usage: scripts/install.sh VENV
set -euo pipefail
venv=$1
cd "$(dirname "$0")/.."

# What Qt, OpenGL and the virtual screen need: "what is looked for : the Debian or Ubuntu package that has it".
# Looking for the libraries themselves also works where a package has another name.
needs=(
  "xvfb-run:xvfb" "xauth:xauth"
  "libEGL.so.1:libegl1" "libGL.so.1:libgl1" "libOpenGL.so.0:libopengl0"
  "libdbus-1.so.3:libdbus-1-3" "libfontconfig.so.1:libfontconfig1" "libglib-2.0.so.0:libglib2.0-0"
  "libxkbcommon-x11.so.0:libxkbcommon-x11-0" "libxcb-cursor.so.0:libxcb-cursor0"
  "libxcb-icccm.so.4:libxcb-icccm4" "libxcb-image.so.0:libxcb-image0"
  "libxcb-keysyms.so.1:libxcb-keysyms1" "libxcb-randr.so.0:libxcb-randr0"
  "libxcb-render-util.so.0:libxcb-render-util0" "libxcb-shape.so.0:libxcb-shape0"
)

find_python() {
  local candidate
  for candidate in python3 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null &&
      "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
}

missing_packages() {
  local need known
  known=$(/sbin/ldconfig -p 2>/dev/null || true)
  for need in "${needs[@]}"; do
    local thing=${need%%:*} package=${need##*:}
    case $thing in
      *.so.*) grep -qF "$thing" <<<"$known" || echo "$package" ;;
      *) command -v "$thing" >/dev/null || echo "$package" ;;
    esac
  done
  # Software rendering is loaded at run time, so no library list names it.
  compgen -G '/usr/lib/*/dri/*_dri.so' >/dev/null || echo libgl1-mesa-dri
  [ -n "$(find_python)" ] || printf '%s\n' python3 python3-venv
}

mapfile -t missing < <(missing_packages)
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing system packages: ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q
    apt-get install -q -y --no-install-recommends "${missing[@]}"
  else
    echo "These system packages are missing: ${missing[*]}" >&2
    echo "Install them (on Debian or Ubuntu: sudo apt-get install ${missing[*]}) and run make again." >&2
    exit 1
  fi
fi

python=$(find_python)
if [ -z "$python" ]; then
  echo "Python 3.11 or newer with its venv module is needed; $(python3 --version 2>&1) was found." >&2
  exit 1
fi

[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
# Dependency groups need pip 25.1.
"$venv/bin/python" -m pip install -q --upgrade "pip>=25.1"
# torch by its plain name: the CPU-only 2.13 build breaks torchvision, which nnunetv2 and unigradicon import.
"$venv/bin/python" -m pip install -q --editable . --group dev
echo "Installed napari-longiseg into $venv"

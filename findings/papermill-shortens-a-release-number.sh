#!/bin/bash
# A notebook has a parameter that is text, libvirt = '9.0'. `papermill -p libvirt 11.10` sets it. One would expect the text
# '11.10', because the notebook declares text and papermill reads the declaration (--help-notebook shows the type). -p makes
# a number of each value that looks like one: the notebook gets 11.1, which is another release, with the same exit code as
# if all were well. -r passes the text. Seen with papermill 2.7.0. Needs Python 3.11 or newer with venv. 2026-11.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT
python3 -m venv "$T/venv"
"$T/venv/bin/pip" install --quiet --disable-pip-version-check papermill==2.7.0 nbformat==5.11.1 ipykernel==7.1.0 2>"$T/pip" || { cat "$T/pip"; exit 2; }
"$T/venv/bin/papermill" --version | head -1
"$T/venv/bin/python" - "$T/book.ipynb" <<'Y'
import sys, nbformat.v4 as v4, nbformat
cells = [v4.new_code_cell("libvirt: str = '9.0'  # release"), v4.new_code_cell("print('release', libvirt)")]
cells[0].metadata["tags"] = ["parameters"]
kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
nbformat.write(v4.new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}}), sys.argv[1])
Y
declared=$("$T/venv/bin/papermill" --help-notebook "$T/book.ipynb" | grep -o 'libvirt: str') || declared=
printed() { # OPTION: the release that the notebook prints
  "$T/venv/bin/papermill" --kernel python3 --no-progress-bar "$T/book.ipynb" "$T/out.ipynb" "$1" libvirt 11.10 >"$T/log" 2>&1 || { cat "$T/log"; exit 2; }
  grep -o '"release [0-9.]*' "$T/out.ipynb" | cut -d ' ' -f 2
}
p=$(printed -p) r=$(printed -r)
echo "release that the notebook (${declared:-no type}) gets from -p and from -r, each with 11.10:"
echo "expected: 11.10 and 11.10"; echo "seen:     $p and $r"
[ "$declared $p $r" = "libvirt: str 11.1 11.10" ] || { echo "no longer as recorded: 11.1 and 11.10"; exit 1; }

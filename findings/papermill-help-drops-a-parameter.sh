#!/bin/bash
# A notebook's cell of parameters has three assignments, each with a remark behind it. `papermill --help-notebook` lists
# parameters with their defaults and remarks. One would expect three. A parameter whose remark holds an
# equals sign is left out, and the command says nothing about it. Without the sign it is listed. Seen with papermill 2.7.0. Needs Python 3.11 or newer with venv. 2026-11.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT
python3 -m venv "$T/venv"
"$T/venv/bin/pip" install --quiet --disable-pip-version-check papermill==2.7.0 nbformat==5.11.1 ipykernel==7.1.0 2>"$T/pip" || { cat "$T/pip"; exit 2; }
"$T/venv/bin/papermill" --version | head -1
write() { # FILE LINE: a notebook whose first parameter is LINE
  "$T/venv/bin/python" - "$@" <<'X'
import sys, nbformat.v4 as v4, nbformat
cell = v4.new_code_cell(sys.argv[2] + "\nmachine = 'q35'  # machine type\nlimit: int = 3  # rows at most")
cell.metadata["tags"] = ["parameters"]
kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
book = v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel, "language_info": {"name": "python"}})
nbformat.write(book, sys.argv[1])
X
}
listed() { "$T/venv/bin/papermill" --help-notebook "$1" | grep -cE '^  (guests|machine|limit): ' || true; }
write "$T/sign.ipynb" "guests = 'rhel9'  # guest systems, such as family=linux"
write "$T/plain.ipynb" "guests = 'rhel9'  # guest systems, such as a family"
sign=$(listed "$T/sign.ipynb") plain=$(listed "$T/plain.ipynb")
echo "parameters listed, with and without the sign in the remark:"
echo "expected: 3 and 3"; echo "seen:     $sign and $plain"
[ "$sign $plain" = "2 3" ] || { echo "no longer as recorded: 2 and 3"; exit 1; }

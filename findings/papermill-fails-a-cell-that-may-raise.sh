#!/bin/bash
# A cell has the tag raises-exception, with which Jupyter marks a cell whose error is wanted, such as a refusal that a
# notebook shows. `jupyter execute` runs such a notebook to its end and exits with 0. One would expect the same of papermill,
# which runs notebooks with the same library. papermill runs all cells, also those after the error, and then
# reports that the notebook failed and exits with 1. Seen with papermill 2.7.0 and nbclient 0.10.2.
# Needs Python 3.11 or newer with venv. 2026-11.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT
python3 -m venv "$T/venv"
"$T/venv/bin/pip" install --quiet --disable-pip-version-check papermill==2.7.0 nbclient==0.10.2 nbformat==5.11.1 ipykernel==7.1.0 2>"$T/pip" \
  || { cat "$T/pip"; exit 2; }
"$T/venv/bin/papermill" --version | head -1
"$T/venv/bin/python" - "$T/book.ipynb" <<'Y'
import sys, nbformat.v4 as v4, nbformat
cells = [v4.new_code_cell("raise ValueError('refused, as expected')"), v4.new_code_cell("print('the', 'end')")]
cells[0].metadata["tags"] = ["raises-exception"]
kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
nbformat.write(v4.new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}}), sys.argv[1])
Y
PATH=$T/venv/bin:$PATH
code() { # COMMAND...: its exit code, and whether the last cell ran
  local c=0; "$@" >"$T/log" 2>&1 || c=$?
  echo "$c $(grep -q '"the end' "$T/out.ipynb" && echo whole || echo broken off)"
}
jupyter=$(code jupyter execute --kernel_name=python3 --output="$T/out.ipynb" "$T/book.ipynb"); rm "$T/out.ipynb"
papermill=$(code papermill --kernel python3 --no-progress-bar "$T/book.ipynb" "$T/out.ipynb")
echo "exit code of jupyter execute and of papermill, and how far the notebook ran:"
echo "expected: 0 whole and 0 whole"; echo "seen:     $jupyter and $papermill"
[ "$jupyter, $papermill" = "0 whole, 1 whole" ] || { cat "$T/log"; echo "no longer as recorded: 0 whole and 1 whole"; exit 1; }

#!/bin/bash
# A notebook shows a text in a widget, is run, and is then emptied with `jupyter nbconvert --clear-output`, as one does before a
# notebook goes into version control. One would expect that nothing that the run made is left in the file. The outputs are
# gone, but the text is still there: the run keeps the state of all widgets in the notebook's metadata, which the command
# does not look at. Seen with nbconvert 7.17.2, nbclient 0.11.0 and
# ipywidgets 8.1.9. Needs Python 3.11 or newer with venv. 2026-11.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT
python3 -m venv "$T/venv"
"$T/venv/bin/pip" install --quiet --disable-pip-version-check nbconvert==7.17.2 nbclient==0.11.0 nbformat==5.11.1 ipykernel==7.4.0 ipywidgets==8.1.9 \
  2>"$T/pip" || { cat "$T/pip"; exit 2; }
"$T/venv/bin/python" - "$T/book.ipynb" <<'Y'
import sys, nbformat.v4 as v4, nbformat
cells = [v4.new_code_cell("import ipywidgets\nipywidgets.HTML(value=' '.join(['seen', 'text']))"), v4.new_code_cell("print('seen' + ' ' + 'text')")]
kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
nbformat.write(v4.new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}}), sys.argv[1])
Y
PATH=$T/venv/bin:$PATH
count() { grep -c 'seen text' "$T/book.ipynb" || true; }
jupyter nbconvert --execute --to notebook --inplace "$T/book.ipynb" >"$T/log" 2>&1 || { cat "$T/log"; exit 2; }
ran=$(count)
jupyter nbconvert --clear-output --inplace "$T/book.ipynb" >"$T/log" 2>&1 || { cat "$T/log"; exit 2; }
left=$(count)
echo "lines of the notebook with the text after the run (it must be some: $ran) and after --clear-output:"
echo "expected: 0"; echo "seen:     $left"
[ "$left" = 1 ] && [ "$ran" -gt 1 ] || { echo "no longer as recorded: 1"; exit 1; }

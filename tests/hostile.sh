#!/bin/bash
# Checks that every test that hostile.md names is there: `FILE` "SENTENCE", "SENTENCE"; … Prints what is missing; silent and
# successful otherwise.
set -u -o pipefail
cd "$(dirname "$0")" || exit 1
bad=0 named=0

missing() {
    echo "tests/hostile.md: $1"
    bad=1
}

while IFS= read -r row; do
    cell=${row%|*}
    cell=${cell##*| }
    file=
    # Words in backticks are files, those in quotes sentences of the file before them.
    while [[ $cell =~ ^[^\`\"]*(\`([^\`]+)\`|\"([^\"]+)\")(.*)$ ]]; do
        cell=${BASH_REMATCH[4]}
        if [[ -n ${BASH_REMATCH[2]} ]]; then
            file=${BASH_REMATCH[2]}
            [[ -f $file ]] || missing "there is no file tests/$file"
        elif ! grep -qF -- "${BASH_REMATCH[3]}" "$file" 2>/dev/null; then
            missing "tests/$file has no test \"${BASH_REMATCH[3]}\""
        fi
        named=$((named + 1))
    done
    [[ -n $file ]] || missing "a row without a test: $row"
done < <(grep -E '^\| ' hostile.md | grep -vE '^\| (what|known)')
((named > 100)) || missing "only $named names were found: has the table another form?"
exit $bad

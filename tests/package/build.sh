#!/bin/bash
# Goal: the package is made on a bare release by one command. Inside bare-debian.sh.
set -u -o pipefail
cd /root/berth || exit 1
make deb || { echo "make deb failed"; exit 1; }
cp build/berth_*_"$(dpkg --print-architecture)".deb /mnt/ || exit 1
echo "1 passed, 0 failed"

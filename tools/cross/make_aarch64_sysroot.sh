#!/usr/bin/env bash
# Unpacks the arm64 builds of the libraries that libscout links into a folder, for cross-compiling on
# a Debian machine of another architecture (see aarch64-linux-gnu.txt). Nothing is installed.
#   tools/cross/make_aarch64_sysroot.sh FOLDER
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
packages=(libc6-dev libsodium-dev zlib1g-dev libjansson-dev libcmocka-dev libcurl4-openssl-dev
    libsndfile1-dev libsoxr-dev libpcre2-dev libpulse-dev portaudio19-dev libyaml-dev libseccomp-dev
    libavformat-dev libavcodec-dev libavutil-dev libswresample-dev)
state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
touch "$state/status" # of a machine where nothing is installed, so that all dependencies are fetched
apt=(apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures::=arm64
    -o Dir::State="$state" -o Dir::State::status="$state/status" -o Dir::Cache="$state/cache"
    -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o APT::Install-Recommends=false)
"${apt[@]}" update
"${apt[@]}" --yes --download-only install "${packages[@]}"
for package in "$state"/cache/archives/*.deb; do
    dpkg -x "$package" "$folder"
done
printf "[constants]\nsysroot = '%s'\n" "$folder" >"$folder/sysroot.txt"
echo "unpacked $(find "$state/cache/archives" -name '*.deb' | wc -l) packages into $folder"

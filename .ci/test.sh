#!/bin/bash
# npm test: type check, lint and all tests; the last line is 'N passed, N failed, N skipped'.
# As root on Debian it first installs what the tests need beside npm's packages; else it names what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/node_modules/.bin:$PATH"
colors=()
[ -t 1 ] || { export NO_COLOR=1; colors=(--colors=off); }

# qemu-arm-static is the oracle, gcc compiles fixtures/, libunicorn2 is another CPU. Without recommended packages,
# one of which (binfmt-support) would make the host's kernel run ARM programs and so hide what is tested.
packages=(qemu-user-static gcc-arm-linux-gnueabihf libc6-dev-armhf-cross libunicorn2 gcc libc6-dev tmux golang-go musl-tools
  xz-utils buildah podman runc docker.io iproute2 btrfs-progs)
missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" = 'install ok installed' ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" != 0 ]; then
    echo "Missing packages. Install them with: sudo apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  # A third party's source that fails is no matter as long as Debian's answers.
  apt-get -qq update || true
  # Nor daemons: a test starts one of its own (policy-rc.d of invoke-rc.d).
  policy=/usr/sbin/policy-rc.d
  [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy && trap 'rm -f $policy' EXIT; }
  DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
fi

fixtures/build.sh >/dev/null
fixtures/root.sh date >/dev/null
fixtures/root.sh full >/dev/null
fixtures/root.sh go >/dev/null
fixtures/root.sh debian >/dev/null

tsc --noEmit
biome ci "${colors[@]}" --error-on-warnings .
mkdir -p .cache
rm -f .cache/vitest.json
status=0
vitest run --reporter=default --reporter=json --outputFile.json=.cache/vitest.json || status=$?
node .ci/count.ts .cache/vitest.json ${ARMRUN_CI:+--complete} || status=1
exit "$status"

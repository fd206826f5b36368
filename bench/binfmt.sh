#!/bin/bash
# binfmt.sh COMMAND [ARGUMENT ...]: runs a command in a user and a mount namespace of its own, in which the kernel starts ARM
# programs with qemu-arm-static (binfmt_misc). As any user. Every user namespace has its own binfmt_misc since Linux 6.7, and the
# registration is gone with it. Fails with status 90 where that cannot be had. The command finds ARMRUN_BENCH_BINFMT=1 in its
# environment, and may chroot into a directory that the user owns. Of users and groups only the caller's own is there, as root.
set -euo pipefail
unshare --user --map-root-user --mount true 2>/dev/null || exit 90
exec unshare --user --map-root-user --mount bash -c '
  set -e
  {
    mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
    bash "$1"
  } 2>/dev/null || exit 90
  shift
  ARMRUN_BENCH_BINFMT=1 exec "$@"
' binfmt "$(dirname "$0")/../test/apt/register-qemu.sh" "$@"

/** memfd_create(2) (mm/memfd.c). */
import { fail } from '../../abi/errno.ts';
import {
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  MFD_HUGETLB,
  NAME_MAX,
  O_LARGEFILE,
  O_RDWR,
} from '../../abi/fcntl.ts';
import { MemfdInode, type MemoryFile } from '../../vfs/memory/memory-file.ts';
import { flags, path } from '../args.ts';
import { type Arg, type Call, call } from '../declare.ts';
import { installFile } from './open.ts';

/** MFD_HUGE_MASK << MFD_HUGE_SHIFT. */
const MFD_HUGE_SIZES = 63 << 26;
/** EINVAL when it is longer than a file's may be, with `memfd:` before it. */
const name: Arg<string> = { ...path, decode: (t, low) => t.mm.string(low >>> 0, NAME_MAX - 5, 'EINVAL') };
const MEMFD = { MFD_CLOEXEC, MFD_ALLOW_SEALING, MFD_HUGETLB };

export const memfdCalls: readonly Call[] = [
  call(
    385,
    'memfd_create',
    [name, flags(MEMFD)],
    (t, name, flags) => {
      // As without CONFIG_HUGETLBFS.
      if (flags & MFD_HUGETLB) fail('ENOSYS');
      const inode = new MemfdInode(t.kernel.vfs, name, (flags & MFD_ALLOW_SEALING) !== 0);
      inode.belongsTo(t.creds);
      const file = inode.open(O_RDWR | O_LARGEFILE) as MemoryFile;
      return installFile(t, file, (flags & MFD_CLOEXEC) !== 0);
    },
    {
      before(_t, _name, flags) {
        const sizes = flags & MFD_HUGETLB ? MFD_HUGE_SIZES : 0;
        if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB | sizes)) fail('EINVAL');
      },
    },
  ),
];

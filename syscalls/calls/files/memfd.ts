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
import { flags, str } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { installFile } from './open.ts';

const MEMFD = { MFD_CLOEXEC, MFD_ALLOW_SEALING, MFD_HUGETLB };

export const memfdCalls: readonly Call[] = [
  call(
    385,
    'memfd_create',
    [str, flags(MEMFD)],
    (t, name, flags) => {
      if (name.length > NAME_MAX - 6) fail('EINVAL');
      const inode = new MemfdInode(t.kernel.vfs, name, (flags & MFD_ALLOW_SEALING) !== 0);
      inode.belongsTo(t.creds);
      const file = inode.open(O_RDWR | O_LARGEFILE) as MemoryFile;
      return installFile(t, file, (flags & MFD_CLOEXEC) !== 0);
    },
    {
      before: (_t, _name, flags) => void (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING) && fail('EINVAL')),
    },
  ),
];

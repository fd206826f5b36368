/** A small /sys: what C libraries and runtimes ask of it about processors and memory (sysfs(5)). */
import type { FsStatistics } from '../../abi/stat.ts';
import { type Inode, noSpace } from '../core/inode.ts';
import type { Vfs } from '../core/vfs.ts';
import { flagsOf, hardwareTypeOf } from '../net/interfaces.ts';
import type { Network } from '../net/network.ts';
import { cpuDirectory } from './cpu.ts';
import { type DirectoryContent, directory, fixed, MadeDirectory, MadeFs, text } from './nodes.ts';

/** /sys/class/net. */
const interfaceDirectories = (network: Network): DirectoryContent => ({
  entry: (name) => {
    const found = network.interfaces().find((i) => i.name === name);
    return (
      found &&
      directory({
        address: text(
          () => `${Array.from(found.hardware, (byte) => byte.toString(16).padStart(2, '0')).join(':')}\n`,
        ),
        flags: text(() => `0x${(flagsOf(found) & ~IFF_STATE).toString(16)}\n`),
        ifindex: text(() => `${found.index}\n`),
        mtu: text(() => `${found.mtu}\n`),
        operstate: text(() => `${found.state}\n`),
        type: text(() => `${hardwareTypeOf(found)}\n`),
      })
    );
  },
  names: () => network.interfaces().map((i) => i.name),
});

/** IFF_RUNNING and IFF_LOWER_UP, which /sys leaves out. */
const IFF_STATE = 0x1_0040;

/** /sys of a machine with so many CPUs and that network. */
export function system(cpus: number, network: Network): DirectoryContent {
  return fixed({
    block: directory({}),
    bus: directory({}),
    class: directory({ net: directory(interfaceDirectories(network)) }),
    dev: directory({}),
    devices: directory({ system: directory({ cpu: directory(cpuDirectory(cpus)) }) }),
    fs: directory({ cgroup: directory({}) }),
    kernel: directory({
      mm: directory({
        transparent_hugepage: directory({ enabled: text(() => 'always madvise [never]\n') }),
      }),
    }),
    module: directory({}),
  });
}

export class SysFs extends MadeFs {
  readonly type = 'sysfs';
  readonly source = 'sysfs';
  readonly root: Inode;

  constructor(vfs: Vfs, content: DirectoryContent) {
    super(vfs);
    this.root = new MadeDirectory(this, undefined, '', content);
  }

  statfs(): FsStatistics {
    return noSpace(0x6265_6572);
  }
}

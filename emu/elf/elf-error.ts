/** What a bad program file gives: one line for people, and the errno execve(2) fails with (Linux, fs/binfmt_elf.c). */
export class ElfError extends Error {
  readonly errno: 'ENOEXEC' | 'EINVAL' | 'EIO' | 'ELIBBAD' | 'EPERM' | 'ENOMEM' | 'E2BIG';

  constructor(errno: ElfError['errno'], message: string) {
    super(message);
    this.name = 'ElfError';
    this.errno = errno;
  }
}

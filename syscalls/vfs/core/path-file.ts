/** A descriptor opened with O_PATH: it names a file and can do nothing else (open(2)). */
import { fail } from '../../abi/errno.ts';
import { OpenFile } from './open-file.ts';

export class PathFile extends OpenFile {
  override get readable(): boolean {
    return false;
  }
  override get writable(): boolean {
    return false;
  }
  override seek(): number {
    return fail('EBADF');
  }
  override readdir(): void {
    fail('EBADF');
  }
  override setattr(): void {
    fail('EBADF');
  }
  override allocate(): void {
    fail('EBADF');
  }
  override sync(): void {
    fail('EBADF');
  }
  override ioctl(): number {
    return fail('EBADF');
  }
  override pageSource(): never {
    return fail('EBADF');
  }
}
